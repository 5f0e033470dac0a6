"""Comparison of the databases of the scheduler and of the metric store: do they belong together? Pure.

Each database has an id, and numbers its commits. Each start of a service that commits anything begins a
*generation*, with a random token: whoever continues from an older copy does so in another generation. So a
position, a number in a generation, says on which history it lies. Each database remembers the id of the other
and a position of it, and belongs to it if that position lies on the other's history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

COPY_SKEW = 5.0
"""Seconds that copies of the two databases, made while both are in use, may be apart."""
REMEDY = (
    "stop the server and put back all databases of the data folder from one copy,"
    " or, if one of them is lost, see `sweepd pair --help`"
)


@dataclass(frozen=True, slots=True)
class Position:
    """A commit: its number, and the token of the generation that made it."""

    generation: str
    number: int


@dataclass(frozen=True, slots=True)
class Generation:
    """A stretch of a history that one start of a service has made, up to the number `last`."""

    token: str
    last: int


@dataclass(frozen=True, slots=True)
class Peer:
    """Memory that a database has of the other: its id, and a position that it has had, if any."""

    database: str
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database as it stands; `generations` are in order, `number` is that of its newest commit."""

    id: str
    place: str
    number: int
    generations: Sequence[Generation]
    peer: Peer | None

    @property
    def position(self) -> Position | None:
        """Its newest commit; None while it is empty."""
        return Position(self.generations[-1].token, self.number) if self.generations else None

    def has_been_at(self, position: Position | None) -> bool:
        """Return whether a position lies on its history; None lies on each."""
        return position is None or any(
            each.token == position.generation and position.number <= each.last for each in self.generations
        )


class Fault(Enum):
    """In what way two databases do not belong together."""

    SCHEDULER_NEW = auto()
    METRICS_NEW = auto()
    SCHEDULER_OLDER = auto()
    METRICS_OLDER = auto()
    STRANGERS = auto()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Two databases that do not belong together: the one at fault, and the other."""

    fault: Fault
    place: str
    other: str

    def __str__(self) -> str:
        return f"{_SENTENCES[self.fault].format(place=self.place, other=self.other)}: {REMEDY}"


def mismatch(scheduler: Database, metrics: Database) -> Mismatch | None:
    """Return why two databases do not belong together; None if they do, or if nothing speaks against it.

    One that holds nothing belongs to any that has lost nothing by it.
    """
    holds_others = metrics.peer is not None and metrics.peer.database != scheduler.id and metrics.number > 0
    if holds_others:
        fault = Fault.STRANGERS if scheduler.peer else Fault.SCHEDULER_NEW
        return Mismatch(fault, scheduler.place, metrics.place)
    known = scheduler.peer
    if known is not None and known.database != metrics.id and known.position is not None:
        fault = Fault.STRANGERS if metrics.number else Fault.METRICS_NEW
        return Mismatch(fault, metrics.place, scheduler.place)
    seen = metrics.peer
    if seen is not None and seen.database == scheduler.id and not scheduler.has_been_at(seen.position):
        return Mismatch(Fault.SCHEDULER_OLDER, scheduler.place, metrics.place)
    if known is not None and known.database == metrics.id and not metrics.has_been_at(known.position):
        return Mismatch(Fault.METRICS_OLDER, metrics.place, scheduler.place)
    return None


_SENTENCES = {
    Fault.SCHEDULER_NEW: "{place} is new, but {other} has the points of the one before it",
    Fault.METRICS_NEW: "{place} is new, but {other} has runs whose points were in the one before it",
    Fault.SCHEDULER_OLDER: "{place} is from an older copy than {other}",
    Fault.METRICS_OLDER: "{place} is from an older copy than {other}",
    Fault.STRANGERS: "{place} does not belong to {other}, but to another",
}


class Delayed:
    """Positions of the other database, each to be remembered once it is `COPY_SKEW` old.

    Copies of two live databases are not of the same instant. What is remembered is older than copies are
    apart, so that either may be the older one.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[float, Position]] = []

    def add(self, position: Position | None, now: float) -> None:
        """Record the present position; at most one of each second waits."""
        if position is None or (self._waiting and self._waiting[-1][1] == position):
            return
        if len(self._waiting) > 1 and now - self._waiting[-2][0] < 1.0:
            self._waiting.pop()
        self._waiting.append((now, position))

    def due(self, now: float, *, at_once: bool = False) -> Position | None:
        """Take the newest position that is old enough; None if there is none. `at_once`: whatever its age."""
        due: Position | None = None
        while self._waiting and (at_once or now - self._waiting[0][0] >= COPY_SKEW):
            due = self._waiting.pop(0)[1]
        return due
