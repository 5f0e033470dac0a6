"""Studies: observations of a model-based search, its suggestions, and the port of its engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sweepd.spec.point import Point
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Provenance
from sweepd_scheduler.domain.runs.values import EndedTrial
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import RunState


class StudyEvent(StrEnum):
    """Kind of observation."""

    HANDED_OUT = "handed-out"
    RUNG_REACHED = "rung-reached"
    VALUE_SO_FAR = "value-so-far"
    ENDED = "ended"


class Outcome(StrEnum):
    """Conclusion that the search may draw from a run's end."""

    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyObservation:
    """One numbered observation of a study."""

    sweep: int
    number: int
    run: int
    event: StudyEvent
    iterations: int = 0
    value: float | None = None
    best: float | None = None
    worst: float | None = None
    last: float | None = None
    outcome: Outcome | None = None

    def of_end(self, ended: EndedTrial) -> "StudyObservation":
        """Return the observation with the result of an ended run or point."""
        return replace(
            self,
            iterations=ended.iterations,
            value=ended.value,
            best=ended.best,
            worst=ended.worst,
            last=ended.last,
            outcome=OUTCOMES[ended.state] if ended.tried else Outcome.NOTHING,
        )


OUTCOMES = {
    RunState.FINISHED: Outcome.FINISHED,
    RunState.STOPPED: Outcome.STOPPED,
    RunState.FAILED: Outcome.FAILED,
    RunState.CRASHED: Outcome.FAILED,  # its requeues are used up: the point itself may crash its machine
    RunState.KILLED: Outcome.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Suggested point and its origin; `index` is the run that it was computed for; another may get it."""

    point: Point
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Query to the engine, for hand-outs that wait for fresh suggestions.

    Args:
        id: number of the query.
        observations: number of observations that a fresh suggestion must have seen.
        wanted: number of hand-outs that wait.
        refused: number of its answers with points outside the space.
        due: the wait has ended; any suggestion will do.
    """

    id: int
    observations: int
    wanted: int
    refused: int = 0
    due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Stocked suggestions, newest answer first, and the current query; not stored."""

    stock: tuple[Suggestion, ...] = ()
    ask: Ask | None = None
    calling: bool = False


class SearchEngine(Protocol):
    """Engine that suggests points for sweeps whose method learns."""

    def ask(self, sweep: Sweep, count: int) -> None:
        """Begin to compute points; `SuggestionsArrived` or `SuggestionsFailed` follows."""

    async def objections(self, spec: SweepSpec) -> Sequence[tuple[str, str]]:
        """Return fields of a specification that cannot be searched, with the reason; none if unavailable."""
