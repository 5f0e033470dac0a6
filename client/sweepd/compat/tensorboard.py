"""W&B's integration of TensorBoard: accepted; the sweep file says where event files are to be read."""

from sweepd.compat.terminal import termwarn


def patch(*_arguments: object, **_named: object) -> None:
    """Do nothing but say what to do instead."""
    termwarn("event files are read if the sweep file says `metrics_from: {tensorboard: DIR}`", repeat=False)


def unpatch() -> None:
    """Do nothing."""


def log(*_arguments: object, **_named: object) -> None:
    """Do nothing."""


class WandbHook:
    """Does nothing; a session hook of TensorFlow 1."""

    def __init__(self, *_arguments: object, **_named: object) -> None:
        pass
