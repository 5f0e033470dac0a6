"""Files of runs as people see them."""

from __future__ import annotations

from datetime import datetime

from sweepd import v1
from sweepd.views.rows import Column
from sweepd.views.text import shown_time, size_text
from sweepd.views.values import wall_time
from sweepd.views.view import Field, View


def _modify_time(file: v1.RunFile) -> datetime | None:
    """Return the time to the second."""
    return wall_time(file.modify_time.seconds) if file.HasField("modify_time") else None


def _digest(file: v1.RunFile) -> str | None:
    return file.digest.hex() or None


class FileFields:
    """A file of a run."""

    name = Field[str]("name", columns=Column("file", at=1))
    size_bytes = Field[int]("size_bytes", columns=Column("size", show=size_text, at=2))
    attempt = Field[int]("attempt", columns=Column("attempt", at=5, wide=True))
    modify_time = Field(_modify_time, columns=Column("modified", show=shown_time, at=3))
    sha256 = Field(_digest, columns=Column("sha256", at=6, wide=True))
    left_out = Field[str | None]("left_out?", columns=Column("not here", at=4))


_VIEW = View(FileFields, v1.RunFile)
file_shape, FILES = _VIEW.shape, _VIEW.columns
