"""What a person changes about a sweep after it was created."""

from dataclasses import replace

from sweepd.spec import SweepSpec
from sweepd_kernel.errors import DomainError, Reason, Status
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.hand_out.hand_out import complete_block, room, serve_sweep
from sweepd_scheduler.domain.requests.reopening import Cut, count_anew, cut_short, in_memory, reopen
from sweepd_scheduler.domain.requests.requests import Edit, UpdateSweep
from sweepd_scheduler.domain.runs.results import has_reached_target
from sweepd_scheduler.domain.search.by_index import end_if_over
from sweepd_scheduler.domain.states import FINAL_SWEEP
from sweepd_scheduler.domain.sweeps.guard import name_held
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep, ending


class StaleRevisionError(DomainError):
    """The sweep has been edited since the caller read it."""

    def __init__(self, name: str, seen: int, revision: int) -> None:
        super().__init__(
            f"{name} was edited meanwhile: you saw revision {seen}, it is at {revision}",
            status=Status.ABORTED,
            reason=Reason.STALE_REVISION,
            metadata={"name": name, "revision": str(revision)},
        )


def edit(turn: Draft, event: UpdateSweep) -> Sweep:
    """Change the specification; a sweep that had reached its cap goes on if that is raised.

    Raises:
        DomainError: there is no such sweep, or it was edited meanwhile.
    """
    before = in_memory(turn, event.name, event.stored)
    if event.revision not in (0, before.revision):
        raise StaleRevisionError(str(before.name), event.revision, before.revision)
    spec, key = _edited(before.spec, event.edit), before.key
    if spec == before.spec:
        turn.put_sweep(before)  # one that is over leaves memory again
        return before
    more = _has_more_room(before, spec)
    cut = cut_short(turn, before, event.last) if more else None
    beyond = _beyond_the_cap(turn, turn.state.sweeps[key], cut) if more else before
    sweep = replace(beyond, spec=spec, revision=before.revision + 1)
    turn.note("sweep-edited", sweep=sweep, fields=", ".join(sorted(event.edit.fields)))
    turn.edit_sweep(sweep)
    if key in turn.state.sweeps:
        if cut is not None:
            complete_block(turn, cut.last)
        end_if_over(turn, key)
        name_held(turn, key)
        serve_sweep(turn, key)
    return turn.sweep(key)


def _has_more_room(sweep: Sweep, spec: SweepSpec) -> bool:
    """Tell whether a sweep had reached its cap and has not, with another specification."""
    return room(sweep) == 0 and room(replace(sweep, spec=spec)) != 0


def _beyond_the_cap(turn: Draft, sweep: Sweep, cut: Cut | None) -> Sweep:
    """Return a sweep that goes on; with a point that was cut short alone, where all else is at its end."""
    if cut is not None:
        reopen(turn, sweep.key, "edit", sweep.ending)
        count_anew(turn, cut)
        sweep = turn.state.sweeps[sweep.key]
    why = None if sweep.ending is Ending.CAP else sweep.ending
    if why in (None, Ending.TARGET):
        why = Ending.TARGET if has_reached_target(sweep) else None
    if sweep.state in FINAL_SWEEP and why is not None:
        return ending(sweep, why) if sweep.ending is Ending.CAP else sweep
    if cut is not None or sweep.ending is Ending.CAP:
        reopen(turn, sweep.key, "edit", why)
    return turn.state.sweeps[sweep.key]


def _edited(spec: SweepSpec, edit: Edit) -> SweepSpec:
    return replace(spec, **{field: getattr(edit, field) for field in edit.fields})
