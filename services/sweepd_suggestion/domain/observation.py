"""What happens in a study, as the search hears it."""

from dataclasses import dataclass
from enum import StrEnum

from sweepd.spec import Point


class Outcome(StrEnum):
    """What the search may conclude from a run's end."""

    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """A run was given to an agent: its point is under trial. A retry hands the same run out again."""

    run_number: int
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class RungReached:
    """A run under way showed a finite value at a rung."""

    run_number: int
    iteration: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run ended. The values are finite; None where it never showed one."""

    run_number: int
    outcome: Outcome
    best: float | None = None
    worst: float | None = None
    last: float | None = None


Observation = HandedOut | RungReached | Ended
