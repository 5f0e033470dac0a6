"""Sweeps: their state, changes of state, and counts of their runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sweepd.spec.methods.sequence import known_size, planned_runs
from sweepd.spec.stop_rules import reported_at_once
from sweepd.spec.sweep_spec import Goal, ObjectiveValue, SweepSpec
from sweepd_scheduler.domain.agents.agent import GuardRecord
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.runs.values import Best, EndedTrial, ObjectiveMissing
from sweepd_scheduler.domain.transitions import (
    FINAL_SWEEP,
    STANDING_SWEEP_TRANSITIONS,
    SWEEP_TRANSITIONS,
    RunState,
    SweepState,
)

_RUN_STATES = tuple(RunState)


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of runs in each state, in the order of `RunState`."""

    by_state: tuple[int, ...] = (0,) * len(_RUN_STATES)

    def of(self, state: RunState) -> int:
        """Return how many runs are in a state."""
        return self.by_state[_RUN_STATES.index(state)]

    def moved(self, before: RunState | None, after: RunState) -> "Counts":
        """Return the counts after a run changed its state; `before` is None for a new run."""
        counts = list(self.by_state)
        if before is not None:
            counts[_RUN_STATES.index(before)] -= 1
        counts[_RUN_STATES.index(after)] += 1
        return Counts(tuple(counts))

    @property
    def total(self) -> int:
        """Number of all runs; run numbers have no gaps, so this is also the last run number."""
        return sum(self.by_state)

    @property
    def unfinished(self) -> int:
        """Number of runs that are not final: pending, assigned, running."""
        return sum(self.by_state[:3])

    @property
    def ended(self) -> int:
        """Number of runs that are final."""
        return self.total - self.unfinished


NO_RUNS = Counts()


class Ending(StrEnum):
    """Reason why a sweep starts no new runs, even if some runs are still live."""

    CAP = "cap"
    TARGET = "target"
    GRID = "grid"
    STOP = "stop"
    RETRIED = "retried"  # it was stopped; only retried runs are still handed out


class PauseCause(StrEnum):
    """Cause of a pause; all but PERSON are automatic."""

    PERSON = "person"
    FIRST_RUNS_FAILED = "first-runs-failed"
    FAILED_SHARE = "failed-share"
    OBJECTIVE_MISSING = "objective-missing"
    ALL_AGENTS_QUARANTINED = "all-agents-quarantined"


