"""What the service asks of its storage; one implementation a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from sweepd_kernel.errors import DomainError
from sweepd_metric_store.domain.batch import Batch
from sweepd_metric_store.domain.checksum import Damage

SYSTEM = "#system"
"""Ends the names under which the samples of agents are kept: a history apart. No name has such a letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptName:
    """An attempt as callers name it."""

    sweep: str
    run: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsArrived:
    """A batch of points that wants to be stored."""

    name: AttemptName
    batch: Batch
    resumed_from_step: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogArrived:
    """A piece of a log that wants to be stored."""

    name: AttemptName
    offset: int
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileArrived:
    """A piece of a file that wants to be stored; `left_out`: why its content is not."""

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
    """What became of an arrival: the cursor after it, and what was left out of it and why."""

    name: AttemptName
    cursor: int
    rejection: str = ""
    fresh: bool = False
    """Whether anything new was stored."""
    refused: bool = False
    """True if it does not count as delivered, for the reason that `rejection` tells."""


class MetricWrites(Protocol):
    """Storage as the writer thread sees it; used by one thread."""

    def commit(self, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Store `arrivals` in one transaction that is on disk when this returns.

        Raises:
            DomainError: none of them is stored; a later call may succeed.
        """

    def tidy(self) -> bool:
        """Join some of the small pieces of attempts at rest; tell whether there may be more."""

    def close(self) -> None:
        """Let the database go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whose points are wanted: some runs or all of a sweep; of all keys if none is named."""

    runs: AbstractSet[str] = frozenset()
    sweep: str = ""
    keys: AbstractSet[str] = frozenset()

    def covers(self, name: AttemptName) -> bool:
        """Tell whether points of this attempt belong to it."""
        return name.sweep == self.sweep if self.sweep else name.run in self.runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page of histories goes on; the empty one is the start."""

    run_id: int = 0
    key: str = ""
    attempt: int = 0
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """A page of histories.

    Args:
        max_points: thin each series to about this many; 0 for none.
        all_attempts: give what newer attempts have replaced, too.
        by_attempt: order a run's series by attempt before key, else by key before attempt.
        budget: about how many bytes the page may have.
        skip_damaged: leave out what is damaged and name it, else it is an error.
        part_of_stream: it may wait behind other parts of long answers.
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
    """Series as encoded, what was left out, and where the next page begins; None at the end."""

    series: Sequence[bytes]
    rest: Position | None
    damaged: Sequence[Damage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPage:
    """Summaries as encoded, what was left out, and where the next page begins; None at the end."""

    summaries: Sequence[bytes]
    rest: Position | None
    damaged: Sequence[Damage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Growth of attempts: series as encoded, the rows now reached, and attempts not yet read.

    What is damaged is left out and named.
    """

    series: Sequence[bytes]
    rows: Mapping[AttemptName, int]
    unread: AbstractSet[AttemptName]
    damaged: Sequence[Damage] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPart:
    """Bytes of the log of `attempt` (0: there is none) from `offset` on; `end` is the length of the log.

    With `damaged_from` there are none: from there up to `offset` the log cannot be read.
    """

    attempt: int
    offset: int
    content: bytes
    end: int
    damaged_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a run; `digest` is empty where its content is not here, `left_out` says why."""

    name: str
    attempt: int
    size: int
    time: float
    digest: bytes
    left_out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePage:
    """Files by name, and after which name the next page begins; None at the end."""

    files: Sequence[StoredFile]
    rest: str | None


class MetricReads(Protocol):
    """Storage as readers see it; calls run beside each other and beside the writer, and never wait for it.

    Every method may raise DamagedError, which names the file of the database and what of it is damaged.
    """

    place: str
    """Path of the database file."""

    def damaged(self, damages: Sequence[Damage]) -> DomainError:
        """Return the error that names what was left out of an answer."""

    async def history(self, query: HistoryQuery) -> HistoryPage:
        """Return a page of histories, ordered by run, in which runs first logged."""

    async def summaries(
        self, selection: Selection, start: Position, page_size: int, *, skip_damaged: bool = False
    ) -> SummaryPage:
        """Return a page of summaries, of the newest attempt that logged each key; reads no history."""

    async def attempts(self, selection: Selection) -> AbstractSet[AttemptName]:
        """Return the attempts that have delivered rows."""

    async def growth(
        self, names: AbstractSet[AttemptName], rows: Mapping[AttemptName, int], keys: AbstractSet[str]
    ) -> Growth:
        """Return what attempts have beyond `rows` (absent: from the start), as much as is fair to others."""

    async def log(self, run: str, attempt: int, offset: int, limit: int) -> LogPart:
        """Return up to `limit` bytes of a log from `offset`; attempt 0 is the newest that has a log."""

    async def files(self, run: str, after: str, limit: int) -> FilePage:
        """Return files of a run beyond a name, of each name that of the newest attempt."""

    async def file_blob(self, run: str, name: str) -> int | None:
        """Return the number of the content of a file; None if there is none."""

    async def file_piece(self, run: str, name: str, blob: int, offset: int) -> bytes | None:
        """Return the piece from `offset` on of a content `blob`; empty at its end, None if it is gone."""


Listener = Callable[[Sequence[Stored]], None]
