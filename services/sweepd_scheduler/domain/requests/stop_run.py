"""Stop of one run at a person's request."""

from sweepd_kernel.errors import NotFoundError, WrongStateError
from sweepd_scheduler.domain.agents.placement import send_stop
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.hand_out import serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.requests.requests import EndRun, NotInMemoryError, Runs
from sweepd_scheduler.domain.runs.run import Run, Stop, StopMode
from sweepd_scheduler.domain.runs.run_end import end
from sweepd_scheduler.domain.transitions import FINAL_RUN, RunState

REASON = "stopped by a person"


def end_run(draft: Draft, event: EndRun) -> Runs:
    """Stop a run: a pending one at once, a live one through its agent.

    Raises:
        DomainError: there is no such run, or it is final.
    """
    run = _find(draft, event)
    sweep = draft.state.sweeps[run.sweep]
    if run.state is RunState.PENDING:
        end(draft, run, RunState.STOPPED, REASON)
        serve_sweep(draft, run.sweep)
    elif run.stop is None:
        doomed = replace(run, stop=Stop(mode=StopMode.TERMINATE, reason=REASON))
        draft.put_run(doomed)
        draft.record("run-stop-decided", doomed, reason=REASON)
        send_stop(draft, doomed)
    return Runs(runs=(draft.run(run.key),), kind=sweep.value_kind)


def _find(draft: Draft, event: EndRun) -> Run:
    key = draft.state.names.get(event.name.sweep)
    if key is None:
        raise NotFoundError(str(event.name))
    run = draft.state.runs.get((key, event.name.number))
    if run is not None:
        return run
    if event.looked_up and event.found is None:
        raise NotFoundError(str(event.name))
    if event.found is None or event.found.state not in FINAL_RUN:
        raise NotInMemoryError(str(event.name))
    raise WrongStateError(str(event.name), event.found.state, "stop")
