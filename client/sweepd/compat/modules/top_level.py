"""Functions, classes and values of W&B's module that `sweepd` itself lacks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from os import PathLike

import sweepd
from sweepd.compat.environment import request_standalone
from sweepd.script.notices import print_line
from sweepd.script.run.config import Config

__all__ = ["Config"]


def ensure_configured() -> None:
    """Do nothing: `init` reads the environment."""


def require(requirement: object = None, experiment: object = None) -> None:
    """Do nothing: there are no optional behaviours."""


def pin_config_keys(keys: object = ()) -> None:
    """Do nothing: keys are shown in a fixed order."""


def sagemaker_auth(overrides: object = None, path: object = ".", api_key: object = None) -> None:
    """Do nothing: scripts hold no credentials."""


def join(exit_code: int | None = None) -> None:
    """End the run; the older name of `finish`."""
    sweepd.finish(exit_code or 0)


class RunDisabled:
    """Class by which libraries recognise W&B's disabled runs; in sweepd, a disabled run is a `Run`."""


def monitor() -> None:
    """Do nothing: videos of gym are not stored."""


class _Ignored:
    """Object that accepts any arguments."""

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
    """Make the next `init` begin a standalone run if `_reset` is true."""
    if _reset:
        request_standalone()


class _Dropped:
    """Object that accepts any attribute at any depth."""

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
    """Warn once that `metrics_from` replaces the TensorBoard integration."""
    termwarn("event files are read if the sweep file has `metrics_from: {tensorboard: DIR}`", repeat=False)


def plot_roc(*_arguments: object, **_named: object) -> None:
    """Warn once that plots of scikit-learn models are not drawn."""
    termwarn("plots of scikit-learn models are not drawn; log their values to store them", repeat=False)


plot_calibration_curve = plot_class_proportions = plot_classifier = plot_clusterer = plot_roc
plot_confusion_matrix = plot_elbow_curve = plot_feature_importances = plot_learning_curve = plot_roc
plot_outlier_candidates = plot_precision_recall = plot_regressor = plot_residuals = plot_roc
plot_silhouette = plot_summary_metrics = plot_roc


def unpatch() -> None:
    """Do nothing."""


def log(*_arguments: object, **_named: object) -> None:
    """Do nothing."""


class WandbHook:
    """Session hook of TensorFlow 1 without effect."""

    def __init__(self, *_arguments: object, **_named: object) -> None:
        pass


_printed: set[str] = set()
# Limit for remembered lines, as a training may print a new one each time.
_MAX_PRINTED = 1_000


def termlog(string: str = "", newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print a line to stderr.

    Args:
        string: text of the line.
        newline: whether to end the line.
        repeat: whether to print a line that was already printed.
        prefix: whether the line begins with `sweepd: `.
    """
    _print("", string, newline=newline, repeat=repeat, prefix=prefix)


def termwarn(string: str, newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print a warning to stderr, see `termlog`."""
    _print("warning: ", string, newline=newline, repeat=repeat, prefix=prefix)


def termerror(string: str, newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print an error to stderr, see `termlog`."""
    _print("error: ", string, newline=newline, repeat=repeat, prefix=prefix)


def termsetup(settings: object = None, logger: object = None) -> None:
    """Do nothing: no setup is needed."""


def _print(kind: str, string: str, *, newline: bool, repeat: bool, prefix: bool) -> None:
    line = f"{kind}{string}"
    if not repeat and line in _printed:
        return
    if len(_printed) < _MAX_PRINTED:
        _printed.add(line)
    begin, end = "sweepd: " if prefix else "", "\n" if newline else ""
    print_line(f"{begin}{line}{end}")


class EvalTable(sweepd.Table):
    """Table; the roles of its columns are accepted without effect."""

    def __init__(
        self,
        columns: Sequence[str] | None = None,
        data: object = None,
        rows: object = None,
        dataframe: object = None,
        dtype: object = None,
        optional: object = True,
        allow_mixed_types: bool = False,
        log_mode: str | None = "IMMUTABLE",
        *,
        input_columns: Sequence[str] | None = None,
        output_columns: Sequence[str] | None = None,
        score_columns: Sequence[str] | None = None,
        backend: object = None,
        unsupported_media_mode: str = "stub",
    ) -> None:
        super().__init__(columns, data, rows, dataframe, dtype, optional, allow_mixed_types, log_mode)


patched: dict[str, list[object]] = {"tensorboard": [], "keras": [], "gym": []}


class AlertLevel(Enum):
    """Level of an alert."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class ArtifactTTL(Enum):
    """Lifetime of an artifact, without effect: an artifact is stored with its run."""

    INHERIT = 0


StrPath = str | PathLike[str]
FilePathStr = str
URIStr = str


def __getattr__(name: str) -> str:
    """Return the version of sweepd on demand, because finding it is slow."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("sweepd")
    except PackageNotFoundError:  # imported from the agent's installation, not from this Python's
        found = "0"
    return str(globals().setdefault(name, found))
