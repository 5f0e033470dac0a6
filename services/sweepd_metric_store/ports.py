"""Ports between the service and its storage."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from sweepd_kernel.errors import DomainError
from sweepd_metric_store.domain.batch import Batch
from sweepd_metric_store.domain.checksum import Damage

SYSTEM = "#system"
"""Suffix of the names under which a run's system samples are stored; other names never contain `#`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptName:
    """Full name of an attempt."""

    sweep: str
    run: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsArrived:
    """A batch of points to store."""

    name: AttemptName
    batch: Batch
    resumed_from_step: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogArrived:
    """A piece of a log to store."""

    name: AttemptName
    offset: int
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileArrived:
    """A piece of a file to store; `left_out` gives the reason if its content is not sent."""

    name: AttemptName
    number: int
    file: str
    size: int
    time: float
    offset: int
    content: bytes
    digest: bytes
    left_out: str


Arrival = PointsArrived | LogArrived | FileArrived


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Outcome of an arrival: the cursor after it, and the reason if anything was left out."""

    name: AttemptName
    cursor: int
    rejection: str = ""
    fresh: bool = False
    """True if anything new was stored."""
    refused: bool = False
    """True if the arrival does not count as delivered, for the reason in `rejection`."""


class MetricWrites(Protocol):
    """Port of the writer thread to the storage; used by a single thread."""

    def commit(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Store `arrivals` durably in one transaction.

        Raises:
            DomainError: no arrival is stored; a later call may succeed.
        """

    def compact(self) -> bool:
        """Join some small pieces of idle attempts; return True if there may be more."""

    def close(self) -> None:
        """Close the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Selection of points: named runs or a whole sweep; all keys if `keys` is empty."""

    runs: AbstractSet[str] = frozenset()
    sweep: str = ""
    keys: AbstractSet[str] = frozenset()

    def covers(self, name: AttemptName) -> bool:
        """Return True if points of this attempt are selected."""
        return name.sweep == self.sweep if self.sweep else name.run in self.runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Start of a page; the default is the start of the list."""

    run_id: int = 0
    key: str = ""
    attempt: int = 0
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """Query for a page of histories.

    Args:
        max_points: thin each series to about this many points; 0: all points.
        all_attempts: include points that newer attempts have replaced.
        by_attempt: order the series of a run by attempt before key, else by key before attempt.
        budget: approximate size of the page in bytes.
        skip_damaged: leave out and report damaged points; otherwise damage is an error.
        part_of_stream: the page belongs to a stream, and may wait for other streams.
    """

    selection: Selection
    start: Position
    budget: int
    max_points: int = 0
    all_attempts: bool = False
    by_attempt: bool = False
    skip_damaged: bool = False
    part_of_stream: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPage:
    """Encoded series or summaries, the damage found, and the start of the next page (None at the end)."""

    items: Sequence[bytes]
    rest: Position | None
    damaged: Sequence[Damage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """New points of attempts: encoded series, the last row read of each attempt, and attempts not fully read.

    Damaged points are left out and reported.
    """

    series: Sequence[bytes]
    rows: Mapping[AttemptName, int]
    unread: AbstractSet[AttemptName]
    damaged: Sequence[Damage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPart:
    """Bytes of the log of `attempt` (0: no log) from `offset` on; `end` is the length of the log.

    With `damaged_from`, `content` is empty: the log is unreadable from `damaged_from` to `offset`.
    """

    attempt: int
    offset: int
    content: bytes
    end: int
    damaged_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a run; if its content is not stored, `digest` is empty and `left_out` gives the reason."""

    name: str
    attempt: int
    size: int
    time: float
    digest: bytes
    left_out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePage:
    """Files in order of name, and the name after which the next page begins (None at the end)."""

    files: Sequence[StoredFile]
    rest: str | None


class MetricReads(Protocol):
    """Port of readers to the storage; calls run concurrently and never wait for the writer.

    Every method may raise DamagedError, which names the database and the damage.
    """

    place: str
    """Path of the database."""

    def damaged(self, damages: Sequence[Damage]) -> DomainError:
        """Return the error that reports this damage."""

    async def history(self, query: HistoryQuery) -> EncodedPage:
        """Return a page of histories, with runs in the order in which they first logged."""

    async def summaries(
        self, selection: Selection, start: Position, page_size: int, *, skip_damaged: bool = False
    ) -> EncodedPage:
        """Return a page of summaries, each from the newest attempt that logged the key."""

    async def attempts(self, selection: Selection) -> AbstractSet[AttemptName]:
        """Return the attempts with stored rows."""

    async def growth(
        self, names: AbstractSet[AttemptName], rows: Mapping[AttemptName, int], keys: AbstractSet[str]
    ) -> Growth:
        """Return a bounded number of points after the given row of each attempt (default: row 0)."""

    async def log(self, run: str, attempt: int, offset: int, limit: int) -> LogPart:
        """Return up to `limit` bytes of a log from `offset`; attempt 0 means the newest with a log."""

    async def list_files(self, run: str, after: str, limit: int) -> FilePage:
        """Return up to `limit` files of a run after name `after`, each from the newest attempt with it."""

    async def file_blob(self, run: str, name: str) -> int | None:
        """Return the blob id of a file; None if there is no such file, or no content."""

    async def file_piece(self, run: str, name: str, blob: int, offset: int) -> bytes | None:
        """Return the piece of a blob at `offset`; empty at the end, None if the blob was deleted."""


Listener = Callable[[Sequence[Stored]], None]
