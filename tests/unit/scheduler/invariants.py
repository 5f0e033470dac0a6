"""What holds after every step of the core, recounted from everything that was ever stored."""

from collections import Counter
from collections.abc import Sequence

from sweepd.spec import Goal, Method
from sweepd_scheduler.domain.decision import Change, RunChanged, StudyEvent, StudyNoted, SweepChanged
from sweepd_scheduler.domain.run import FINAL, HELD, LIVE, Run, RunKey, RunState
from sweepd_scheduler.domain.state import State, rungs_held
from sweepd_scheduler.domain.sweep import FINAL as SWEEP_FINAL
from sweepd_scheduler.domain.sweep import Ending, Sweep


def check(state: State, changes: Sequence[Change]) -> None:
    runs, sweeps = _newest(changes)
    for key, sweep in sweeps.items():
        of_sweep = [run for run in runs.values() if run.sweep == key]
        _check_counts(state, sweep, of_sweep)
        _check_points(state, sweep, of_sweep)
    _check_memory(state, runs)
    _check_sessions(state)
    _check_studies(sweeps, runs, changes)


def _newest(changes: Sequence[Change]) -> tuple[dict[RunKey, Run], dict[int, Sweep]]:
    runs: dict[RunKey, Run] = {}
    sweeps: dict[int, Sweep] = {}
    for change in changes:
        if isinstance(change, RunChanged):
            before = runs.get(change.run.key)
            if before is not None:
                assert before.state not in FINAL or change.run.state is before.state, "final states are final"
                assert change.run.attempt >= before.attempt, "attempts only increase"
            runs[change.run.key] = change.run
        elif isinstance(change, SweepChanged):
            past = sweeps.get(change.sweep.key)
            if past is not None and past.state in SWEEP_FINAL:
                assert change.sweep.state is past.state, "final states are final"
            sweeps[change.sweep.key] = change.sweep
    return runs, sweeps


def _check_counts(state: State, sweep: Sweep, runs: list[Run]) -> None:
    counted = Counter(run.state for run in runs)
    assert {s: sweep.counts.of(s) for s in RunState} == {s: counted[s] for s in RunState}
    assert sorted(run.number for run in runs) == list(range(1, len(runs) + 1)), "numbers have no gaps"
    values = [run.values.best for run in runs if run.values.best is not None]
    assert (sweep.best.value if sweep.best else None) == (min if sweep.goal is Goal.MINIMIZE else max)(
        values, default=None
    )
    if sweep.spec.run_cap is not None:
        assert len(runs) <= sweep.spec.run_cap, "the cap is exact"
    over = sweep.state in SWEEP_FINAL and not sweep.counts.unfinished
    assert (sweep.key in state.ended) == over
    assert (sweep.key in state.sweeps) != over
    if sweep.ending is not None and not over:
        assert sweep.counts.unfinished, "an ending sweep waits for its last run only"
    if sweep.ending is Ending.STOP or sweep.state in SWEEP_FINAL:
        assert not sweep.counts.of(RunState.PENDING)
    if not over:
        assert state.sweeps[sweep.key] == sweep, "what is stored is what is in memory"


def _check_points(state: State, sweep: Sweep, runs: list[Run]) -> None:
    keys = {(run.digest, run.occurrence) for run in runs}
    assert len(keys) == len(runs), "no point twice"
    if sweep.spec.method is Method.GRID:
        assert len({run.digest for run in runs}) == len(runs)
    if sweep.key in state.index:
        assert state.index[sweep.key].digests == Counter(run.digest for run in runs if run.repeat == 0)


def _check_memory(state: State, runs: dict[RunKey, Run]) -> None:
    assert state.runs == {key: run for key, run in runs.items() if run.state not in FINAL}
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
        assert (run.state in LIVE) == (bool(run.attempts) and run.newest.state in HELD)
        assert (run.key in state.heard) == (run.state in LIVE), "a lease for each live attempt"
        assert run.requeues <= 3


def _check_sessions(state: State) -> None:
    for key, placement in state.placements.items():
        assert state.runs[key].state in LIVE
        assert placement.ref.attempt == state.runs[key].attempt
        assert key in state.holdings[placement.session].live
    for session in state.sessions.values():
        holdings = state.holdings[session.id]
        assert all(state.placements[key].session == session.id for key in holdings.live)
        on_their_way = [key for key in holdings.live if key in state.unconfirmed]
        assert session.unconfirmed == len(on_their_way)
        for sweep in session.sweeps:
            if sweep in state.index:
                assert (session.id in state.index[sweep].roomy) == (session.room > 0)
                assert session.id in state.index[sweep].serving
    assert set(state.holdings) == set(state.sessions)


def _check_studies(sweeps: dict[int, Sweep], runs: dict[RunKey, Run], changes: Sequence[Change]) -> None:
    notes = [change for change in changes if isinstance(change, StudyNoted)]
    for key, sweep in sweeps.items():
        mine = [note for note in notes if note.sweep == key]
        assert [note.number for note in mine] == list(range(1, len(mine) + 1)), "observations are numbered"
        assert sweep.observations == len(mine)
        if sweep.spec.method is Method.BAYES:
            ended = Counter(note.run for note in mine if note.event is StudyEvent.ENDED)
            final = {run.number for run in runs.values() if run.sweep == key and run.state in FINAL}
            assert ended == Counter(final), "the search learns of every end exactly once"
