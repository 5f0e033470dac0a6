"""Ports of the service to its storage."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from sweepd_kernel.errors import DomainError
from sweepd_metric_store.domain.batch import Batch
from sweepd_metric_store.domain.checksum import Damage

SYSTEM = "#system"
"""Suffix of the names of samples, which are a separate history; no name of a sweep or run contains `#`."""


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
    """A piece of a file to store; `left_out`: why its content is not sent."""

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
    """Outcome of an arrival: the cursor after it, and what was left out of it and why."""

    name: AttemptName
    cursor: int
    rejection: str = ""
    fresh: bool = False
    """True if anything new was stored."""
    refused: bool = False
    """True if it does not count as delivered, for the reason in `rejection`."""


class MetricWrites(Protocol):
    """Storage as the writer thread sees it; used by one thread."""

    def commit(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Store `arrivals` in one transaction that is on disk when this returns.

        Raises:
            DomainError: none of them is stored; a later call may succeed.
        """

    def compact(self) -> bool:
        """Join some of the small pieces of idle attempts; return whether there may be more."""

    def close(self) -> None:
        """Close the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Selection of points: some runs or all of a sweep; all keys if none is named."""

    runs: AbstractSet[str] = frozenset()
    sweep: str = ""
    keys: AbstractSet[str] = frozenset()

    def covers(self, name: AttemptName) -> bool:
        """Return whether points of this attempt are selected."""
        return name.sweep == self.sweep if self.sweep else name.run in self.runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Start of a page; the empty one is the start of the list."""

    run_id: int = 0
    key: str = ""
    attempt: int = 0
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """A page of histories.

    Args:
        max_points: thin each series to about this many points; 0: all points.
        all_attempts: include what newer attempts have replaced.
        by_attempt: order the series of a run by attempt before key, else by key before attempt.
        budget: approximate size of the page in bytes.
        skip_damaged: leave out and name what is damaged; otherwise damage is an error.
        part_of_stream: the page may wait behind other parts of long answers.
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
class HistoryPage:
    """Encoded series, what was left out, and the start of the next page; None at the end."""

    series: Sequence[bytes]
    rest: Position | None
    damaged: Sequence[Damage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPage:
    """Encoded summaries, what was left out, and the start of the next page; None at the end."""

    summaries: Sequence[bytes]
    rest: Position | None
    damaged: Sequence[Damage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Growth of attempts: encoded series, the rows now reached, and attempts not yet read.

    Damaged points are left out and named.
    """

    series: Sequence[bytes]
    rows: Mapping[AttemptName, int]
    unread: AbstractSet[AttemptName]
    damaged: Sequence[Damage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPart:
    """Bytes of the log of `attempt` (0: no log) from `offset` on; `end` is the length of the log.

    With `damaged_from` there are no bytes: from there up to `offset` the log cannot be read.
    """

    attempt: int
    offset: int
    content: bytes
    end: int
    damaged_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a run; `digest` is empty if its content is not stored, `left_out` says why."""

    name: str
    attempt: int
    size: int
    time: float
    digest: bytes
    left_out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePage:
    """Files by name, and the name behind which the next page begins; None at the end."""

    files: Sequence[StoredFile]
    rest: str | None


class MetricReads(Protocol):
    """Storage as readers see it; calls run in parallel, also to the writer, and never wait for it.

    Every method may raise DamagedError, which names the database and what of it is damaged.
    """

    place: str
    """Path of the database."""

    def damaged(self, damages: Sequence[Damage]) -> DomainError:
        """Return the error that names damage."""

    async def history(self, query: HistoryQuery) -> HistoryPage:
        """Return a page of histories; runs come in the order in which they first logged."""

    async def summaries(
        self, selection: Selection, start: Position, page_size: int, *, skip_damaged: bool = False
    ) -> SummaryPage:
        """Return a page of summaries, each of the newest attempt that logged the key; reads no history."""

    async def attempts(self, selection: Selection) -> AbstractSet[AttemptName]:
        """Return the attempts that have delivered rows."""

    async def growth(
        self, names: AbstractSet[AttemptName], rows: Mapping[AttemptName, int], keys: AbstractSet[str]
    ) -> Growth:
        """Return the points of attempts beyond `rows` (absent: from the start), in bounded portions."""

    async def log(self, run: str, attempt: int, offset: int, limit: int) -> LogPart:
        """Return up to `limit` bytes of a log from `offset`; attempt 0 is the newest that has a log."""

    async def list_files(self, run: str, after: str, limit: int) -> FilePage:
        """Return the files of a run behind a name, each of the newest attempt that has it."""

    async def file_blob(self, run: str, name: str) -> int | None:
        """Return the id of the content of a file; None without content."""

    async def file_piece(self, run: str, name: str, blob: int, offset: int) -> bytes | None:
        """Return the piece of a content that begins at `offset`; empty at its end, None if it was deleted."""


Listener = Callable[[Sequence[Stored]], None]
