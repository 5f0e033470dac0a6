"""Functions and classes of W&B's module that are accepted without effect."""

from collections.abc import Iterator
from contextlib import contextmanager

import sweepd
from sweepd.compat.modules.terminal import termwarn
from sweepd.script import beside_sweep


def ensure_configured() -> None:
    """Do nothing: `init` reads the environment."""


def require(requirement: object = None, experiment: object = None) -> None:
    """Do nothing: there are no optional behaviours."""


def pin_config_keys(keys: object = ()) -> None:
    """Do nothing: keys are shown in one order."""


def sagemaker_auth(overrides: object = None, path: object = ".", api_key: object = None) -> None:
    """Do nothing: scripts hold no credentials."""


def join(exit_code: int | None = None) -> None:
    """End the run; the older name of `finish`."""
    sweepd.finish(exit_code or 0)


class RunDisabled:
    """Class by which libraries recognise a disabled run; here that is a `Run`."""


def monitor() -> None:
    """Do nothing: videos of gym are not stored."""


class _Ignored:
    """Accepts any arguments."""

    def __init__(self, *arguments: object, **named: object) -> None:
        self.arguments = arguments
        vars(self).update(named)


class Classes(_Ignored):
    """Class labels of an image."""


class JoinedTable(_Ignored):
    """Join of two tables."""


def box3d(**named: object) -> dict[str, object]:
    """Return a three-dimensional box as given."""
    return named


def setup(*_ignored: object, **_more: object) -> None:
    """Do nothing: no setup is needed."""


def _setup(*_ignored: object, _reset: bool = False, **_more: object) -> None:
    """Make the next `init` begin a standalone run if the setup is reset."""
    if _reset:
        beside_sweep.request_standalone()


class _Dropped:
    """Accepts attributes of any name at any depth."""

    def __getattr__(self, name: str) -> "_Dropped":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __setattr__(self, name: str, value: object) -> None:
        pass


@contextmanager
def context(run: object = None, obj: object = None) -> Iterator[_Dropped]:
    """Yield an object that accepts any attribute, in place of telemetry."""
    yield _Dropped()


def patch(*_arguments: object, **_named: object) -> None:
    """Warn once of the alternative to the TensorBoard integration."""
    termwarn("event files are read if the sweep file has `metrics_from: {tensorboard: DIR}`", repeat=False)


def unpatch() -> None:
    """Do nothing."""


def log(*_arguments: object, **_named: object) -> None:
    """Do nothing."""


class WandbHook:
    """Session hook of TensorFlow 1 without effect."""

    def __init__(self, *_arguments: object, **_named: object) -> None:
        pass
