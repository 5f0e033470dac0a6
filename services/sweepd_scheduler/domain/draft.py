"""Draft of a decision: writes are staged on the state, recorded in its undo log, and listed for the store."""

from bisect import bisect_left, insort
from functools import partial

from sweepd_scheduler.domain import effects
from sweepd_scheduler.domain.agents.agent import GuardRecord, IneligibleReason
from sweepd_scheduler.domain.effects import Command
from sweepd_scheduler.domain.events import ClockReading, Timer
from sweepd_scheduler.domain.names import sweep_of_run_id
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.early_termination import Rung, cost
from sweepd_scheduler.domain.runs.run import Run, RunKey, attempt_table, run_table
from sweepd_scheduler.domain.runs.values import EndedTrial
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.search.study import Study, StudyEvent, StudyObservation
from sweepd_scheduler.domain.state import State, SweepIndex, index_from, index_of, index_run, rank
from sweepd_scheduler.domain.sweep import EndedSweep, StoredSweep, Sweep, sweep_table
from sweepd_scheduler.domain.transitions import FINAL_RUN, FINAL_SWEEP, HELD_ATTEMPT, AttemptState, check


class Draft:
    """Draft of a decision: its changes and effects so far, and the state on which they are staged."""

    def __init__(self, state: State, now: ClockReading) -> None:
        self.state = state
        self.now = now
        self.changes: list[effects.Change] = []
        self.effects: list[effects.Effect] = []
        self.touched: dict[int, None] = {}  # sweeps whose agents may have to be notified
        self.sessions_to_notify: dict[str, None] = {}  # they got or confirmed a run
        self._undo_log = state.undo_log

    # Effects.

    def send(self, session: str, command: Command) -> None:
        """Send a command once the changes are stored."""
        self.effects.append(effects.SendCommand(session, command))

    def later(self, seconds: float, event: Timer) -> None:
        """Set a timer for `event`, `seconds` from now."""
        self.effects.append(effects.SetTimer(self.now.monotonic + seconds, event))

    # Sweeps.

    def add_sweep(
        self, sweep: Sweep, index: SweepIndex | None = None, priors: tuple[PriorRun, ...] = ()
    ) -> None:
        """Add a new sweep; `index`: its index, if it begins with prior runs."""
        state = self.state
        self._undo_log.put(state.names, sweep.name, sweep.key)
        owner = sweep_of_run_id(sweep.name.id)
        if owner is not None:
            self._undo_log.add(state.reserved_ids, (sweep.name.parent, owner))
        self._undo_log.put(state.index, sweep.key, index or index_of(sweep))
        self._undo_log.put(state.studies, sweep.key, Study())
        self.put_sweep(sweep)
        if priors:
            self.changes.append(effects.PriorRunsTaken(sweep, priors))

    def put_sweep(self, sweep: Sweep) -> None:
        """Add or replace a sweep; if the sweep and all its runs have ended, drop it from memory.

        Raises:
            IllegalTransitionError: its state may not follow the previous state.
        """
        state, undo_log = self.state, self._undo_log
        before = state.sweeps.get(sweep.key)
        if before is None or before.state is not sweep.state:
            check(sweep_table(sweep), before.state if before else None, sweep.state, sweep.name)
        self.touched[sweep.key] = None
        self.changes.append(effects.SweepChanged(sweep, new=before is None))
        undo_log.put(state.sweeps, sweep.key, sweep)
        if sweep.state in FINAL_SWEEP and not sweep.counts.unfinished:
            undo_log.drop(state.sweeps, sweep.key)
            undo_log.drop(state.index, sweep.key)
            undo_log.drop(state.studies, sweep.key)
            undo_log.put(state.ended, sweep.key, EndedSweep.of(sweep))

    def take_sweep(self, stored: StoredSweep) -> None:
        """Load an ended sweep into memory, and index the sessions that serve it."""
        state, undo_log, key = self.state, self._undo_log, stored.sweep.key
        index = index_from(stored)
        for session in state.sessions.values():
            if key in session.sweeps:
                index.serving[session.id] = None
                # The last notice to the agent was the end of the sweep.
                undo_log.drop(state.holdings[session.id].ineligible, key)
                if session.room:
                    index.with_capacity[session.id] = None
        undo_log.drop(state.ended, key)
        undo_log.put(state.sweeps, key, stored.sweep)
        undo_log.put(state.index, key, index)
        undo_log.put(state.studies, key, Study())

    def edit_sweep(self, sweep: Sweep) -> None:
        """Replace a sweep whose specification was edited, and store the new specification."""
        self.changes.append(effects.SweepEdited(sweep))
        self._undo_log.set(self.state.index[sweep.key], "size", sweep.space_size)
        self.put_sweep(sweep)

    def sweep(self, key: int) -> Sweep:
        """Return a sweep with the changes of this decision, even if they dropped it from memory."""
        changed = (each.sweep for each in reversed(self.changes) if isinstance(each, effects.SweepChanged))
        return self.state.sweeps.get(key) or next(sweep for sweep in changed if sweep.key == key)

    def put_study(self, sweep: int, study: Study) -> None:
        """Replace the study of a sweep, if the sweep is still in memory."""
        if sweep in self.state.studies:
            self.touched[sweep] = None
            self._undo_log.put(self.state.studies, sweep, study)

    def observe(
        self,
        key: int,
        run: int,
        event: StudyEvent,
        *,
        value: float | None = None,
        iterations: int = 0,
        ended: EndedTrial | None = None,
    ) -> None:
        """Add the next numbered observation to the study of a sweep, if its method learns.

        Args:
            key: the sweep.
            run: number of the run; with repeats, of the first run of the point.
            event: kind of observation.
            value: the value at the rung, or the provisional value.
            iterations: the iteration of the rung.
            ended: the result of the run or point, if it has ended.
        """
        sweep = self.state.sweeps[key]
        if not sweep.learns:
            return
        provisional = self.state.index[key].provisional
        if event is StudyEvent.ENDED:
            self._undo_log.drop(provisional, run)
        elif event is not StudyEvent.RUNG_REACHED:
            self._undo_log.put(provisional, run, value)
        number = sweep.observations + 1
        self.put_sweep(replace(sweep, observations=number))
        observation = StudyObservation(
            sweep=key, number=number, run=run, event=event, iterations=iterations, value=value
        )
        self.changes.append(observation if ended is None else observation.of_end(ended))

    # Runs.

    def run(self, key: RunKey) -> Run:
        """Return a run with the changes of this decision, even if they dropped it from memory."""
        changed = (each.run for each in reversed(self.changes) if isinstance(each, effects.RunChanged))
        return self.state.runs.get(key) or next(run for run in changed if run.key == key)

    def take_run(self, run: Run) -> None:
        """Load a final run into memory, so that it can be changed."""
        self._undo_log.put(self.state.runs, run.key, run)
        self._undo_log.put(self.state.index[run.sweep].retried, run.number, None)

    def put_run(self, run: Run) -> None:
        """Add or replace a run, and update indices and counts; drop a final run from memory.

        Raises:
            IllegalTransitionError: the new state of the run or of its newest attempt may not follow the
                previous one.
        """
        state, key = self.state, run.key
        before = state.runs.get(key)
        sweep = state.sweeps[run.sweep]
        moves = before is None or before.state is not run.state
        if moves:
            check(run_table(run), before.state if before else None, run.state, run.name)
        newest = run.attempts[-1] if run.attempts else None
        was = before.attempts[-1] if before is not None and before.attempts else None
        if newest is not None and newest is not was:
            last = was.state if was is not None and was.number == newest.number else None
            if last is not newest.state:
                check(attempt_table(run), last, newest.state, run.name)
        self.changes.append(
            effects.RunChanged(run=run, value=run.value(sweep.value_kind), new=before is None)
        )
        if newest is not None and newest is not was:
            self.changes.append(effects.AttemptChanged(key, newest))
        if run.state in FINAL_RUN:
            self._undo_log.drop(state.runs, key)
        else:
            self._undo_log.put(state.runs, key, run)
        index_run(self._undo_log, sweep, state.index[run.sweep], before, run)
        _index_lease(state, key, run, self.now.monotonic)
        if moves:
            counts = sweep.counts.moved(before.state if before else None, run.state)
            self.put_sweep(replace(sweep, counts=counts))

    def forget_recent(self, sweep: int) -> None:
        """Clear the list of the last ended runs of a sweep, which shows whether each has failed."""
        self._undo_log.set(self.state.index[sweep], "recent", ())

    def rank(self, sweep: int, number: int, value: float | None) -> None:
        """Rank an ended run, or with repeats an ended point; value None removes it from the ranking."""
        rank(self._undo_log, self.state.index[sweep], number, value)

    def put_rung(self, run: Run, rule: int, rung: int, value: float) -> Rung:
        """Set the value of a run at a rung of a rule and return the rung."""
        index = self.state.index[run.sweep]
        key = (rule, rung)
        if key not in index.rungs:
            self._undo_log.put(index.rungs, key, Rung())
        values = index.rungs[key]
        before = values.put(run.number, cost(value, self.state.sweeps[run.sweep].goal))
        self._undo_log.record(lambda: values.put(run.number, before))
        self.changes.append(effects.RungReached(run.sweep, rule, rung, run.number, value))
        return values

    def forget_rungs(self, run: Run, *, beyond: int = 0) -> None:
        """Remove the values that earlier attempts of a run have set at rungs beyond an iteration."""
        rungs = self.state.index[run.sweep].rungs
        for key in [key for key, values in rungs.items() if key[1] > beyond and run.number in values.by_run]:
            values = rungs[key]
            before = values.put(run.number, None)
            self._undo_log.record(partial(values.put, run.number, before))
            self.changes.append(effects.RungReached(run.sweep, *key, run.number, None))
            if not values.costs:
                self._undo_log.drop(rungs, key)

    def put_guard(self, sweep: int, agent: str, guarded: GuardRecord | None) -> None:
        """Set the record of an agent in the guard of a sweep; None removes it."""
        guards = self.state.index[sweep].guards
        if guards.get(agent) == guarded:
            return
        if guarded is None:
            self._undo_log.drop(guards, agent)
        else:
            self._undo_log.put(guards, agent, guarded)
        self.changes.append(effects.GuardChanged(sweep, agent, guarded))

    def put_searching(self, sweep: int, *, searching: bool) -> None:
        """Set whether the search for the next point is interrupted and will be resumed by a timer."""
        self._undo_log.set(self.state.index[sweep], "searching", searching)
        self.touched[sweep] = None

    def put_wait(self, sweep: int, wait: IneligibleReason) -> None:
        """Set the reason why no agent gets runs of a sweep, so that later decisions can detect a change."""
        self._undo_log.set(self.state.index[sweep], "wait", wait)

    def add_duration(self, sweep: int, seconds: float) -> None:
        """Add the run time of an ended run to those of its sweep."""
        durations = self.state.index[sweep].durations
        insort(durations, seconds)
        self._undo_log.record(lambda: durations.pop(bisect_left(durations, seconds)))

    def record(
        self, kind: str, run: Run | None = None, sweep: Sweep | None = None, **detail: str | float
    ) -> None:
        """Add an entry to the history, about a run or a sweep."""
        self.changes.append(
            effects.HistoryEntry(
                number=self.count("number"),
                time=self.now.wall,
                sweep=run.sweep if run else sweep.key if sweep else 0,
                kind=kind,
                run=run.number if run else 0,
                attempt=run.attempt if run else 0,
                detail=detail,
            )
        )

    def count(self, counter: str) -> int:
        """Increment a counter and return its new value."""
        self._undo_log.put(self.state.counters, counter, self.state.counters[counter] + 1)
        return self.state.counters[counter]


def _index_lease(state: State, key: RunKey, run: Run, now: float) -> None:
    undo_log = state.undo_log
    held = run.state not in FINAL_RUN and run.attempts and run.newest.state in HELD_ATTEMPT
    if held and key not in state.last_seen:
        undo_log.put(state.last_seen, key, now)
    elif not held:
        undo_log.drop(state.last_seen, key)
    suspect = held and run.newest.state is AttemptState.SUSPECT
    (undo_log.add if suspect else undo_log.discard)(state.suspects, key)
