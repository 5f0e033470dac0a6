"""Requests about a sweep as a whole: create, pause, resume, stop, cancel, edit its specification."""

import dataclasses
from collections.abc import Callable

from sweepd.spec.sweep_spec import SweepSpec
from sweepd_kernel.errors import DomainError, Reason, Status, WrongStateError
from sweepd_scheduler.domain import guard
from sweepd_scheduler.domain import sweep as sweeps
from sweepd_scheduler.domain.agents.commands import stop
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import RUNS_PER_STEP, Steps
from sweepd_scheduler.domain.hand_out import complete_block, room, serve_sweep
from sweepd_scheduler.domain.names import NameTakenError, SweepName
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.requests import requests
from sweepd_scheduler.domain.requests.reopening import (
    CutPoint,
    cut_point,
    load_sweep,
    recount_point,
    reopen,
    sweep_state,
)
from sweepd_scheduler.domain.runs import run_end
from sweepd_scheduler.domain.runs.results import has_reached_target
from sweepd_scheduler.domain.runs.run import StopMode
from sweepd_scheduler.domain.search.by_index import end_if_exhausted
from sweepd_scheduler.domain.search.prior_runs import observation_count
from sweepd_scheduler.domain.state import index_with
from sweepd_scheduler.domain.sweep import Ending, Sweep, ending
from sweepd_scheduler.domain.transitions import FINAL_SWEEP, RunState


def create_sweep(draft: Draft, event: requests.CreateSweep) -> Steps[Sweep]:
    """Create a sweep, and end it at once if prior runs leave it no point to try.

    Raises:
        NameTakenError: the name is in use, or clashes with another name.
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
        end_if_exhausted(draft, sweep.key)
    return draft.sweep(sweep.key)


def pause_sweep(draft: Draft, event: requests.PauseSweep) -> Sweep:
    """Pause a sweep: hand out none of its runs until it is resumed.

    Raises:
        DomainError: there is no such sweep, or it has ended.
    """
    return _change(draft, event.name, "pause", sweeps.paused)


def resume_sweep(draft: Draft, event: requests.ResumeSweep) -> Sweep:
    """Resume a sweep: hand out its runs again, and reset the counts that lead to automatic pauses.

    Raises:
        DomainError: there is no such sweep, or it has ended.
    """
    before = _find(draft, event.name, "resume")
    sweep = _change(draft, event.name, "resume", sweeps.resumed)
    if sweep is not before:
        guard.reset_counts(draft, sweep.key)
        # During the pause, enqueued runs may have filled the cap, or the cap may have been lowered.
        end_if_exhausted(draft, sweep.key)
    serve_sweep(draft, sweep.key)
    return draft.sweep(sweep.key)


def stop_sweep(draft: Draft, event: requests.StopSweep) -> Steps[Sweep]:
    """Hand out no more runs of a sweep, end its pending runs, and let live runs finish.

    Raises:
        DomainError: there is no such sweep, or it has ended.
    """
    before = _find(draft, event.name, "stop")
    if before.ending is Ending.STOP:
        return before
    draft.record("sweep-stop", sweep=before)
    return (yield from run_end.stop_sweep(draft, before.key, "stopped by a person"))


def cancel_sweep(draft: Draft, event: requests.CancelSweep) -> Steps[Sweep]:
    """End a sweep at once, and kill its live runs.

    Raises:
        DomainError: there is no such sweep, or it has ended.
    """
    before = _find(draft, event.name, "cancel")
    unfinished = sorted(draft.state.index[before.key].unfinished)
    run_end.send_sweep_ended(draft, sweeps.cancelled(before, draft.now.wall))
    _change(draft, event.name, "cancel", lambda sweep: sweeps.cancelled(sweep, draft.now.wall))
    for done, number in enumerate(unfinished, 1):
        run = draft.state.runs[(before.key, number)]
        if run.state is RunState.PENDING:
            run_end.end(draft, run, RunState.KILLED, "the sweep was cancelled")
        else:
            stop(draft, run, StopMode.KILL, "the sweep was cancelled")
        if done % RUNS_PER_STEP == 0:
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
    state = sweep_state(draft, name)
    if state in FINAL_SWEEP:
        raise WrongStateError(str(name), state, command)
    return draft.state.sweeps[draft.state.key_of(name)]


class StaleRevisionError(DomainError, status=Status.ABORTED, reason=Reason.STALE_REVISION):
    """The sweep has been edited since the caller read it."""

    def __init__(self, name: str, seen: int, revision: int) -> None:
        super().__init__(
            f"{name} was edited meanwhile: expected revision {seen}, found {revision}",
            metadata={"name": name, "revision": str(revision)},
        )


def edit(draft: Draft, event: requests.UpdateSweep) -> Sweep:
    """Edit the specification of a sweep; a sweep that has reached its cap continues if the cap is raised.

    Raises:
        DomainError: there is no such sweep, it was edited meanwhile, or data has to be loaded first.
    """
    before = load_sweep(draft, event.name, event.stored)
    if event.revision not in (0, before.revision):
        raise StaleRevisionError(str(before.name), event.revision, before.revision)
    spec, key = _edited(before.spec, event.edit), before.key
    if spec == before.spec:
        draft.put_sweep(before)  # this drops an ended sweep from memory again
        return before
    more = _has_more_room(before, spec)
    cut = cut_point(draft, before, event.last) if more else None
    raised = _after_raised_cap(draft, draft.state.sweeps[key], cut) if more else before
    sweep = replace(raised, spec=spec, revision=before.revision + 1)
    draft.record("sweep-edited", sweep=sweep, fields=", ".join(sorted(event.edit.fields)))
    draft.edit_sweep(sweep)
    if key in draft.state.sweeps:
        if cut is not None:
            complete_block(draft, cut.last)
        end_if_exhausted(draft, key)
        guard.name_quarantined(draft, key)
        serve_sweep(draft, key)
    return draft.sweep(key)


def _has_more_room(sweep: Sweep, spec: SweepSpec) -> bool:
    """Return True if a sweep has reached its current cap, but not that of a new specification."""
    return room(sweep) == 0 and room(replace(sweep, spec=spec)) != 0


def _after_raised_cap(draft: Draft, sweep: Sweep, cut: CutPoint | None) -> Sweep:
    """Return a sweep after its cap was raised, reopened if new runs are possible.

    Without new points, it is still reopened for the missing runs of a point that was cut short.
    """
    if cut is not None:
        reopen(draft, sweep.key, "edit", sweep.ending)
        recount_point(draft, cut)
        sweep = draft.state.sweeps[sweep.key]
    why = None if sweep.ending is Ending.CAP else sweep.ending
    if why in (None, Ending.TARGET):
        why = Ending.TARGET if has_reached_target(sweep) else None
    if sweep.state in FINAL_SWEEP and why is not None:
        return ending(sweep, why) if sweep.ending is Ending.CAP else sweep
    if cut is not None or sweep.ending is Ending.CAP:
        reopen(draft, sweep.key, "edit", why)
    return draft.state.sweeps[sweep.key]


def _edited(spec: SweepSpec, edit: requests.Edit) -> SweepSpec:
    """Return a specification after an edit, whose fields `api/requester.py` limits to `EDITABLE`."""
    return dataclasses.replace(spec, **{field: getattr(edit, field) for field in edit.fields})
