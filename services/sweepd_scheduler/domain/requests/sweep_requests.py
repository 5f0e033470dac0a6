"""Requests about a sweep as a whole: create, pause, resume, stop, cancel."""

from collections.abc import Callable

from sweepd_kernel.errors import NotFoundError, WrongStateError
from sweepd_scheduler.domain.agents.placement import send_stop
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import RUNS_A_STEP, Steps
from sweepd_scheduler.domain.hand_out import serve_sweep
from sweepd_scheduler.domain.names import NameTakenError, SweepName
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.requests.requests import (
    CreateSweep,
)
from sweepd_scheduler.domain.runs import run_end
from sweepd_scheduler.domain.runs.run import Stop, StopMode
from sweepd_scheduler.domain.search.by_index import end_if_exhausted
from sweepd_scheduler.domain.search.prior_runs import observation_count
from sweepd_scheduler.domain.sweep_index import index_with
from sweepd_scheduler.domain.sweeps import guard
from sweepd_scheduler.domain.sweeps import sweep as sweeps
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep
from sweepd_scheduler.domain.transitions import FINAL_SWEEP, RunState


def create_sweep(draft: Draft, event: CreateSweep) -> Steps[Sweep]:
    """Create a sweep, and end it at once where prior runs leave it nothing to try.

    Raises:
        NameTakenError: something else has its name.
    """
    candidates = (event.id,) if event.id is not None else event.drawn_ids
    names = [SweepName(event.parent, each) for each in candidates]
    free = next((name for name in names if not draft.state.name_taken(name)), None)
    if free is None:
        raise NameTakenError(str(names[0]))
    sweep = Sweep(
        key=draft.count("sweep"),
        name=free,
        spec=event.spec,
        counted=event.counted,
        prior_runs=len(event.prior_runs),
        prior_points=event.prior_points,
        observations=observation_count(event.spec.method, len(event.prior_runs)),
        file=event.file,
        create_time=draft.now.wall,
    )
    index = yield from index_with(sweep, event.prior_runs)
    draft.add_sweep(sweep, index, event.prior_runs)
    draft.record("sweep-created", sweep=sweep)
    if event.prior_runs:
        end_if_exhausted(draft, sweep.key)  # they may leave no point to try
    return draft.sweep(sweep.key)


def pause_sweep(draft: Draft, name: SweepName) -> Sweep:
    """Hand out no runs of a sweep until it is resumed.

    Raises:
        DomainError: there is no such sweep, or it has ended.
    """
    return _change(draft, name, "pause", sweeps.paused)


def resume_sweep(draft: Draft, name: SweepName) -> Sweep:
    """Hand out runs of a sweep again; what made it pause by itself is counted anew.

    Raises:
        DomainError: there is no such sweep, or it has ended.
    """
    before = _find(draft, name, "resume")
    sweep = _change(draft, name, "resume", sweeps.resumed)
    if sweep is not before:
        guard.reset_counts(draft, sweep.key)
        end_if_exhausted(draft, sweep.key)  # runs that were enqueued during the pause, or a lowered cap
    serve_sweep(draft, sweep.key)
    return draft.sweep(sweep.key)


def stop_sweep(draft: Draft, name: SweepName) -> Steps[Sweep]:
    """Start no more runs of a sweep; live ones end by themselves.

    Raises:
        DomainError: there is no such sweep, or it has ended.
    """
    before = _find(draft, name, "stop")
    if before.ending is Ending.STOP:
        return before
    draft.record("sweep-stop", sweep=before)
    return (yield from run_end.stop_sweep(draft, before.key, "stopped by a person"))


def cancel_sweep(draft: Draft, name: SweepName) -> Steps[Sweep]:
    """End a sweep at once, and kill its live runs.

    Raises:
        DomainError: there is no such sweep, or it has ended.
    """
    before = _find(draft, name, "cancel")
    unfinished = sorted(draft.state.index[before.key].unfinished)
    run_end.send_sweep_ended(draft, sweeps.cancelled(before, draft.now.wall))
    _change(draft, name, "cancel", lambda sweep: sweeps.cancelled(sweep, draft.now.wall))
    for done, number in enumerate(unfinished, 1):
        run = draft.state.runs[(before.key, number)]
        if run.state is RunState.PENDING:
            run_end.end(draft, run, RunState.KILLED, "the sweep was cancelled")
        else:
            doomed = replace(run, stop=Stop(mode=StopMode.KILL, reason="the sweep was cancelled"))
            draft.put_run(doomed)
            send_stop(draft, doomed)
        if done % RUNS_A_STEP == 0:
            yield
    return draft.sweep(before.key)


def _change(draft: Draft, name: SweepName, command: str, change: Callable[[Sweep], Sweep]) -> Sweep:
    before = _find(draft, name, command)
    sweep = change(before)
    if sweep is not before:
        draft.record(f"sweep-{command}", sweep=sweep)
        draft.put_sweep(sweep)
    return sweep


def _find(draft: Draft, name: SweepName, command: str) -> Sweep:
    key = draft.state.names.get(name)
    if key is None:
        raise NotFoundError(str(name))
    if key in draft.state.ended:
        raise WrongStateError(str(name), draft.state.ended[key].state, command)
    sweep = draft.state.sweeps[key]
    if sweep.state in FINAL_SWEEP:
        raise WrongStateError(str(name), sweep.state, command)
    return sweep
