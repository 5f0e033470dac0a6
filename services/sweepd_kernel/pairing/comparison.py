"""Comparison of the databases of the scheduler and the metric store: pure functions.

Each database has an id, and numbers its commits. Each start of a service that commits anything begins a
*generation* with a random token, so that a service resumed from an older copy is in another generation.
Therefore a position, which is a generation and a number, identifies a history. Each database stores the
other's id and one of its positions; the two match if this position is in the other's history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

COPY_SKEW = 5.0
"""Maximum seconds between the backups of the two databases, if both are in use."""
REMEDY = (
    "stop the server and restore all databases of the data folder from one backup, or, if one of them "
    "is lost, see `sweepd pair --help`"
)


@dataclass(frozen=True, slots=True)
class Position:
    """Position of a commit: its number, and the token of its generation."""

    generation: str
    number: int


@dataclass(frozen=True, slots=True)
class Generation:
    """Commits of one start of a service; `last` is the number of the last one."""

    token: str
    last: int


@dataclass(frozen=True, slots=True)
class Peer:
    """Stored state of the other database: its id, and a position in its history, if any."""

    database: str
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """State of a database; `generations` begin with the oldest, `number` is that of the newest commit."""

    id: str
    place: str
    number: int
    generations: Sequence[Generation]
    peer: Peer | None

    @property
    def position(self) -> Position | None:
        """Position of the newest commit; None without commits."""
        return Position(self.generations[-1].token, self.number) if self.generations else None

    def has_been_at(self, position: Position | None) -> bool:
        """Return True if a position is in the history of this database; True for None."""
        return position is None or any(
            each.token == position.generation and position.number <= each.last for each in self.generations
        )


class Fault(Enum):
    """Kind of mismatch between two databases."""

    SCHEDULER_NEW = auto()
    METRICS_NEW = auto()
    SCHEDULER_OLDER = auto()
    METRICS_OLDER = auto()
    OTHER_PEER = auto()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Mismatch between two databases: the kind, the database at fault, and the other one."""

    fault: Fault
    place: str
    other: str

    def __str__(self) -> str:
        return f"{_SENTENCES[self.fault].format(place=self.place, other=self.other)}: {REMEDY}"


def mismatch(scheduler: Database, metrics: Database) -> Mismatch | None:
    """Return the mismatch between two databases; None if they match.

    A new database matches, unless the other one was paired with its predecessor and metrics were stored.
    """
    has_other_peer = metrics.peer is not None and metrics.peer.database != scheduler.id and metrics.number > 0
    if has_other_peer:
        fault = Fault.OTHER_PEER if scheduler.peer else Fault.SCHEDULER_NEW
        return Mismatch(fault, scheduler.place, metrics.place)
    known = scheduler.peer
    if known is not None and known.database != metrics.id and known.position is not None:
        fault = Fault.OTHER_PEER if metrics.number else Fault.METRICS_NEW
        return Mismatch(fault, metrics.place, scheduler.place)
    seen = metrics.peer
    if seen is not None and seen.database == scheduler.id and not scheduler.has_been_at(seen.position):
        return Mismatch(Fault.SCHEDULER_OLDER, scheduler.place, metrics.place)
    if known is not None and known.database == metrics.id and not metrics.has_been_at(known.position):
        return Mismatch(Fault.METRICS_OLDER, metrics.place, scheduler.place)
    return None


_SENTENCES = {
    Fault.SCHEDULER_NEW: "{place} is new, but {other} has the points of its predecessor",
    Fault.METRICS_NEW: "{place} is new, but {other} has runs whose points were in its predecessor",
    Fault.SCHEDULER_OLDER: "{place} is from an older backup than {other}",
    Fault.METRICS_OLDER: "{place} is from an older backup than {other}",
    Fault.OTHER_PEER: "{place} is not paired with {other}, but with another database",
}


class DelayedPositions:
    """Queue of positions of the other database, each of which is stored once it is `COPY_SKEW` old.

    Backups of two live databases are not made at the same instant. Each stored position is older than the
    maximum time between the two backups, so these match whichever was made first.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[float, Position]] = []

    def add(self, position: Position | None, now: float) -> None:
        """Add the current position; keep at most one position per second, the newest."""
        if position is None or (self._waiting and self._waiting[-1][1] == position):
            return
        if len(self._waiting) > 1 and now - self._waiting[-2][0] < 1.0:
            self._waiting.pop()
        self._waiting.append((now, position))

    def due(self, now: float, *, at_once: bool = False) -> Position | None:
        """Remove and return the newest position that is old enough, if any; with `at_once`, of any age."""
        due: Position | None = None
        while self._waiting and (at_once or now - self._waiting[0][0] >= COPY_SKEW):
            due = self._waiting.pop(0)[1]
        return due
