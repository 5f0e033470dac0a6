"""Invariants of the core after every step, recomputed from all stored changes."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from sweepd.spec.limits import INT64_MAX
from sweepd.spec.point import Point
from sweepd.spec.space.search_space import SearchSpace
from sweepd.spec.sweep_spec import Goal, ObjectiveValue
from sweepd_scheduler.domain.agents.agent import GuardRecord, IneligibleReason
from sweepd_scheduler.domain.effects import (
    AttemptChanged,
    Change,
    GuardChanged,
    HistoryEntry,
    PriorRunsTaken,
    RunChanged,
    SweepChanged,
)
from sweepd_scheduler.domain.eligibility import ineligibility, waits_for_canary
from sweepd_scheduler.domain.runs.results import RunValue, progress
from sweepd_scheduler.domain.runs.run import Attempt, PointSource, Run, RunKey, attempt_table, run_table
from sweepd_scheduler.domain.runs.values import EndedTrial, block_value
from sweepd_scheduler.domain.search.prior_runs import digests_of, observation_count
from sweepd_scheduler.domain.search.study import StudyEvent, StudyObservation
from sweepd_scheduler.domain.state import State, rungs_held
from sweepd_scheduler.domain.sweep import Ending, Sweep, sweep_table
from sweepd_scheduler.domain.transitions import (
    FINAL_RUN,
    FINAL_SWEEP,
    HELD_ATTEMPT,
    LIVE_RUN,
    AttemptState,
    RunState,
    SweepState,
)

PLACES = frozenset({PointSource.GRID, PointSource.LIST, PointSource.INITIAL})


class Ledger:
    """All stored changes, accumulated one by one; checks the core after every step."""

    def __init__(self) -> None:
        self._read = 0
        self._runs: dict[RunKey, Run] = {}
        self._sweeps: dict[int, Sweep] = {}
        self._attempts: dict[tuple[RunKey, int], AttemptState] = {}
        self._guards: dict[tuple[int, str], GuardRecord] = {}
        self._notes: defaultdict[int, list[StudyObservation]] = defaultdict(list)
        self._prior: defaultdict[int, Counter[bytes]] = defaultdict(Counter)
        # Ends that a client has reverted, until that is stored.
        self._retried: set[RunKey] = set()
        self._reopened: set[int] = set()
        self._canary_failed = False

    def check(self, state: State, changes: Sequence[Change]) -> None:
        """Read the new changes, and compare the state with all changes."""
        fresh = changes[self._read :]
        for change in fresh:
            self._enter(change)
        for run in (self._runs[change.run.key] for change in fresh if isinstance(change, RunChanged)):
            for attempt in run.attempts:
                assert self._attempts[run.key, attempt.number] == attempt.state, "every attempt is stored"
        self._read = len(changes)
        for key, index in state.index.items():
            quarantine = {agent: each for (sweep, agent), each in self._guards.items() if sweep == key}
            assert index.guards == quarantine
        for key, sweep in self._sweeps.items():
            of_sweep = [run for run in self._runs.values() if run.sweep == key]
            _check_counts(state, sweep, of_sweep)
            _check_points(state, sweep, of_sweep, self._prior[key])
            if not self._canary_failed:
                _check_repeats(sweep, of_sweep)
            _check_study(sweep, of_sweep, self._notes[key])
        _check_memory(state, self._runs)
        _check_sessions(state)

    def _enter(self, change: Change) -> None:
        match change:
            case HistoryEntry(kind="run-retried" | "run-claimed"):
                self._retried.add((change.sweep, change.run))
            case HistoryEntry(kind="sweep-reopened"):
                self._reopened.add(change.sweep)
            case HistoryEntry(kind="sweep-failed"):
                self._canary_failed = True
            case RunChanged(run=run):
                self._enter_run(run)
            case AttemptChanged(key=key, attempt=attempt):
                self._enter_attempt(key, attempt)
            case SweepChanged(sweep=sweep):
                self._enter_sweep(sweep)
            case GuardChanged(guarded=None):
                self._guards.pop((change.sweep, change.agent), None)
            case GuardChanged(guarded=GuardRecord() as guarded):
                self._guards[change.sweep, change.agent] = guarded
            case StudyObservation():
                self._notes[change.sweep].append(change)
            case PriorRunsTaken():
                self._prior[change.sweep.key].update(digests_of(change.runs))
            case _:
                pass

    def _enter_run(self, run: Run) -> None:
        """Check that its state is initial, or follows the previous one by the table of transitions."""
        before = self._runs.get(run.key)
        if before is None:
            assert run.state in run_table(run)[None], run.state
            _check_cap(self._sweeps[run.sweep], run)
        else:
            same = run.state is before.state
            assert same or run.state in run_table(run)[before.state], (before.state, run.state)
            has_unfinished = before.state in FINAL_RUN and not same
            assert not has_unfinished or run.key in self._retried, (
                "only a client's request reverts the end of a run"
            )
            assert run.attempt >= before.attempt, "attempts only increase"
            self._retried.discard(run.key)
        self._runs[run.key] = run

    def _enter_attempt(self, key: RunKey, attempt: Attempt) -> None:
        """Check its transition, and that quarantined agents are given nothing."""
        was = self._attempts.get((key, attempt.number))
        table = attempt_table(self._runs[key])
        assert attempt.state is was or attempt.state in table[was], (was, attempt.state)
        if was is None:
            guarded = self._guards.get((key[0], attempt.agent))
            assert guarded is None or not guarded.is_quarantined, "a quarantined agent gets no runs"
        self._attempts[key, attempt.number] = attempt.state

    def _enter_sweep(self, sweep: Sweep) -> None:
        past = self._sweeps.get(sweep.key)
        before = past.state if past else None
        assert sweep.state is before or sweep.state in sweep_table(sweep)[before], (before, sweep.state)
        assert (sweep.pause_cause is not None) == (sweep.state is SweepState.PAUSED)
        if before in FINAL_SWEEP and sweep.state is not before:
            assert sweep.key in self._reopened, "only a client's request reverts the end of a sweep"
            self._reopened.discard(sweep.key)
        self._sweeps[sweep.key] = sweep


def check_restored(before: State, after: State) -> None:
    """Check that the state that decisions read is the same after a restart."""
    assert (after.sweeps, after.runs, after.ended, after.names) == (
        before.sweeps,
        before.runs,
        before.ended,
        before.names,
    )
    assert set(after.index) == set(before.index)
    for key, index in after.index.items():
        was = before.index[key]
        assert (index.size, index.digests, index.unfinished) == (was.size, was.digests, was.unfinished)
        assert (list(index.pending), index.guards) == (list(was.pending), was.guards)
        assert (index.rungs, index.ended) == (was.rungs, was.ended)
        assert index.at_rung == {place: numbers for place, numbers in was.at_rung.items() if numbers}
        assert {first: Counter(block) for first, block in index.blocks.items()} == {
            first: Counter(block) for first, block in was.blocks.items()
        }
        if not before.sweeps[key].name.is_standing:  # its runs pause nothing
            assert Counter(index.recent) == Counter(was.recent)


def _check_cap(sweep: Sweep, run: Run) -> None:
    """A cap may be lowered below the number of runs, but no run is started beyond it."""
    assert sweep.spec.run_cap is None or run.number <= sweep.spec.run_cap, "the cap is exact"


def _check_counts(state: State, sweep: Sweep, runs: list[Run]) -> None:
    counted = Counter(run.state for run in runs)
    assert {s: sweep.counts.of(s) for s in RunState} == {s: counted[s] for s in RunState}
    assert sorted(run.number for run in runs) == list(range(1, len(runs) + 1)), "numbers have no gaps"
    _check_best(sweep, runs)
    ended = sweep.state in FINAL_SWEEP and not sweep.counts.unfinished
    assert (sweep.key in state.ended) == ended
    assert (sweep.key in state.sweeps) != ended
    if sweep.spec.run_cap is not None and sweep.starts_new_runs:
        assert len(runs) < sweep.spec.run_cap, "a sweep at its cap starts no new runs"
    if sweep.ending is not None and not ended:
        assert sweep.counts.unfinished, "an ending sweep waits for its last run only"
    if sweep.ending is Ending.STOP or sweep.state in FINAL_SWEEP:
        assert not sweep.counts.of(RunState.PENDING)
    if not ended:
        assert state.sweeps[sweep.key] == sweep, "the stored sweep agrees with the one in memory"


def _check_best(sweep: Sweep, runs: list[Run]) -> None:
    values = _values_that_count(sweep, runs)
    best = (min if sweep.goal is Goal.MINIMIZE else max)(values.values(), default=None)
    assert (sweep.best.value if sweep.best else None) == best
    if sweep.best is not None:
        assert values[sweep.best.run] == best
    kind, by_number = sweep.value_kind, sorted(runs, key=lambda run: run.number)
    recounted = progress(
        sweep,
        [RunValue(run.number, run.block, run.state, run.end_time, run.value(kind)) for run in by_number],
    )
    assert {each.run: each.value for each in recounted} == values
    assert (recounted[-1].best if recounted else None) == best
    ended = {run.block for run in runs if run.state in FINAL_RUN}
    assert all((each.end_time > 0) == (each.run in ended) for each in recounted)


def _values_that_count(sweep: Sweep, runs: list[Run]) -> dict[int, float]:
    """Values by run, or with repeats by the first run of a point all of whose runs have ended."""
    kind, spec = sweep.value_kind, sweep.spec
    if spec.repeats > 1:
        counted: dict[int, float | None] = {
            first: block_value([_remains(sweep, run) for run in block], spec.aggregate, sweep.goal)
            for first, block in _blocks(runs).items()
            if all(run.state in FINAL_RUN for run in block)
        }
    else:
        at_once = kind is ObjectiveValue.BEST
        counted = {run.number: run.value(kind) for run in runs if at_once or run.state in FINAL_RUN}
    return {number: value for number, value in counted.items() if value is not None}


def _blocks(runs: list[Run]) -> dict[int, list[Run]]:
    blocks: dict[int, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.number):
        blocks.setdefault(run.block, []).append(run)
    return blocks


def _remains(sweep: Sweep, run: Run) -> EndedTrial:
    return EndedTrial(
        state=run.state,
        tried=bool(run.attempts),
        value=run.value(sweep.value_kind),
        best=run.values.best,
        worst=run.values.worst,
        last=run.values.last,
        iterations=run.values.iterations,
    )


def _check_points(state: State, sweep: Sweep, runs: list[Run], prior: Counter[bytes]) -> None:
    keys = {(run.digest, run.occurrence, run.repeat) for run in runs}
    assert len(keys) == len(runs), "no point is handed out twice"
    for first, block in _blocks(runs).items():
        assert [run.repeat for run in block] == list(range(len(block)))
        assert len(block) <= sweep.spec.repeats
        assert {(run.digest, run.number - run.repeat) for run in block} == {(block[0].digest, first)}
    if sweep.spec.method.name == "grid":
        drawn = [run for run in runs if run.repeat == 0 and run.provenance.source is not PointSource.ENQUEUED]
        assert len({run.digest for run in drawn}) == len(drawn)
    if sweep.spec.method.name != "list":
        for run in runs:
            assert run.is_standalone or _lies_in(sweep.spec.search_space, run.point), (
                "every point lies in the space"
            )
    origins = [run.provenance for run in runs if run.repeat == 0]
    placed = [each for each in origins if each.source in PLACES and each.index < INT64_MAX]
    assert len({(origin.source, origin.index) for origin in placed}) == len(placed), "each index is used once"
    if sweep.key in state.index:
        tried = Counter(run.digest for run in runs if run.repeat == 0)
        assert state.index[sweep.key].digests == prior + tried


_LIE_IN: dict[tuple[int, int], tuple[SearchSpace, Point]] = {}
"""Cached points that lie in a space; they never change, and the cache keeps their identity."""


def _lies_in(space: SearchSpace, point: Point) -> bool:
    """Return True if a point lies in a space; cached, as runs are checked after every step."""
    key = (id(space), id(point))
    if key not in _LIE_IN:
        if space.violations(point):
            return False
        if len(_LIE_IN) > 10_000:
            _LIE_IN.clear()
        _LIE_IN[key] = (space, point)
    return True


def _check_repeats(sweep: Sweep, runs: list[Run]) -> None:
    """Only the last point may lack repeats, because of the cap, and the point of a failed canary."""
    sizes = [len(block) for block in _blocks(runs).values()]
    assert set(sizes[:-1]) <= {sweep.spec.repeats}, "every point has its runs"


def _check_memory(state: State, runs: dict[RunKey, Run]) -> None:
    assert state.runs == {key: run for key, run in runs.items() if run.state not in FINAL_RUN}
    for key, index in state.index.items():
        mine = [run for run in state.runs.values() if run.sweep == key]
        assert index.unfinished == {run.number for run in mine}
        waiting = [(run.place, run.number) for run in mine if run.state is RunState.PENDING]
        assert list(index.pending) == [number for _, number in sorted(waiting)]
        running = {(place, run.number) for run in mine for place in rungs_held(state.sweeps[key], run)}
        assert {(place, n) for place, numbers in index.at_rung.items() for n in numbers} == running
        for rung in index.rungs.values():
            assert rung.costs == sorted(rung.by_run.values())
    for run in state.runs.values():
        assert (run.state in LIVE_RUN) == (bool(run.attempts) and run.newest.state in HELD_ATTEMPT)
        assert (run.key in state.last_seen) == (run.state in LIVE_RUN), "a lease for each live attempt"
        retry = state.sweeps[run.sweep].spec.retry
        assert run.requeues <= retry.infrastructure
        assert run.failures <= retry.failure
    for key, sweep in state.sweeps.items():
        if waits_for_canary(sweep):
            live = [run for run in state.runs.values() if run.sweep == key and run.state in LIVE_RUN]
            assert len(live) <= 1, "the others wait for the canary"
        unfinished = {run.block for run in state.runs.values() if run.sweep == key}
        assert set(state.index[key].blocks) <= unfinished
        assert set(state.index[key].provisional) <= unfinished


def _check_sessions(state: State) -> None:
    for key, placement in state.placements.items():
        assert state.runs[key].state in LIVE_RUN
        assert placement.ref.attempt == state.runs[key].attempt
        assert key in state.holdings[placement.session].live
    for session in state.sessions.values():
        holdings = state.holdings[session.id]
        assert all(state.placements[key].session == session.id for key in holdings.live)
        on_their_way = [key for key in holdings.live if key in state.unconfirmed]
        assert session.unconfirmed == len(on_their_way)
        for sweep in session.sweeps:
            if sweep in state.index:
                assert (session.id in state.index[sweep].with_capacity) == (session.room > 0)
                assert session.id in state.index[sweep].serving
                reason = holdings.ineligible.get(sweep, IneligibleReason.NONE)
                now = ineligibility(state, state.sweeps[sweep], session)
                current = now.reason if now else IneligibleReason.NONE
                assert reason is current or (not session.room and reason is IneligibleReason.NONE), (
                    "a waiting agent has the current reason"
                )
    assert set(state.holdings) == set(state.sessions)


def _check_study(sweep: Sweep, runs: list[Run], notes: list[StudyObservation]) -> None:
    first = observation_count(sweep.spec.method, sweep.prior_runs) + 1
    numbers = list(range(first, first + len(notes)))
    assert [note.number for note in notes] == numbers, "observations are numbered"
    assert sweep.observations == first - 1 + len(notes)
    if sweep.spec.method.name == "bayes":
        ended: set[int] = set()
        for note in notes:
            if note.event is StudyEvent.ENDED:
                assert note.run not in ended, "the search is notified of every end exactly once"
                ended.add(note.run)
            elif note.event is StudyEvent.VALUE_SO_FAR:
                assert note.run not in ended, "only runs that have not ended have values so far"
            elif note.event is StudyEvent.HANDED_OUT:  # again, after its end was reverted
                ended.discard(note.run)
        blocks = _blocks(runs)
        assert ended == {n for n, block in blocks.items() if all(run.state in FINAL_RUN for run in block)}
