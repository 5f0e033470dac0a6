"""W&B's TensorBoard integration: accepted; the sweep file names the event files to read."""

from sweepd.compat.modules.terminal import termwarn


def patch(*_arguments: object, **_named: object) -> None:
    """Warn once of the alternative."""
    termwarn("event files are read if the sweep file has `metrics_from: {tensorboard: DIR}`", repeat=False)


def unpatch() -> None:
    """Do nothing."""


def log(*_arguments: object, **_named: object) -> None:
    """Do nothing."""


class WandbHook:
    """Session hook of TensorFlow 1 without effect."""

    def __init__(self, *_arguments: object, **_named: object) -> None:
        pass
