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
    """Kind of an observation."""

    HANDED_OUT = "handed-out"
    RUNG_REACHED = "rung-reached"
    VALUE_SO_FAR = "value-so-far"
    ENDED = "ended"


class Outcome(StrEnum):
    """Outcome of a run for the search; NOTHING: the run was never handed out, so nothing is learnt."""

    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyObservation:
    """Numbered observation of a study.

    Args:
        sweep: key of the sweep.
        number: number of the observation, counted from 1 in each sweep.
        run: number of the run, or with repeats of the first run of its point; negative for a prior run.
        event: kind of observation.
        iterations: iteration of the rung, or number of iterations at the end.
        value: value at the rung, provisional value, or value at the end.
        best: best value over all iterations, at the end.
        worst: worst value over all iterations, at the end.
        last: last value, at the end.
        outcome: outcome, at the end.
    """

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
    """Suggested point. `provenance.index`: the run that it was computed for; another run may get it."""

    point: Point
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Query to the search engine, for hand-outs that wait for fresh suggestions.

    Args:
        id: number of the query.
        observations: number of observations on which a fresh suggestion must be based.
        wanted: number of hand-outs that wait.
        refused: number of its answers that were empty or had points outside the space.
        due: the wait has ended; any suggestion will do.
    """

    id: int
    observations: int
    wanted: int
    refused: int = 0
    due: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """State of a sweep's search: suggestions in stock and the current query; kept in memory only.

    Args:
        stock: suggestions that were not handed out yet, those of the newest answer first.
        ask: the query for which hand-outs wait; None if none waits.
        calling: True while a call to the search engine is under way.
    """

    stock: tuple[Suggestion, ...] = ()
    ask: Ask | None = None
    calling: bool = False


class SearchEngine(Protocol):
    """Engine that suggests points for sweeps whose method learns."""

    def ask(self, sweep: Sweep, count: int) -> None:
        """Begin to compute `count` points; the event `SuggestionsArrived` or `SuggestionsFailed` follows."""

    async def objections(self, spec: SweepSpec) -> Sequence[tuple[str, str]]:
        """Return the fields of a specification that the engine does not support, each with the reason.

        Empty if it supports all of them, or if the engine is unavailable.
        """
