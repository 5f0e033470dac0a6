"""Classes that W&B's module names and that scripts check values by, or make."""

from collections.abc import Sequence

import sweepd
from sweepd.script.run.config import Config

__all__ = ["Config", "EvalTable"]


class EvalTable(sweepd.Table):
    """A table. What its columns are for is accepted without effect."""

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
