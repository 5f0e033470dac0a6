"""Functions, classes and values of W&B's module that the module `sweepd` lacks."""

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
    """Do nothing: sweepd has no optional features to request."""


def pin_config_keys(keys: object = ()) -> None:
    """Do nothing: the order in which keys are shown is fixed."""


def sagemaker_auth(overrides: object = None, path: object = ".", api_key: object = None) -> None:
    """Do nothing: scripts hold no credentials."""


def join(exit_code: int | None = None) -> None:
    """End the run, like `finish`; scripts for earlier versions of W&B call this function."""
    sweepd.finish(exit_code or 0)


class RunDisabled:
    """Class by which libraries recognise a disabled run of W&B; sweepd has no instances of it."""


def monitor() -> None:
    """Do nothing: videos of gym are not stored."""


class _Ignored:
    """Base class of objects that accept any arguments and have no effect."""

    def __init__(self, *arguments: object, **named: object) -> None:
        self.arguments = arguments
        vars(self).update(named)


class Classes(_Ignored):
    """Class labels of an image, which have no effect."""


class JoinedTable(_Ignored):
    """Join of two tables, which is not stored."""


def box3d(**named: object) -> dict[str, object]:
    """Return the arguments, which describe a three-dimensional box."""
    return named


def setup(*_ignored: object, **_more: object) -> None:
    """Do nothing: no setup is needed."""


def _setup(*_ignored: object, _reset: bool = False, **_more: object) -> None:
    """Make the next `init` begin a standalone run if `_reset` is true."""
    if _reset:
        request_standalone()


class _AnyAttributes:
    """Object that accepts and ignores any attribute, at any depth."""

    def __getattr__(self, name: str) -> "_AnyAttributes":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __setattr__(self, name: str, value: object) -> None:
        pass


@contextmanager
def context(run: object = None, obj: object = None) -> Iterator[_AnyAttributes]:
    """Yield an object that accepts any attribute, in place of telemetry."""
    yield _AnyAttributes()


def patch(*_arguments: object, **_named: object) -> None:
    """Warn once that sweepd reads event files only if the sweep file has `metrics_from`."""
    termwarn("to read event files, add `metrics_from: {tensorboard: DIR}` to the sweep file", repeat=False)


def plot_roc(*_arguments: object, **_named: object) -> None:
    """Warn once that plots of scikit-learn models are not drawn."""
    termwarn("plots of scikit-learn models are not drawn; log their values to store them", repeat=False)


plot_calibration_curve = plot_class_proportions = plot_classifier = plot_clusterer = plot_roc
plot_confusion_matrix = plot_elbow_curve = plot_feature_importances = plot_learning_curve = plot_roc
plot_outlier_candidates = plot_precision_recall = plot_regressor = plot_residuals = plot_roc
plot_silhouette = plot_summary_metrics = plot_roc


def unpatch() -> None:
    """Do nothing: `patch` has no effect to undo."""


def log(*_arguments: object, **_named: object) -> None:
    """Do nothing: TensorBoard summaries are not logged."""


class WandbHook:
    """Session hook for TensorFlow 1, which has no effect."""

    def __init__(self, *_arguments: object, **_named: object) -> None:
        pass


_printed: set[str] = set()
# Maximum number of recorded lines, because a script may print different lines without end.
_MAX_PRINTED = 1_000


def termlog(string: str = "", newline: bool = True, repeat: bool = True, prefix: bool = True) -> None:
    """Print a line to stderr.

    Args:
        string: text of the line.
        newline: whether to end the line.
        repeat: whether to print the line even if it was printed before.
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
    """Table; the arguments about roles of its columns have no effect."""

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
    """Lifetime of an artifact; without effect, because an artifact is stored as long as its run."""

    INHERIT = 0


StrPath = str | PathLike[str]
FilePathStr = str
URIStr = str


def __getattr__(name: str) -> str:
    """Return `__version__` on first access, because the lookup of the version is slow."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("sweepd")
    except PackageNotFoundError:  # imported from the agent's installation, not from this Python's
        found = "0"
    return str(globals().setdefault(name, found))
