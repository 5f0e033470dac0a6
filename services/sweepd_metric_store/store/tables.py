"""Tables of the metric database; schema, statements and readers are generated from them.

A checksum covers all columns before it: integers, then a body.
"""

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from sweepd_kernel.sql.model import GenerationColumns, IdentityColumns, column
from sweepd_metric_store.domain.batch import Chunk, Kind


class MetricTable(SQLModel, registry=registry()):
    """Base of all tables of this database."""


class SweepRow(MetricTable, table=True):
    """Sweep with stored data; other tables refer to names by integer keys."""

    __tablename__ = "sweep"
    id: int = column(key=True)
    name: str = column(unique=True)


class RunRow(MetricTable, table=True):
    """Run with stored data; ids increase in the order in which runs first logged."""

    __tablename__ = "run"
    id: int = column(key=True)
    sweep_id: int = column(index=True, references="sweep.id")
    name: str = column(unique=True)


_LOOSE_LOG = text("log_tail_pieces > 1")


class AttemptRow(MetricTable, table=True):
    """Attempt and its cursors: every row up to `point_row` and every byte before `log_offset` has arrived."""

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("run_id", "number"),
        Index("attempt_loose_log", "id", sqlite_where=_LOOSE_LOG, postgresql_where=_LOOSE_LOG),
    )
    id: int = column(key=True)
    run_id: int = column(fixed=True, references="run.id")
    number: int = column(fixed=True)
    point_row: int
    resumed_from_step: int | None
    log_offset: int
    log_tail_offset: int
    """Offset of the open tail: pieces from here on are short and will be joined."""
    log_tail_pieces: int


class KeyRow(MetricTable, table=True):
    """Name of a key."""

    __tablename__ = "metric_key"
    id: int = column(key=True)
    name: str = column(unique=True)


_LOOSE_SERIES = text("tail_pieces > 1")


class SeriesRow(MetricTable, table=True):
    """Series: one key of one attempt, with its summary and the start of its open tail."""

    __tablename__ = "series"
    __table_args__ = (
        UniqueConstraint("attempt_id", "key_id"),
        Index("series_loose", "id", sqlite_where=_LOOSE_SERIES, postgresql_where=_LOOSE_SERIES),
    )
    id: int = column(key=True)
    attempt_id: int = column(fixed=True, references="attempt.id")
    key_id: int = column(fixed=True, references="metric_key.id")
    points: int
    numbers: int
    """Number of points that are finite numbers: the weight of the mean."""
    kinds: int
    """Bit mask of the `Kind`s of its values."""
    summary: bytes
    """Serialised `KeySummary` without its names."""
    checksum: int
    tail_first_row: int
    tail_points: int
    tail_pieces: int


class ChunkRow(MetricTable, table=True):
    """Stretch of a series; `body` is a serialised `SeriesChunk`, as sent to readers."""

    __tablename__ = "chunk"
    __entity__ = Chunk
    series_id: int = column(key=True, extra=True, references="series.id")
    first_row: int = column(key=True)
    last_row: int
    points: int
    min_step: int
    max_step: int
    kind: int = column(encode=int, decode=Kind)
    body: bytes
    checksum: int = column(extra=True)


class LogPieceRow(MetricTable, table=True):
    """Bytes of a log from `first_offset` to `end_offset` (exclusive)."""

    __tablename__ = "log_piece"
    attempt_id: int = column(key=True, references="attempt.id")
    first_offset: int = column(key=True)
    end_offset: int
    body: bytes
    checksum: int


class FileBlobRow(MetricTable, table=True):
    """Blob: content of files; if it has a digest, it is complete and may be shared. Ids are never reused."""

    __tablename__ = "file_blob"
    id: int = column(key=True)
    digest: bytes | None = column(unique=True)
    size: int


class FilePieceRow(MetricTable, table=True):
    """Piece of a blob."""

    __tablename__ = "file_piece"
    blob_id: int = column(key=True)
    first_offset: int = column(key=True)
    body: bytes
    checksum: int


class FileRow(MetricTable, table=True):
    """File of an attempt, with its content or the reason why the content is not stored."""

    __tablename__ = "file"
    attempt_id: int = column(key=True, references="attempt.id")
    name: str = column(key=True)
    size: int
    time: float
    blob_id: int | None = column(index=True)
    left_out: str


class FileUploadRow(MetricTable, table=True):
    """Cursor of the files of an attempt, and the file being uploaded."""

    __tablename__ = "file_upload"
    attempt_id: int = column(key=True, references="attempt.id")
    number: int
    blob_id: int
    name: str
    next_offset: int


class IdentityRow(MetricTable, IdentityColumns, table=True):
    """Identity of this database, and the last known state of the scheduler's database."""

    __tablename__ = "identity"


class GenerationRow(MetricTable, GenerationColumns, table=True):
    """Start of the service, stored with the number of the first commit after it."""

    __tablename__ = "generation"
