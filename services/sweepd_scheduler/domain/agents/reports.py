"""Reports of agents: offers, starts, observations, ends, results of commands."""

from collections.abc import Sequence

from sweepd_scheduler.domain import events
from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.agents.lease import lift_suspicion, return_unconfirmed, undo_requeue
from sweepd_scheduler.domain.agents.placement import confirm, place, put_session
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import Ack, DetailsChanged, Fenced, Unsupported
from sweepd_scheduler.domain.eligibility import waits_for_canary
from sweepd_scheduler.domain.hand_out import serve_session, serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs import verdicts
from sweepd_scheduler.domain.runs.attempt_end import conclude, exit_sentence
from sweepd_scheduler.domain.runs.checkpoints import forget_rungs_if_restarted, resume, with_checkpoint
from sweepd_scheduler.domain.runs.results import summary_reported
from sweepd_scheduler.domain.runs.run import (
    Attempt,
    ExitCause,
    Run,
    RunKey,
    attempt_moved,
    moved,
    with_attempt,
)
from sweepd_scheduler.domain.transitions import AttemptState, RunState

# Causes after which the run is usually requeued; the summary of such an attempt does not count.
_REQUEUED = frozenset({ExitCause.HANDED_BACK, ExitCause.ORPHANED})


def offered(draft: Draft, event: events.Offered) -> None:
    """Record the offer of an agent, and hand out runs to it."""
    session = draft.state.sessions[event.session]
    wanted = min(event.wanted, session.slots)
    put_session(draft, replace(session, wanted=wanted, offers=session.offers + 1))
    serve_session(draft, event.session)


def lift_suspicions(draft: Draft, session: str) -> None:
    """Mark the attempts of a session as no longer suspect, as its agent has sent a message."""
    if draft.state.suspects:
        for key in draft.state.suspects & draft.state.holdings[session].live.keys():
            lift_suspicion(draft, key)


def heartbeat(draft: Draft, event: events.Heartbeat) -> None:
    """Mark the attempts that a heartbeat lists as no longer suspect."""
    holdings = draft.state.holdings.get(event.session)
    if holdings is None or not draft.state.suspects:
        return
    for ref in event.alive:
        held = holdings.by_handle.get(ref.handle)
        if held is not None and held.key in holdings.live:
            lift_suspicion(draft, held.key)


def started(draft: Draft, event: events.Started) -> None:
    """Record that the process of an attempt has started, and the step that it resumes from, if any."""
    run = _find(draft, event.session, event.ref)
    if run is None:
        return
    if not run.newest.start_time:
        attempt = attempt_moved(run.newest, AttemptState.RUNNING)
        attempt = replace(attempt, start_time=draft.now.wall, argv=event.argv)
        draft.put_run(_running(run, attempt, draft.now.wall))
        draft.record("run-started", run)
    step = event.resumed_from_step
    run = draft.state.runs[run.key]
    if step is not None and run.newest.resumed_from_step is None:
        run = with_attempt(run, replace(run.newest, resumed_from_step=step))
        draft.put_run(run)
        draft.record("run-resumed", run, step=str(step))
        resume(draft, run)


def observed(draft: Draft, event: events.Observed) -> None:
    """Count the observations in new rows, unless this would leave a gap; acknowledge the stored rows."""
    run = _find(draft, event.session, event.ref)
    if run is None:
        return
    if event.first_row <= run.observation_row + 1 and event.last_row > run.observation_row:
        fresh = [each for each in event.observations if run.observation_row < each.row <= event.last_row]
        if run.state is not RunState.RUNNING:
            run = _running(run, attempt_moved(run.newest, AttemptState.RUNNING), draft.now.wall)
        waited = waits_for_canary(draft.state.sweeps[run.sweep])
        _count_observations(draft, run, event.last_row, fresh)
        draft.send(event.session, Ack(ref=event.ref, observation_row=event.last_row))
        if waited and not waits_for_canary(draft.state.sweeps[run.sweep]):
            serve_sweep(draft, run.sweep)
    else:
        draft.send(event.session, Ack(ref=event.ref, observation_row=run.observation_row))


def _count_observations(draft: Draft, run: Run, last_row: int, fresh: Sequence[events.Observation]) -> None:
    """Count values in order, and store the objective state of the run with each checkpoint."""
    values: list[float] = []
    if any(each.checkpoint is None for each in fresh):
        forget_rungs_if_restarted(draft, run)
    for each in fresh:
        if each.checkpoint is None:
            values.append(each.value)
            continue
        verdicts.count_values(draft, run, each.row, values)
        run, values = with_checkpoint(draft.state.runs[run.key], each.checkpoint), []
        draft.put_run(run)
    verdicts.count_values(draft, run, last_row, values)


