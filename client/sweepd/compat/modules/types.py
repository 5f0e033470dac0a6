"""Classes and values of W&B's module that scripts pass on, compare with or annotate with."""

from collections.abc import Sequence
from enum import Enum
from os import PathLike

import sweepd
from sweepd.script.run.config import Config

__all__ = ["Config", "EvalTable"]


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
    """Lifetime of an artifact; here it is stored with its run."""

    INHERIT = 0


StrPath = str | PathLike[str]
FilePathStr = str
URIStr = str
