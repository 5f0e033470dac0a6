"""One run that ends because a person says so."""

from sweepd_kernel.errors import NotFoundError, WrongStateError
from sweepd_scheduler.domain.agents.placement import tell_stop
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.hand_out.hand_out import serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.requests.requests import EndRun, NotInMemoryError, Runs
from sweepd_scheduler.domain.runs.run import Run, Stop, StopMode
from sweepd_scheduler.domain.runs.run_end import end
from sweepd_scheduler.domain.states import FINAL_RUN, RunState

REASON = "stopped by a person"


def end_run(turn: Draft, event: EndRun) -> Runs:
    """Stop a run: one that waits at once, a live one by its agent, as soon as that hears of it.

    Raises:
        DomainError: there is no such run, or it is final.
    """
    run = _find(turn, event)
    sweep = turn.state.sweeps[run.sweep]
    if run.state is RunState.PENDING:
        end(turn, run, RunState.STOPPED, REASON)
        serve_sweep(turn, run.sweep)
    elif run.stop is None:
        doomed = replace(run, stop=Stop(mode=StopMode.TERMINATE, reason=REASON))
        turn.put_run(doomed)
        turn.note("run-stop-decided", doomed, reason=REASON)
        tell_stop(turn, doomed)
    return Runs(runs=(turn.run(run.key),), kind=sweep.value_kind)


def _find(turn: Draft, event: EndRun) -> Run:
    key = turn.state.names.get(event.name.sweep)
    if key is None:
        raise NotFoundError(str(event.name))
    run = turn.state.runs.get((key, event.name.number))
    if run is not None:
        return run
    if event.looked_up and event.found is None:
        raise NotFoundError(str(event.name))
    if event.found is None or event.found.state not in FINAL_RUN:
        raise NotInMemoryError(str(event.name))
    raise WrongStateError(str(event.name), event.found.state, "stop")