def exited(draft: Draft, event: events.Exited) -> None:
    """Accept the end of an attempt once all of its observations are stored, and end or requeue its run."""
    run = _find(draft, event.session, event.ref)
    if run is None:
        return
    if event.last_row > run.observation_row:
        draft.send(event.session, Ack(ref=event.ref, observation_row=run.observation_row))
        return
    run = replace(run, logged_keys=event.logged_keys)
    if event.summary_value is not None and event.exit.cause not in _REQUEUED:
        run = summary_reported(draft, run, event.summary_value)
    reason = exit_sentence(run, event.exit, event.log_tail)
    ended = _end_time(run, event, draft.now.wall)
    attempt = attempt_moved(run.newest, AttemptState.ENDED, reason=reason, end_time=ended)
    attempt = replace(attempt, exit=event.exit, log_bytes=event.log_bytes)
    notice = conclude(draft, run, attempt, event.exit, reason)
    after = draft.state.holdings[event.session].by_handle[event.ref.handle].exited
    draft.send(
        event.session, Ack(ref=event.ref, observation_row=run.observation_row, run_state=after, notice=notice)
    )


def described(draft: Draft, event: events.Described) -> None:
    """Store the details of a run; like points, they may arrive after the end of the attempt is stored."""
    held = draft.state.holdings[event.session].by_handle.get(event.ref.handle)
    if held is None or held.attempt != event.ref.attempt or held.exited is None:
        if _find(draft, event.session, event.ref) is None:
            return
        held = draft.state.holdings[event.session].by_handle[event.ref.handle]
        run = draft.state.runs[held.key]
        if event.preempting and not run.newest.preempting:
            draft.put_run(with_attempt(run, replace(run.newest, preempting=True)))
    _set_display_name(draft, held.key, event)
    draft.changes.append(
        DetailsChanged(
            key=held.key,
            attempt=event.ref.attempt,
            sequence=event.sequence,
            body=event.body,
            display_name=event.display_name,
            tags=event.tags,
        )
    )
    draft.send(event.session, Ack(ref=event.ref, details_sequence=event.sequence))


def _set_display_name(draft: Draft, key: RunKey, event: events.Described) -> None:
    """Set the display name and tags of a run that is in memory, so that watches show them."""
    run = draft.state.runs.get(key)
    if run is None or run.attempt != event.ref.attempt:
        return
    if (run.display_name, run.tags) != (event.display_name, event.tags):
        draft.put_run(replace(run, display_name=event.display_name, tags=event.tags))


def stale_delivery(draft: Draft, event: events.StaleDelivery) -> None:
    """Fence an attempt that delivers points or a log, if it is no longer the newest of its run."""
    _find(draft, event.session, event.ref)


def answered(draft: Draft, event: events.Answered) -> None:
    """Record the result of a command; a hand-out that the agent has refused returns to the queue."""
    holdings = draft.state.holdings[event.session]
    command = draft.state.undo_log.drop(holdings.commands, event.command)
    if command is None or not command.starts:
        return
    unconfirmed = draft.state.unconfirmed.get(command.key)
    if unconfirmed is None or unconfirmed.attempt != command.attempt:
        return
    if event.error:
        run = draft.state.runs[command.key]
        return_unconfirmed(draft, run, f"agent {run.newest.agent} cannot start the run: {event.error:.500}")
    else:
        confirm(draft, command.key, taken=True)
        serve_session(draft, event.session)


def _find(draft: Draft, session: str, ref: AttemptRef) -> Run | None:
    """Return the run of an attempt if the attempt is the run's newest and has not ended, else None.

    The report confirms a hand-out and undoes a requeue. In case of None, the agent gets an answer: an older
    attempt is fenced, an unknown one is unsupported, and an end that is stored is acknowledged again.
    """
    state = draft.state
    held = state.holdings[session].by_handle.get(ref.handle)
    if held is None or held.attempt != ref.attempt:
        draft.send(session, Unsupported(f"attempt {ref.attempt} of handle {ref.handle}"))
        return None
    if held.exited is not None:
        draft.send(session, Ack(ref=ref, run_state=held.exited))
        return None
    run = state.runs.get(held.key)
    if run is None or run.attempt != held.attempt:
        draft.send(session, Fenced(ref))
        return None
    if run.key in state.unconfirmed:
        confirm(draft, run.key, taken=True)
        draft.sessions_to_notify[session] = None  # the session may have free capacity now
    if run.state is RunState.PENDING:
        run = undo_requeue(draft, run)
        place(draft, session, run, ref.handle)
    return draft.state.runs[run.key]


def _end_time(run: Run, event: events.Exited, now: int) -> int:
    """Return the end time of an attempt: for a standalone run, the time that its agent recorded; else now."""
    if not run.is_standalone or not event.time:
        return now
    return max(run.start_time, min(event.time, now))


def _running(run: Run, attempt: Attempt, now: int) -> Run:
    running = run.state is RunState.RUNNING
    begun = with_attempt(run, attempt) if running else moved(run, RunState.RUNNING, attempt=attempt)
    return begun if begun.start_time else replace(begun, start_time=now)
