"""Core function: turns an event into changes and effects, without I/O, clocks or randomness."""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from sweepd_scheduler.domain import events, guard, hand_out
from sweepd_scheduler.domain.agents import attach, lease, reports
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import Decision, Steps
from sweepd_scheduler.domain.eligibility import notify_changes
from sweepd_scheduler.domain.events import ClockReading, Event
from sweepd_scheduler.domain.requests import requests, run_requests, standalone, sweep_requests
from sweepd_scheduler.domain.requests.requests import Answer
from sweepd_scheduler.domain.runs import run_end
from sweepd_scheduler.domain.search import suggestions
from sweepd_scheduler.domain.state import State

E = TypeVar("E", bound=Event)
R = TypeVar("R", bound=events.Report)
T = TypeVar("T")


def decide_in_steps(state: State, event: Event, now: ClockReading) -> Steps[Decision]:
    """Return the changes to store and the effects to execute once they are stored.

    An event about many runs takes several steps, so that it does not block the event loop. The changes are
    staged on `state` and recorded in its undo log, so that the next event of the same batch sees them:
    `undo_log.keep()` makes them final once they are stored, `back_to(0)` undoes them. A refused event changes
    nothing.

    Raises:
        DomainError: the event is refused.
    """
    mark = state.undo_log.mark()
    draft = Draft(state, now)
    try:
        handler = _AT_ONCE.get(type(event))
        answer = handler(draft, event) if handler else (yield from _IN_STEPS[type(event)](draft, event))
        notify_changes(draft)
    except BaseException:
        state.undo_log.back_to(mark)
        raise
    return Decision(changes=tuple(draft.changes), effects=tuple(draft.effects), answer=answer)


def _on(kind: type[E], handler: Callable[[Draft, E], T]) -> tuple[type, Callable[[Draft, Event], T]]:
    return kind, cast("Callable[[Draft, Event], T]", handler)


def _of_session(
    kind: type[R], handler: Callable[[Draft, R], None]
) -> tuple[type, Callable[[Draft, Event], None]]:
    """Register a handler of reports; reports of a session that was replaced or has ended are ignored."""

    def handle(draft: Draft, report: R) -> None:
        if report.session in draft.state.sessions:
            reports.lift_suspicions(draft, report.session)
            handler(draft, report)

    return _on(kind, handle)


def _recalled(draft: Draft, event: events.Recalled) -> None:
    """Do nothing: the event serves only to look up the response to an earlier call."""


_AT_ONCE: Mapping[type, Callable[[Draft, Event], Answer | None]] = dict(
    (
        _on(events.Heartbeat, reports.heartbeat),
        _of_session(events.Offered, reports.offered),
        _of_session(events.Started, reports.started),
        _of_session(events.Observed, reports.observed),
        _of_session(events.Exited, reports.exited),
        _of_session(events.Described, reports.described),
        _of_session(events.StaleDelivery, reports.stale_delivery),
        _of_session(events.Answered, reports.answered),
        _on(events.Announced, attach.announced),
        _on(events.Attached, attach.attached),
        _on(events.Detached, attach.detached),
        _on(events.LeaseDue, lease.lease_due),
        _on(events.ConfirmDue, lease.confirm_due),
        _on(events.SearchDue, hand_out.search_due),
        _on(events.QuarantineDue, guard.quarantine_due),
        _on(events.AskDue, suggestions.due),
        _on(events.SuggestionsArrived, suggestions.arrived),
        _on(events.SuggestionsFailed, suggestions.failed),
        _on(events.Recalled, _recalled),
        _on(requests.PauseSweep, sweep_requests.pause_sweep),
        _on(requests.ResumeSweep, sweep_requests.resume_sweep),
        _on(requests.UpdateSweep, sweep_requests.edit),
        _on(requests.CreateRun, standalone.create_run),
        _on(requests.EnqueueRun, run_requests.enqueue),
        _on(requests.EndRun, run_requests.end_run),
        _on(requests.ReleaseAgent, attach.release),
    )
)

_IN_STEPS: Mapping[type, Callable[[Draft, Event], Steps[Answer | None]]] = dict(
    (
        _on(events.TimeoutDue, run_end.timeout_due),
        _on(requests.CreateSweep, sweep_requests.create_sweep),
        _on(requests.StopSweep, sweep_requests.stop_sweep),
        _on(requests.CancelSweep, sweep_requests.cancel_sweep),
        _on(requests.RetryRuns, run_requests.retry_runs),
    )
)
