"""What follows from the reports of agents: offers, starts, observations, ends, results of commands."""

from collections.abc import Sequence

from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.agents.commands import Ack, Fenced, NotUnderstood
from sweepd_scheduler.domain.agents.lease import give_up_unconfirmed, heard_again, kept
from sweepd_scheduler.domain.agents.placement import confirm, place, put_session
from sweepd_scheduler.domain.decision import DetailsChanged
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.early_termination import verdicts
from sweepd_scheduler.domain.events import (
    Answered,
    Described,
    Exited,
    Heartbeat,
    Observation,
    Observed,
    Offered,
    Started,
    Strayed,
)
from sweepd_scheduler.domain.hand_out.eligibility import waits_for_canary
from sweepd_scheduler.domain.hand_out.hand_out import serve_session, serve_sweep
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.attempt_end import conclude, exit_sentence
from sweepd_scheduler.domain.runs.checkpoints import begin_anew, resume, saved
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
from sweepd_scheduler.domain.states import AttemptState, RunState

# What an attempt has shown at such an end is not how its run came out.
_TRIED_AGAIN = frozenset({ExitCause.HANDED_BACK, ExitCause.ORPHANED})


def offered(turn: Draft, event: Offered) -> None:
    """Take note of how many runs the agent would take, and serve it."""
    session = turn.state.sessions[event.session]
    wanted = min(event.wanted, session.slots)
    put_session(turn, replace(session, wanted=wanted, offers=session.offers + 1))
    serve_session(turn, event.session)


def trust_again(turn: Draft, session: str) -> None:
    """Lift the suspicion from the attempts of a session that has said something."""
    if turn.state.suspects:
        for key in turn.state.suspects & turn.state.holdings[session].live.keys():
            heard_again(turn, key)


def heartbeat(turn: Draft, event: Heartbeat) -> None:
    """Lift the suspicion from the named attempts."""
    holdings = turn.state.holdings[event.session]
    for ref in event.alive if turn.state.suspects else ():
        held = holdings.by_handle.get(ref.handle)
        if held is not None and held.key in holdings.live:
            heard_again(turn, held.key)


def started(turn: Draft, event: Started) -> None:
    """The process of an attempt runs."""
    run = _find(turn, event.session, event.ref)
    if run is None:
        return
    if not run.newest.start_time:
        attempt = attempt_moved(run.newest, AttemptState.RUNNING)
        attempt = replace(attempt, start_time=turn.now.wall, argv=event.argv)
        turn.put_run(_running(run, attempt, turn.now.wall))
        turn.note("run-started", run)
    step = event.resumed_from_step
    run = turn.state.runs[run.key]
    if step is not None and run.newest.resumed_from_step is None:
        run = with_attempt(run, replace(run.newest, resumed_from_step=step))
        turn.put_run(run)
        turn.note("run-resumed", run, step=str(step))
        resume(turn, run)


def observed(turn: Draft, event: Observed) -> None:
    """Store what lies beyond the cursor; a batch that begins later stores nothing."""
    run = _find(turn, event.session, event.ref)
    if run is None:
        return
    if event.first_row <= run.observation_row + 1 and event.last_row > run.observation_row:
        fresh = [each for each in event.observations if run.observation_row < each.row <= event.last_row]
        if run.state is not RunState.RUNNING:
            run = _running(run, attempt_moved(run.newest, AttemptState.RUNNING), turn.now.wall)
        waited = waits_for_canary(turn.state.sweeps[run.sweep])
        _take(turn, run, event.last_row, fresh)
        turn.tell(event.session, Ack(ref=event.ref, observation_row=event.last_row))
        if waited and not waits_for_canary(turn.state.sweeps[run.sweep]):
            serve_sweep(turn, run.sweep)
    else:
        turn.tell(event.session, Ack(ref=event.ref, observation_row=run.observation_row))


def _take(turn: Draft, run: Run, last_row: int, fresh: Sequence[Observation]) -> None:
    """Count values in their order, and note what the run has shown where it saved a checkpoint."""
    values: list[float] = []
    if any(each.checkpoint is None for each in fresh):
        begin_anew(turn, run)
    for each in fresh:
        if each.checkpoint is None:
            values.append(each.value)
            continue
        verdicts.take(turn, run, each.row, values)
        run, values = saved(turn.state.runs[run.key], each.checkpoint), []
        turn.put_run(run)
    verdicts.take(turn, run, last_row, values)


