"""One run of a study, as the observations tell of it."""

from dataclasses import dataclass, field

from sweepd.spec import Point
from sweepd_suggestion.domain.observation import Ended, ValueSoFar


@dataclass(slots=True, kw_only=True)
class TrialRun:
    """Its point, the values at its rungs in order, what it shows so far, and its end once it has one."""

    number: int
    point: Point
    in_space: bool
    rung_values: list[float] = field(default_factory=list)
    so_far: ValueSoFar | None = None
    end: Ended | None = None