MAX_RUNGS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """The file that a sweep was created from, for display."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One search. Times are microseconds since 1970, 0 for never.

    Args:
        counted: number of points of its space, counted at creation; None: not counted, or not exactly.
        cursor: index of the method's next point in the grid, the draws or the list.
        initial: number of initial points that were handed out or skipped.
        enumeration_index: index of the next point of a finite space that is enumerated, because random draws
            rarely find new points; None if it is not enumerated.
        observations: number of observations of its study.
        objective_seen: whether any run ever logged the objective.
        guarded_from: number of ended runs when a person last resumed it or retried runs; the guard counts
            from there.
        revision: version of the specification.
        prior_runs: number of prior runs that it began with.
        prior_points: number of its method's points that prior runs have tried; they are not handed out.
        pause_cause: why it is paused; None: it is not paused.
        timed_from: start of `sweep_timeout`: the first hand-out, or the last time that it was reopened after
            its end.
    """

    key: int
    name: SweepName
    spec: SweepSpec
    create_time: int
    counted: int | None = None
    prior_runs: int = 0
    prior_points: int = 0
    file: SourceFile | None = None
    state: SweepState = SweepState.PENDING
    ending: Ending | None = None
    pause_cause: PauseCause | None = None
    reason: str = ""
    counts: Counts = NO_RUNS
    cursor: int = 0
    initial: int = 0
    enumeration_index: int | None = None
    observations: int = 0
    best: Best | None = None
    objective_seen: bool = False
    objective_missing: ObjectiveMissing | None = None
    guarded_from: int = 0
    revision: int = 1
    timed_from: int = 0
    start_time: int = 0
    end_time: int = 0

    @property
    def rungs(self) -> tuple[int, ...]:
        """Ascending iterations whose values agents report at once, as a rule may stop the run there."""
        return reported_at_once(self.spec.early_terminate, MAX_RUNGS)

    @property
    def value_kind(self) -> ObjectiveValue:
        """Kind of value that counts for a run: best, last or mean of its iterations."""
        return self.spec.metric.value if self.spec.metric else ObjectiveValue.BEST

    @property
    def goal(self) -> Goal:
        """Direction of the objective; irrelevant without an objective."""
        return self.spec.metric.goal if self.spec.metric else Goal.MINIMIZE

    @property
    def learns(self) -> bool:
        """True if its method chooses points based on the results of runs."""
        return self.spec.method.learns

    @property
    def seed(self) -> int:
        """Seed of the sweep, drawn at creation if the file has none."""
        return self.spec.seed or 0

    @property
    def hands_out(self) -> bool:
        """True if its runs, new or requeued, may be handed out."""
        return self.state in (SweepState.PENDING, SweepState.RUNNING) and self.ending is not Ending.STOP

    @property
    def paused_by_itself(self) -> bool:
        """True if it was paused automatically, not by a person."""
        return self.pause_cause not in (None, PauseCause.PERSON)

    @property
    def starts_new_runs(self) -> bool:
        """True if new points may be handed out."""
        return self.hands_out and self.ending is None

    @property
    def planned_runs(self) -> int | None:
        """Number of runs that it will have if nothing ends it early; None: unbounded or unknown."""
        planned = planned_runs(self.spec, self.space_size, self.prior_points)
        # Enqueued runs add to the method's runs.
        return None if planned is None else max(planned, self.counts.total)

    @property
    def space_size(self) -> int | None:
        """Number of points that the method may hand out in total; None: unbounded or unknown."""
        return known_size(self.spec, self.counted)


def moved(
    sweep: Sweep, state: SweepState, *, reason: str = "", now: int = 0, pause_cause: PauseCause | None = None
) -> Sweep:
    """Return the sweep in another state; `pause_cause` is given only for `PAUSED`."""
    end_time = now if state in FINAL_SWEEP else 0
    return replace(sweep, state=state, pause_cause=pause_cause, reason=reason, end_time=end_time)


def sweep_table(sweep: Sweep) -> Mapping[SweepState | None, frozenset[SweepState]]:
    """Return the transition table of a sweep."""
    return STANDING_SWEEP_TRANSITIONS if sweep.name.is_standing else SWEEP_TRANSITIONS


def ending(sweep: Sweep, why: Ending) -> Sweep:
    """Return the sweep with its search ended for `why`; a paused sweep keeps the reason of its pause."""
    paused = sweep.state is SweepState.PAUSED
    reason = ENDING_REASONS[why]
    if why is Ending.GRID and sweep.prior_points:
        reason += ", except those of prior runs"
    return replace(sweep, ending=why, reason=sweep.reason if paused else reason)


def settled(sweep: Sweep, now: int) -> Sweep:
    """Return the sweep in its final state if it is ending and has no unfinished runs; else unchanged."""
    if sweep.state in FINAL_SWEEP or sweep.ending is None or sweep.counts.unfinished:
        return sweep
    stops = sweep.ending in (Ending.STOP, Ending.RETRIED)
    state = SweepState.STOPPED if stops else SweepState.FINISHED
    # The final state ends a pause, so the reason of the pause is replaced.
    reason = _reason_after_pause(sweep.ending) if sweep.state is SweepState.PAUSED else sweep.reason
    return moved(sweep, state, reason=reason, now=now)


def paused(sweep: Sweep) -> Sweep:
    """Return the sweep as paused by a person."""
    reason = "paused by a person"
    if sweep.pause_cause is PauseCause.ALL_AGENTS_QUARANTINED:  # else the next agent would resume it
        return replace(sweep, pause_cause=PauseCause.PERSON, reason=reason)
    if sweep.state is SweepState.PAUSED:
        return sweep
    return moved(sweep, SweepState.PAUSED, reason=reason, pause_cause=PauseCause.PERSON)