def exited(turn: Draft, event: Exited) -> None:
    """Accept the end of an attempt once its observations are in; the exit decides what becomes of the run."""
    run = _find(turn, event.session, event.ref)
    if run is None:
        return
    if event.last_row > run.observation_row:
        turn.tell(event.session, Ack(ref=event.ref, observation_row=run.observation_row))
        return
    run = replace(run, logged_keys=event.logged_keys)
    if event.summary_value is not None and event.exit.cause not in _TRIED_AGAIN:
        run = summary_reported(turn, run, event.summary_value)
    reason = exit_sentence(run, event.exit, event.log_tail)
    ended = _end_time(run, event, turn.now.wall)
    attempt = attempt_moved(run.newest, AttemptState.ENDED, reason=reason, end_time=ended)
    attempt = replace(attempt, exit=event.exit, log_bytes=event.log_bytes)
    notice = conclude(turn, run, attempt, event.exit, reason)
    left = turn.state.holdings[event.session].by_handle[event.ref.handle].exited
    turn.tell(
        event.session, Ack(ref=event.ref, observation_row=run.observation_row, run_state=left, notice=notice)
    )


def described(turn: Draft, event: Described) -> None:
    """Store what is told of a run; of an attempt whose end was taken, too, as points are."""
    held = turn.state.holdings[event.session].by_handle.get(event.ref.handle)
    if held is None or held.attempt != event.ref.attempt or held.exited is None:
        if _find(turn, event.session, event.ref) is None:
            return
        held = turn.state.holdings[event.session].by_handle[event.ref.handle]
        run = turn.state.runs[held.key]
        if event.preempting and not run.newest.preempting:
            turn.put_run(with_attempt(run, replace(run.newest, preempting=True)))
    _name(turn, held.key, event)
    turn.changes.append(
        DetailsChanged(
            key=held.key,
            attempt=event.ref.attempt,
            sequence=event.sequence,
            body=event.body,
            display_name=event.display_name,
            tags=event.tags,
        )
    )
    turn.tell(event.session, Ack(ref=event.ref, details_sequence=event.sequence))


def _name(turn: Draft, key: RunKey, event: Described) -> None:
    """Give a run in memory the name and tags that those who watch see; the store gives them to the others."""
    run = turn.state.runs.get(key)
    if run is None or run.attempt != event.ref.attempt:
        return
    if (run.display_name, run.tags) != (event.display_name, event.tags):
        turn.put_run(replace(run, display_name=event.display_name, tags=event.tags))


def strayed(turn: Draft, event: Strayed) -> None:
    """Fence an attempt that delivers points though it is no longer the newest."""
    _find(turn, event.session, event.ref)


def answered(turn: Draft, event: Answered) -> None:
    """Take note that a command was carried out, or take the hand-out back that an agent refuses."""
    holdings = turn.state.holdings[event.session]
    command = turn.state.journal.drop(holdings.commands, event.command)
    if command is None or not command.starts:
        return
    on_its_way = turn.state.unconfirmed.get(command.key)
    if on_its_way is None or on_its_way.attempt != command.attempt:
        return
    if event.error:
        run = turn.state.runs[command.key]
        give_up_unconfirmed(turn, run, f"agent {run.newest.agent} cannot start it: {event.error:.500}")
    else:
        confirm(turn, command.key, taken=True)
        serve_session(turn, event.session)


def _find(turn: Draft, session: str, ref: AttemptRef) -> Run | None:
    """Return the run whose newest attempt reports; fence older ones, answer again those that have ended."""
    state = turn.state
    held = state.holdings[session].by_handle.get(ref.handle)
    if held is None or held.attempt != ref.attempt:
        turn.tell(session, NotUnderstood(f"attempt {ref.attempt} of handle {ref.handle}"))
        return None
    if held.exited is not None:
        turn.tell(session, Ack(ref=ref, run_state=held.exited))
        return None
    run = state.runs.get(held.key)
    if run is None or run.attempt != held.attempt:
        turn.tell(session, Fenced(ref))
        return None
    confirm(turn, run.key, taken=True)
    if run.state is RunState.PENDING:
        run = kept(turn, run)
        place(turn, session, run, ref.handle)
    return turn.state.runs[run.key]


def _end_time(run: Run, event: Exited, now: int) -> int:
    """Return when an attempt ended: a stand-alone one may be delivered long after."""
    if not run.stands_alone or not event.time:
        return now
    return max(run.start_time, min(event.time, now))


def _running(run: Run, attempt: Attempt, now: int) -> Run:
    running = run.state is RunState.RUNNING
    begun = with_attempt(run, attempt) if running else moved(run, RunState.RUNNING, attempt=attempt)
    return begun if begun.start_time else replace(begun, start_time=now)
