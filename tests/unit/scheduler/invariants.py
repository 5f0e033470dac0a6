"""Invariants after every step of the core, recounted from everything that was ever stored."""

from collections import Counter
from collections.abc import Sequence

from sweepd.spec.limits import INT64_MAX
from sweepd.spec.point import Point
from sweepd.spec.space.search_space import SearchSpace
from sweepd.spec.sweep_spec import Goal, ObjectiveValue
from sweepd_scheduler.domain.agents.agent import Guarded, IneligibleReason
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
from sweepd_scheduler.domain.runs.run import PointSource, Run, RunKey, attempt_table, run_table
from sweepd_scheduler.domain.runs.values import EndedTrial, block_value
from sweepd_scheduler.domain.search.prior_runs import digests_of, observation_count
from sweepd_scheduler.domain.search.study import StudyEvent, StudyObservation
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.sweep_index import rungs_held
from sweepd_scheduler.domain.sweeps.figures import RunValue, progress
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep, sweep_table
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


def check(state: State, changes: Sequence[Change]) -> None:
    runs, sweeps = _newest(changes)
    _check_transitions(changes)
    _check_guards(state, changes)
    for key, sweep in sweeps.items():
        of_sweep = [run for run in runs.values() if run.sweep == key]
        _check_counts(state, sweep, of_sweep)
        _check_points(state, sweep, of_sweep, changes)
        if not any(isinstance(each, HistoryEntry) and each.kind == "sweep-failed" for each in changes):
            _check_repeats(sweep, of_sweep)
    _check_memory(state, runs)
    _check_sessions(state)
    _check_studies(sweeps, runs, changes)


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


def _newest(changes: Sequence[Change]) -> tuple[dict[RunKey, Run], dict[int, Sweep]]:
    runs: dict[RunKey, Run] = {}
    sweeps: dict[int, Sweep] = {}
    retried: set[RunKey] = set()
    reopened: set[int] = set()
    for change in changes:
        if isinstance(change, HistoryEntry) and change.kind in ("run-retried", "run-claimed"):
            retried.add((change.sweep, change.run))
        elif isinstance(change, HistoryEntry) and change.kind == "sweep-reopened":
            reopened.add(change.sweep)
        elif isinstance(change, RunChanged):
            key, before = change.run.key, runs.get(change.run.key)
            if before is not None:
                has_unfinished = before.state in FINAL_RUN and change.run.state is not before.state
                assert not has_unfinished or key in retried, "only a person takes the end of a run back"
                assert change.run.attempt >= before.attempt, "attempts only increase"
                retried.discard(key)
            if before is None:
                _check_cap(sweeps[change.run.sweep], change.run)
            runs[key] = change.run
        elif isinstance(change, SweepChanged):
            past = sweeps.get(change.sweep.key)
            if past is not None and past.state in FINAL_SWEEP and change.sweep.state is not past.state:
                assert change.sweep.key in reopened, "only a person takes the end of a sweep back"
                reopened.discard(change.sweep.key)
            sweeps[change.sweep.key] = change.sweep
    return runs, sweeps


def _check_transitions(changes: Sequence[Change]) -> None:
    """Every state that was ever stored follows the one before by its table, or is an initial one."""
    runs: dict[RunKey, Run] = {}
    attempts: dict[tuple[RunKey, int], AttemptState] = {}
    sweeps: dict[int, SweepState] = {}
    for change in changes:
        if isinstance(change, RunChanged):
            run = change.run
            before = runs[run.key].state if run.key in runs else None
            assert run.state is before or run.state in run_table(run)[before], (before, run.state)
            runs[run.key] = run
        elif isinstance(change, AttemptChanged):
            key, attempt = (change.key, change.attempt.number), change.attempt
            was = attempts.get(key)
            table = attempt_table(runs[change.key])
            assert attempt.state is was or attempt.state in table[was], (was, attempt.state)
            attempts[key] = attempt.state
        elif isinstance(change, SweepChanged):
            sweep = change.sweep
            past = sweeps.get(sweep.key)
            assert sweep.state is past or sweep.state in sweep_table(sweep)[past], (past, sweep.state)
            assert (sweep.pause_cause is not None) == (sweep.state is SweepState.PAUSED)
            sweeps[sweep.key] = sweep.state


def _check_cap(sweep: Sweep, run: Run) -> None:
    """A cap may be lowered below the runs that there are, but no run is started beyond it."""
    assert sweep.spec.run_cap is None or run.number <= sweep.spec.run_cap, "the cap is exact"


def _check_guards(state: State, changes: Sequence[Change]) -> None:
    """Recount the quarantined agents; they are given nothing."""
    guards: dict[tuple[int, str], Guarded] = {}
    handed_out: set[tuple[RunKey, int]] = set()
    for change in changes:
        if isinstance(change, GuardChanged) and change.guarded is not None:
            guards[change.sweep, change.agent] = change.guarded
        elif isinstance(change, GuardChanged):
            guards.pop((change.sweep, change.agent), None)
        elif isinstance(change, AttemptChanged) and (change.key, change.attempt.number) not in handed_out:
            handed_out.add((change.key, change.attempt.number))
            guarded = guards.get((change.key[0], change.attempt.agent))
            assert guarded is None or not guarded.is_quarantined, "who is held gets nothing"
    for key, index in state.index.items():
        assert index.guards == {agent: each for (sweep, agent), each in guards.items() if sweep == key}


