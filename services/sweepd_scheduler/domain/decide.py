"""The core: what an event changes and what follows, free of I/O, clocks and randomness."""

from sweepd_scheduler.domain import hand_out
from sweepd_scheduler.domain.agents import attach, lease, reports
from sweepd_scheduler.domain.agents.release import release
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import Decision, Steps, whole
from sweepd_scheduler.domain.eligibility import notify_changes
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
    StaleDelivery,
    Started,
    SuggestionsArrived,
    SuggestionsFailed,
    TimeoutDue,
)
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

    The changes are staged on `state` and recorded in its undo log, so that the next event of the same
    batch sees them: `undo_log.keep()` makes them current once they are stored, `back_to(0)` drops them. An
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
    mark = state.undo_log.mark()
    draft = Draft(state, now)
    try:
        answer = yield from _dispatch(draft, event)
        notify_changes(draft)
    except BaseException:
        state.undo_log.back_to(mark)
        raise
    return Decision(changes=tuple(draft.changes), effects=tuple(draft.effects), answer=answer)


def _dispatch(draft: Draft, event: Event) -> Steps[Answer | None]:
    match event:
        case (
            Heartbeat()
            | Offered()
            | Started()
            | Observed()
            | Exited()
            | Described()
            | StaleDelivery()
            | Answered()
        ):
            if event.session in draft.state.sessions:  # else the stream was replaced or has ended
                _report(draft, event)
        case CreateSweep():
            return (yield from sweep_requests.create_sweep(draft, event))
        case PauseSweep(name=name):
            return sweep_requests.pause_sweep(draft, name)
        case ResumeSweep(name=name):
            return sweep_requests.resume_sweep(draft, name)
        case StopSweep(name=name):
            return (yield from sweep_requests.stop_sweep(draft, name))
        case CancelSweep(name=name):
            return (yield from sweep_requests.cancel_sweep(draft, name))
        case UpdateSweep():
            return edit(draft, event)
        case CreateRun():
            return create_run(draft, event)
        case EnqueueRun():
            return enqueue(draft, event)
        case EndRun():
            return end_run(draft, event)
        case RetryRuns():
            return (yield from retry_runs(draft, event))
        case ReleaseAgent():
            return release(draft, event)
        case Recalled():
            pass
        case LeaseDue():
            lease.lease_due(draft, event)
        case ConfirmDue():
            lease.confirm_due(draft, event)
        case SearchDue():
            hand_out.search_due(draft, event)
        case TimeoutDue():
            yield from timeout_due(draft, event)
        case QuarantineDue():
            guard.quarantine_due(draft, event)
        case AskDue():
            suggestions.due(draft, event)
        case SuggestionsArrived():
            suggestions.arrived(draft, event)
        case SuggestionsFailed():
            suggestions.failed(draft, event)
        case Announced():
            attach.announced(draft, event)
        case Attached():
            attach.attached(draft, event)
        case Detached():
            attach.detached(draft, event)
    return None


def _report(draft: Draft, event: Report) -> None:
    if not isinstance(event, Heartbeat):
        reports.lift_suspicions(draft, event.session)
    match event:
        case Heartbeat():
            reports.heartbeat(draft, event)
        case Offered():
            reports.offered(draft, event)
        case Started():
            reports.started(draft, event)
        case Observed():
            reports.observed(draft, event)
        case Exited():
            reports.exited(draft, event)
        case Described():
            reports.described(draft, event)
        case StaleDelivery():
            reports.strayed(draft, event)
        case Answered():
            reports.answered(draft, event)
