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
    """A run was given to an agent: its point is under trial.

    Once more of the same run: it is tried again, and what was known of an earlier end is void.
    """

    run_number: int
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class RungReached:
    """A run under way showed a finite value at a rung."""

    run_number: int
    iteration: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSoFar:
    """What a run under way shows, in place of what was told of that before; None: nothing."""

    run_number: int
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run ended. The values are finite; None where it never showed one.

    Args:
        value: what counts, as the metric's `value` says; with `repeats` over the runs of the point.
        best: of all its iterations, as are `worst` and `last`; the value where it is not told.
    """

    run_number: int
    outcome: Outcome
    value: float | None = None
    best: float | None = None
    worst: float | None = None
    last: float | None = None


Observation = HandedOut | RungReached | ValueSoFar | Ended