def _check_counts(state: State, sweep: Sweep, runs: list[Run]) -> None:
    counted = Counter(run.state for run in runs)
    assert {s: sweep.counts.of(s) for s in RunState} == {s: counted[s] for s in RunState}
    assert sorted(run.number for run in runs) == list(range(1, len(runs) + 1)), "numbers have no gaps"
    _check_best(sweep, runs)
    over = sweep.state in FINAL_SWEEP and not sweep.counts.unfinished
    assert (sweep.key in state.ended) == over
    assert (sweep.key in state.sweeps) != over
    if sweep.spec.run_cap is not None and sweep.starts_new_runs:
        assert len(runs) < sweep.spec.run_cap, "at its cap it says so"
    if sweep.ending is not None and not over:
        assert sweep.counts.unfinished, "an ending sweep waits for its last run only"
    if sweep.ending is Ending.STOP or sweep.state in FINAL_SWEEP:
        assert not sweep.counts.of(RunState.PENDING)
    if not over:
        assert state.sweeps[sweep.key] == sweep, "what is stored is what is in memory"


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


def _check_points(state: State, sweep: Sweep, runs: list[Run], changes: Sequence[Change]) -> None:
    keys = {(run.digest, run.occurrence, run.repeat) for run in runs}
    assert len(keys) == len(runs), "no point twice"
    for first, block in _blocks(runs).items():
        assert [run.repeat for run in block] == list(range(len(block)))
        assert len(block) <= sweep.spec.repeats
        assert {(run.digest, run.number - run.repeat) for run in block} == {(block[0].digest, first)}
    if sweep.spec.method.name == "grid":
        drawn = [run for run in runs if run.repeat == 0 and run.provenance.source is not PointSource.ENQUEUED]
        assert len({run.digest for run in drawn}) == len(drawn)
    if sweep.spec.method.name != "list":
        for run in runs:
            assert run.is_standalone or _lies_in(sweep.spec.search_space, run.point), "every point is one"
    origins = [run.provenance for run in runs if run.repeat == 0]
    placed = [each for each in origins if each.source in PLACES and each.index < INT64_MAX]
    assert len({(origin.source, origin.index) for origin in placed}) == len(placed), "each place once"
    if sweep.key in state.index:
        taken = (each for each in changes if isinstance(each, PriorRunsTaken) and each.sweep.key == sweep.key)
        begun = Counter(digests_of(prior for each in taken for prior in each.runs))
        tried = Counter(run.digest for run in runs if run.repeat == 0)
        assert state.index[sweep.key].digests == begun + tried


_LIE_IN: dict[tuple[int, int], tuple[SearchSpace, Point]] = {}
"""Cached points that lie in a space; they never change, and the cache keeps their identity."""


def _lies_in(space: SearchSpace, point: Point) -> bool:
    """Tell whether a point lies in a space: once, though runs are checked after every step."""
    key = (id(space), id(point))
    if key not in _LIE_IN:
        if space.violations(point):
            return False
        if len(_LIE_IN) > 10_000:
            _LIE_IN.clear()
        _LIE_IN[key] = (space, point)
    return True


def _check_repeats(sweep: Sweep, runs: list[Run]) -> None:
    """The cap cuts the last point short and no other; only a failed canary may leave one behind."""
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
                    "who waits knows why"
                )
    assert set(state.holdings) == set(state.sessions)


def _check_studies(sweeps: dict[int, Sweep], runs: dict[RunKey, Run], changes: Sequence[Change]) -> None:
    notes = [change for change in changes if isinstance(change, StudyObservation)]
    for key, sweep in sweeps.items():
        mine = [note for note in notes if note.sweep == key]
        first = observation_count(sweep.spec.method, sweep.prior_runs) + 1
        numbers = list(range(first, first + len(mine)))
        assert [note.number for note in mine] == numbers, "observations are numbered"
        assert sweep.observations == first - 1 + len(mine)
        if sweep.spec.method.name == "bayes":
            over: set[int] = set()
            for note in mine:
                if note.event is StudyEvent.ENDED:
                    assert note.run not in over, "the search learns of every end exactly once"
                    over.add(note.run)
                elif note.event is StudyEvent.VALUE_SO_FAR:
                    assert note.run not in over, "only what is under way shows anything"
                elif note.event is StudyEvent.HANDED_OUT:  # again, after a person took its end back
                    over.discard(note.run)
            blocks = _blocks([run for run in runs.values() if run.sweep == key])
            assert over == {n for n, block in blocks.items() if all(run.state in FINAL_RUN for run in block)}
