"""The tables of the metric database; `schema.sql` and the migrations agree with them."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class MetricTable(SQLModel, registry=registry()):
    """What all tables of this database share: a catalogue of their own."""


def _reference(target: str, *, index: bool = False) -> Column[int]:
    return Column(Integer, ForeignKey(target, ondelete="CASCADE"), nullable=False, index=index)


def _checksum() -> Column[int]:
    """Return the column for what `domain.checksum` makes of the rest of a row."""
    return Column(BigInteger, nullable=False)


class SweepRow(MetricTable, table=True):
    """A sweep that has logged; integer keys stand for names everywhere else."""

    __tablename__ = "sweep"
    id: int = Field(primary_key=True)
    name: str = Field(sa_column=Column(Text, nullable=False, unique=True))


class RunRow(MetricTable, table=True):
    """A run that has logged; ids grow in the order in which runs first did."""

    __tablename__ = "run"
    id: int = Field(primary_key=True)
    sweep_id: int = Field(sa_column=_reference("sweep.id", index=True))
    name: str = Field(sa_column=Column(Text, nullable=False, unique=True))


class AttemptRow(MetricTable, table=True):
    """An attempt and its cursors: every row up to `point_row`, every byte before `log_offset` is here."""

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("run_id", "number"),
        Index("attempt_loose_log", "id", sqlite_where=text("log_tail_pieces > 1")),
    )
    id: int = Field(primary_key=True)
    run_id: int = Field(sa_column=_reference("run.id"))
    number: int
    point_row: int
    resumed_from_step: int | None = None
    log_offset: int
    log_tail_offset: int
    """Pieces from here on are short and will be joined."""
    log_tail_pieces: int


class KeyRow(MetricTable, table=True):
    """The name of a key."""

    __tablename__ = "metric_key"
    id: int = Field(primary_key=True)
    name: str = Field(sa_column=Column(Text, nullable=False, unique=True))


class SeriesRow(MetricTable, table=True):
    """One key of one attempt: its summary, and where its open tail begins."""

    __tablename__ = "series"
    __table_args__ = (
        UniqueConstraint("attempt_id", "key_id"),
        Index("series_loose", "id", sqlite_where=text("tail_pieces > 1")),
    )
    id: int = Field(primary_key=True)
    attempt_id: int = Field(sa_column=_reference("attempt.id"))
    key_id: int = Field(sa_column=_reference("metric_key.id"))
    points: int
    numbers: int
    """How many of the points are finite numbers: the weight of the mean."""
    kinds: int
    """One bit for each type among its values, as `Kind` numbers them."""
    tail_first_row: int
    tail_points: int
    tail_pieces: int
    summary: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """A serialised `KeySummary` without its names."""
    checksum: int = Field(sa_column=_checksum())
    """Of the summary and of all else of the row but its tail."""


class ChunkRow(MetricTable, table=True):
    """A stretch of a series, as it goes out."""

    __tablename__ = "chunk"
    __table_args__ = (UniqueConstraint("series_id", "first_row"),)
    id: int = Field(primary_key=True)
    series_id: int = Field(sa_column=_reference("series.id"))
    first_row: int
    last_row: int
    points: int
    min_step: int
    max_step: int
    kind: int
    """The type of its values, as `Kind` numbers them."""
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """A serialised `SeriesChunk`."""
    checksum: int = Field(sa_column=_checksum())


class LogPieceRow(MetricTable, table=True):
    """Bytes of a log from `first_offset` up to, not including, `end_offset`."""

    __tablename__ = "log_piece"
    __table_args__ = (UniqueConstraint("attempt_id", "first_offset"),)
    id: int = Field(primary_key=True)
    attempt_id: int = Field(sa_column=_reference("attempt.id"))
    first_offset: int
    end_offset: int
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    checksum: int = Field(sa_column=_checksum())


class FileBlobRow(MetricTable, table=True):
    """A content; those that are whole are told apart by their digest, and shared."""

    __tablename__ = "file_blob"
    __table_args__ = {"sqlite_autoincrement": True}
    id: int = Field(primary_key=True)
    digest: bytes | None = Field(sa_column=Column(LargeBinary, unique=True))
    size: int


class FilePieceRow(MetricTable, table=True):
    """A stretch of a content."""

    __tablename__ = "file_piece"
    blob_id: int = Field(primary_key=True)
    first_offset: int = Field(primary_key=True)
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    checksum: int = Field(sa_column=_checksum())


class FileRow(MetricTable, table=True):
    """A file that an attempt has left, with its content or the reason why that is not here."""

    __tablename__ = "file"
    __table_args__ = (Index("file_of_blob", "blob_id"),)
    attempt_id: int = Field(
        sa_column=Column(Integer, ForeignKey("attempt.id", ondelete="CASCADE"), primary_key=True)
    )
    name: str = Field(sa_column=Column(Text, primary_key=True))
    size: int
    time: float
    blob_id: int | None = None
    left_out: str = Field(sa_column=Column(Text, nullable=False))


class FileUploadRow(MetricTable, table=True):
    """How far an attempt has delivered files, and which one is arriving."""

    __tablename__ = "file_upload"
    attempt_id: int = Field(
        sa_column=Column(Integer, ForeignKey("attempt.id", ondelete="CASCADE"), primary_key=True)
    )
    number: int
    blob_id: int
    name: str = Field(sa_column=Column(Text, nullable=False))
    next_offset: int


class IdentityRow(MetricTable, table=True):
    """The one row that says which database this is, and what it remembers of the scheduler's."""

    __tablename__ = "identity"
    id: int = Field(sa_column=Column(Integer, primary_key=True))
    database_id: str = Field(sa_column=Column(Text, nullable=False))
    number: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Of the newest commit."""
    peer_id: str | None = Field(sa_column=Column(Text, nullable=True))
    peer_generation: str | None = Field(sa_column=Column(Text, nullable=True))
    peer_number: int | None = Field(sa_column=Column(BigInteger, nullable=True))


class GenerationRow(MetricTable, table=True):
    """A start of the service that has committed something, and the number of its first commit."""

    __tablename__ = "generation"
    id: int = Field(sa_column=Column(Integer, primary_key=True))
    token: str = Field(sa_column=Column(Text, nullable=False))
    first_number: int = Field(sa_column=Column(BigInteger, nullable=False))
