"""The core: what an event changes and what follows, free of I/O, clocks and randomness."""

from sweepd_scheduler.domain.agents import attach, lease, reports
from sweepd_scheduler.domain.agents.release import release
from sweepd_scheduler.domain.decision import Decision, Steps, whole
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import (
    Announced,
    Answered,
    AskDue,
    Attached,
    ConfirmDue,
    Described,
    Detached,
    Event,
    Exited,
    Heartbeat,
    LeaseDue,
    Observed,
    Offered,
    QuarantineDue,
    Recalled,
    Report,
    SearchDue,
    Started,
    Strayed,
    SuggestionsArrived,
    SuggestionsFailed,
    TimeoutDue,
)
from sweepd_scheduler.domain.hand_out import hand_out
from sweepd_scheduler.domain.hand_out.eligibility import tell_waits
from sweepd_scheduler.domain.requests import sweep_requests
from sweepd_scheduler.domain.requests.edit_sweep import edit
from sweepd_scheduler.domain.requests.enqueue_run import enqueue
from sweepd_scheduler.domain.requests.requests import (
    Answer,
    CancelSweep,
    CreateRun,
    CreateSweep,
    EndRun,
    EnqueueRun,
    PauseSweep,
    ReleaseAgent,
    ResumeSweep,
    RetryRuns,
    StopSweep,
    UpdateSweep,
)
from sweepd_scheduler.domain.requests.retry_runs import retry_runs
from sweepd_scheduler.domain.requests.standalone import create_run
from sweepd_scheduler.domain.requests.stop_run import end_run
from sweepd_scheduler.domain.runs.run_end import timeout_due
from sweepd_scheduler.domain.search import suggestions
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.sweeps import guard
from sweepd_scheduler.domain.timing import ClockReading


def decide(state: State, event: Event, now: ClockReading) -> Decision:
    """Return what is to be stored and what is to be done after that.

    The changes are staged on `state` with their opposites in its journal, so that the next event of the same
    turn sees them: `journal.keep()` makes them current once they are stored, `back_to(0)` drops them. An
    event that is refused leaves no trace.

    Raises:
        DomainError: the event is refused.
    """
    return whole(decide_in_steps(state, event, now))


def decide_in_steps(state: State, event: Event, now: ClockReading) -> Steps[Decision]:
    """Decide as above; of what concerns many runs, some with each step.

    Raises:
        DomainError: the event is refused.
    """
    mark = state.journal.mark()
    turn = Draft(state, now)
    try:
        answer = yield from _dispatch(turn, event)
        tell_waits(turn)
    except BaseException:
        state.journal.back_to(mark)
        raise
    return Decision(changes=tuple(turn.changes), effects=tuple(turn.effects), answer=answer)


def _dispatch(turn: Draft, event: Event) -> Steps[Answer | None]:
    match event:
        case (
            Heartbeat() | Offered() | Started() | Observed() | Exited() | Described() | Strayed() | Answered()
        ):
            if event.session in turn.state.sessions:  # else the stream was replaced or has ended
                _report(turn, event)
        case CreateSweep():
            return (yield from sweep_requests.create_sweep(turn, event))
        case PauseSweep(name=name):
            return sweep_requests.pause_sweep(turn, name)
        case ResumeSweep(name=name):
            return sweep_requests.resume_sweep(turn, name)
        case StopSweep(name=name):
            return (yield from sweep_requests.stop_sweep(turn, name))
        case CancelSweep(name=name):
            return (yield from sweep_requests.cancel_sweep(turn, name))
        case UpdateSweep():
            return edit(turn, event)
        case CreateRun():
            return create_run(turn, event)
        case EnqueueRun():
            return enqueue(turn, event)
        case EndRun():
            return end_run(turn, event)
        case RetryRuns():
            return (yield from retry_runs(turn, event))
        case ReleaseAgent():
            return release(turn, event)
        case Recalled():
            pass
        case LeaseDue():
            lease.lease_due(turn, event)
        case ConfirmDue():
            lease.confirm_due(turn, event)
        case SearchDue():
            hand_out.search_due(turn, event)
        case TimeoutDue():
            yield from timeout_due(turn, event)
        case QuarantineDue():
            guard.quarantine_due(turn, event)
        case AskDue():
            suggestions.due(turn, event)
        case SuggestionsArrived():
            suggestions.arrived(turn, event)
        case SuggestionsFailed():
            suggestions.failed(turn, event)
        case Announced():
            attach.announced(turn, event)
        case Attached():
            attach.attached(turn, event)
        case Detached():
            attach.detached(turn, event)
    return None


def _report(turn: Draft, event: Report) -> None:
    if not isinstance(event, Heartbeat):
        reports.trust_again(turn, event.session)
    match event:
        case Heartbeat():
            reports.heartbeat(turn, event)
        case Offered():
            reports.offered(turn, event)
        case Started():
            reports.started(turn, event)
        case Observed():
            reports.observed(turn, event)
        case Exited():
            reports.exited(turn, event)
        case Described():
            reports.described(turn, event)
        case Strayed():
            reports.strayed(turn, event)
        case Answered():
            reports.answered(turn, event)