def resumed(sweep: Sweep) -> Sweep:
    """Return the resumed sweep; unchanged if it is not paused.

    The count of runs without the objective is reset; otherwise the next such run would pause the sweep again.
    """
    if sweep.state is not SweepState.PAUSED:
        return sweep
    state = SweepState.RUNNING if sweep.start_time else SweepState.PENDING
    running = moved(sweep, state, reason=_reason_after_pause(sweep.ending))
    return replace(running, objective_missing=None)


def reopened(sweep: Sweep, why: Ending | None, now: int) -> Sweep:
    """Return the reopened sweep. `why`: reason why it still starts no new runs; None: it starts new runs."""
    reason = ENDING_REASONS[why] if why else ""
    if sweep.state in FINAL_SWEEP:
        state = SweepState.RUNNING if sweep.start_time else SweepState.PENDING
        timed_from = now if sweep.start_time else 0
        return replace(moved(sweep, state, reason=reason), ending=why, timed_from=timed_from)
    if sweep.ending is why:
        return sweep
    paused = sweep.state is SweepState.PAUSED
    return replace(sweep, ending=why, reason=sweep.reason if paused else reason)


def stopped(sweep: Sweep) -> Sweep:
    """Return the sweep with its search stopped; its state becomes `STOPPED` once its runs have ended."""
    if sweep.state is SweepState.PAUSED or (sweep.state is SweepState.PENDING and sweep.counts.total):
        sweep = moved(sweep, SweepState.RUNNING)
    return ending(sweep, Ending.STOP)


def cancelled(sweep: Sweep, now: int) -> Sweep:
    """Return the cancelled sweep; the caller kills its live runs."""
    gone = moved(sweep, SweepState.CANCELLED, reason="cancelled by a person", now=now)
    return replace(gone, ending=None)


ENDING_REASONS = {
    Ending.CAP: "run_cap is reached",
    Ending.TARGET: "a run has reached metric.target",
    Ending.GRID: "every point has been handed out",
    Ending.STOP: "stopped by a person",
    Ending.RETRIED: "it was stopped; only retried runs are handed out",
}


def _reason_after_pause(why: Ending | None) -> str:
    """Return the reason that a sweep shows after a pause: why it starts no new runs, or ""."""
    if why is Ending.STOP:
        return "it was stopped"  # by a person or by its timeout
    return ENDING_REASONS[why] if why else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSweep:
    """Summary of a sweep that has ended; the rest is in the database.

    A copy of the sweep that was read from the database is outdated if its summary differs.
    """

    name: SweepName
    state: SweepState
    reason: str
    end_time: int = 0
    revision: int = 1

    def matches(self, sweep: Sweep) -> bool:
        """Return True if a sweep that was read from the database is up to date."""
        return self == EndedSweep.of(sweep)

    @classmethod
    def of(cls, sweep: Sweep) -> "EndedSweep":
        """Return the summary of a sweep."""
        return cls(
            name=sweep.name,
            state=sweep.state,
            reason=sweep.reason,
            end_time=sweep.end_time,
            revision=sweep.revision,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSweep:
    """Sweep as read from the database, because it has not ended or is to be reopened.

    Args:
        sweep: the sweep.
        runs: its runs that are not final.
        digests: how often each point was handed out, or tried by a prior run.
        rung_values: by rule and rung, the value of each run; prior runs have negative numbers.
        durations: run times of ended runs in seconds.
        ended: results of its final runs, each with the number of the first run of the point.
        recent: for each of the last ended runs, whether it failed; the newest is last.
        guards: the guard's records of agents with failures.
    """

    sweep: Sweep
    runs: tuple[Run, ...]
    digests: Mapping[bytes, int]
    rung_values: Mapping[tuple[int, int], Mapping[int, float]]
    durations: tuple[float, ...]
    ended: tuple[tuple[int, EndedTrial], ...]
    recent: tuple[bool, ...]
    guards: Mapping[str, GuardRecord]
