"""Edit of the specification of a sweep."""

from dataclasses import replace

from sweepd.spec import SweepSpec
from sweepd_kernel.errors import DomainError, Reason, Status
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.hand_out import complete_block, room, serve_sweep
from sweepd_scheduler.domain.requests.reopening import CutPoint, cut_point, load_sweep, recount_point, reopen
from sweepd_scheduler.domain.requests.requests import Edit, UpdateSweep
from sweepd_scheduler.domain.runs.results import has_reached_target
from sweepd_scheduler.domain.search.by_index import end_if_exhausted
from sweepd_scheduler.domain.sweeps.guard import name_quarantined
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep, ending
from sweepd_scheduler.domain.transitions import FINAL_SWEEP


class StaleRevisionError(DomainError):
    """The sweep has been edited since the caller read it."""

    def __init__(self, name: str, seen: int, revision: int) -> None:
        super().__init__(
            f"{name} was edited meanwhile: you saw revision {seen}, it is at {revision}",
            status=Status.ABORTED,
            reason=Reason.STALE_REVISION,
            metadata={"name": name, "revision": str(revision)},
        )


def edit(draft: Draft, event: UpdateSweep) -> Sweep:
    """Change the specification; a sweep that had reached its cap resumes if that is raised.

    Raises:
        DomainError: there is no such sweep, or it was edited meanwhile.
    """
    before = load_sweep(draft, event.name, event.stored)
    if event.revision not in (0, before.revision):
        raise StaleRevisionError(str(before.name), event.revision, before.revision)
    spec, key = _edited(before.spec, event.edit), before.key
    if spec == before.spec:
        draft.put_sweep(before)  # an ended one leaves memory again
        return before
    more = _has_more_room(before, spec)
    cut = cut_point(draft, before, event.last) if more else None
    beyond = _beyond_the_cap(draft, draft.state.sweeps[key], cut) if more else before
    sweep = replace(beyond, spec=spec, revision=before.revision + 1)
    draft.record("sweep-edited", sweep=sweep, fields=", ".join(sorted(event.edit.fields)))
    draft.edit_sweep(sweep)
    if key in draft.state.sweeps:
        if cut is not None:
            complete_block(draft, cut.last)
        end_if_exhausted(draft, key)
        name_quarantined(draft, key)
        serve_sweep(draft, key)
    return draft.sweep(key)


def _has_more_room(sweep: Sweep, spec: SweepSpec) -> bool:
    """Tell whether a sweep had reached its cap and has not, with another specification."""
    return room(sweep) == 0 and room(replace(sweep, spec=spec)) != 0


def _beyond_the_cap(draft: Draft, sweep: Sweep, cut: CutPoint | None) -> Sweep:
    """Return a sweep reopened below its new cap, if only for a point that was cut short."""
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


def _edited(spec: SweepSpec, edit: Edit) -> SweepSpec:
    return replace(spec, **{field: getattr(edit, field) for field in edit.fields})
