"""Attachment and detachment of agents: streams, verdicts on reported attempts, release from quarantine."""

from sweepd_kernel.errors import DomainError, NotFoundError, Reason, Status
from sweepd_scheduler.domain import guard
from sweepd_scheduler.domain.agents.agent import (
    AttemptRef,
    HandleEntry,
    Ineligible,
    ReportedAttempt,
    Session,
    StoredAttempt,
)
from sweepd_scheduler.domain.agents.commands import send_stop
from sweepd_scheduler.domain.agents.lease import lift_suspicion, return_unconfirmed, undo_requeue
from sweepd_scheduler.domain.agents.placement import close_session, open_session, place
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import AttemptVerdict, CloseSession, Fate, SweepEnded, Welcome
from sweepd_scheduler.domain.eligibility import ineligibility, notify_agent, notify_session_of
from sweepd_scheduler.domain.events import Announced, Attached, Detached
from sweepd_scheduler.domain.hand_out import serve_session
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.requests.requests import ReleaseAgent, Released
from sweepd_scheduler.domain.runs.run import Run, with_attempt
from sweepd_scheduler.domain.search.by_index import end_if_exhausted
from sweepd_scheduler.domain.sweep import EndedSweep, Ending, PauseCause, resumed
from sweepd_scheduler.domain.transitions import FINAL_RUN, FINAL_SWEEP, AttemptState

# Agents assign handles from this value upwards. Hello may also list lower handles, which the scheduler
# assigned on an earlier stream; the scheduler continues after the highest of them.
FIRST_AGENT_HANDLE = 2**31


class StreamReplacedError(DomainError, status=Status.ABORTED, reason=Reason.STREAM_REPLACED):
    """The agent has attached again, or another agent has proved ownership of one of its attempts."""

    def __init__(self, agent: str, by: str | None = None) -> None:
        why = f"agent {agent} has attached again" if by is None else f"agent {by} took over runs of {agent}"
        super().__init__(f"{why}; this stream is superseded", metadata={"agent": agent})


class SweepEndedError(DomainError, status=Status.FAILED_PRECONDITION, reason=Reason.SWEEP_ENDED):
    """None of the sweeps that the agent wants to serve hands out runs any more."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(
            f"{name} hands out no more runs; its state is {state}", metadata={"name": name, "state": state}
        )


def announced(draft: Draft, event: Announced) -> None:
    """End the older stream of the agent, if any, so that the newer of two concurrent streams wins."""
    older = draft.state.streams.get(event.agent)
    if older is not None:
        _close_replaced(draft, older, StreamReplacedError(event.agent))
    draft.state.undo_log.put(draft.state.streams, event.agent, event.session)


def attached(draft: Draft, event: Attached) -> None:
    """Open the session, send verdicts on the agent's attempts, and repeat the stop commands of live runs.

    Raises:
        DomainError: the stream was replaced meanwhile, or the agent has no attempts and none of its sweeps
            exists and hands out runs.
    """
    state = draft.state
    if state.streams.get(event.session.agent) != event.session.id:
        raise StreamReplacedError(event.session.agent)
    if not event.attempts:
        _refuse_without_sweep(draft, event)
    keys = tuple(state.names[name] for name in event.sweeps if name in state.names)
    session = replace(event.session, sweeps=keys)
    given = (held.ref.handle for held in event.attempts if held.ref.handle < FIRST_AGENT_HANDLE)
    open_session(draft, session, first_free_handle=max(given, default=0) + 1)
    verdicts = tuple(_judge(draft, session, held) for held in event.attempts)
    for sweep in keys:
        resume_with(draft, sweep, session.agent)
    guard.watch_attached(draft, keys)
    draft.send(session.id, Welcome(verdicts, _ineligibilities(draft, session)))
    _return_missing_hand_outs(draft, session)
    for key in list(state.holdings[session.id].live):
        send_stop(draft, state.runs[key])
    for sweep_key in keys:
        ended = _ended(draft, sweep_key)
        if ended is not None:
            draft.send(session.id, SweepEnded(str(ended.name), ended.state, ended.reason))
        elif sweep_key in state.sweeps:  # the hand-outs that were just returned may have changed the reason
            notify_session_of(draft, sweep_key, session.id)


def detached(draft: Draft, event: Detached) -> None:
    """Close the session; the agent keeps its attempts until their leases expire."""
    _close(draft, event.session)
    if draft.state.streams.get(event.agent) == event.session:
        draft.state.undo_log.drop(draft.state.streams, event.agent)


def _close(draft: Draft, session: str) -> None:
    """Close a session; watch its sweeps, as their remaining agents may all be quarantined."""
    closed = draft.state.sessions.get(session)
    close_session(draft, session)
    guard.watch_attached(draft, closed.sweeps if closed else ())


def _close_replaced(draft: Draft, session: str, error: StreamReplacedError) -> None:
    _close(draft, session)
    draft.effects.append(CloseSession(session, error))


def _judge(draft: Draft, session: Session, held: ReportedAttempt) -> AttemptVerdict:
    """Return the verdict on an attempt that Hello lists, and register its handle.

    An attempt is treated as unknown if the agent has not proved that it owns the attempt.
    """
    known = held.owned
    if known is None:
        return AttemptVerdict(ref=held.ref, fate=Fate.UNKNOWN)
    run = draft.state.runs.get(known.key)
    if run is not None and _is_live(run, held):
        row = _keep(draft, session, run, held)
        return AttemptVerdict(
            ref=held.ref, fate=Fate.KEEP, observation_row=row, details_sequence=known.details_sequence
        )
    return _judge_past(draft, session, held.ref, known)


def _is_live(run: Run, held: ReportedAttempt) -> bool:
    return held.ref.attempt == run.attempt and run.newest.state is not AttemptState.ENDED


def _keep(draft: Draft, session: Session, run: Run, held: ReportedAttempt) -> int:
    _close_older(draft, session, run)
    draft.state.undo_log.drop(draft.state.unconfirmed, run.key)  # listing the attempt confirms the hand-out
    run = _record_owner(draft, session, undo_requeue(draft, run))
    place(draft, session.id, run, held.ref.handle)
    draft.state.last_seen[run.key] = draft.now.monotonic
    lift_suspicion(draft, run.key)
    return run.observation_row


def _close_older(draft: Draft, session: Session, run: Run) -> None:
    """Close the stream of another agent that reports on the same attempt, so that the newer stream wins.

    Two agents can own an attempt if the agent's folder was copied.
    """
    placement = draft.state.placements.get(run.key)
    if placement is not None and placement.session != session.id:
        older = draft.state.sessions[placement.session].agent
        _close_replaced(draft, placement.session, StreamReplacedError(older, by=session.agent))
        draft.state.undo_log.drop(draft.state.streams, older)


def _record_owner(draft: Draft, session: Session, run: Run) -> Run:
    """Record this session's agent, which has proved ownership, as owner of the attempt; return the run."""
    if run.newest.agent == session.agent:
        return run
    run = with_attempt(run, replace(run.newest, agent=session.agent, host=session.host))
    draft.put_run(run)
    draft.record("run-taken-over", run, agent=session.agent)
    return run


def _judge_past(draft: Draft, session: Session, ref: AttemptRef, known: StoredAttempt) -> AttemptVerdict:
    if known.state is not AttemptState.ENDED:
        _add_handle(draft, session, ref, known)
        return AttemptVerdict(
            ref=ref,
            fate=Fate.STOP,
            observation_row=known.observation_row,
            run_state=known.run_state,
            reason=_given_up_reason(known),
        )
    exited = replace(_add_handle(draft, session, ref, known), exited=known.run_state)
    draft.state.undo_log.put(draft.state.holdings[session.id].by_handle, ref.handle, exited)
    return AttemptVerdict(
        ref=ref,
        fate=Fate.DELIVER,
        observation_row=known.observation_row,
        exited=True,
        run_state=known.run_state,
        details_sequence=known.details_sequence,
    )


def _given_up_reason(known: StoredAttempt) -> str:
    """Return a message for people on why an attempt that was given up no longer counts."""
    if known.run_state in FINAL_RUN:
        return f"the run ended as {known.run_state} while this agent was silent"
    return "another attempt took over"


def _add_handle(draft: Draft, session: Session, ref: AttemptRef, known: StoredAttempt) -> HandleEntry:
    entry = HandleEntry(key=known.key, attempt=ref.attempt, run=known.run, sweep=known.sweep)
    draft.state.undo_log.put(draft.state.holdings[session.id].by_handle, ref.handle, entry)
    return entry


def _return_missing_hand_outs(draft: Draft, session: Session) -> None:
    """Return to the queue hand-outs that were sent on an earlier stream, but are missing from Hello."""
    state = draft.state
    for key in list(state.unconfirmed):
        run = state.runs[key]
        if run.newest.agent == session.agent and key not in state.placements:
            return_unconfirmed(draft, run, f"agent {session.agent} has reattached without the attempt")


def _ineligibilities(draft: Draft, session: Session) -> tuple[Ineligible, ...]:
    found: list[Ineligible] = []
    for key in session.sweeps:
        sweep = draft.state.sweeps.get(key)
        now = ineligibility(draft.state, sweep, session) if sweep is not None else None
        if now is not None:
            draft.state.undo_log.put(draft.state.holdings[session.id].ineligible, key, now.reason)
            found.append(now)
    return tuple(found)


def _refuse_without_sweep(draft: Draft, event: Attached) -> None:
    state = draft.state
    known = [state.names[name] for name in event.sweeps if name in state.names]
    if not known:
        raise NotFoundError(str(event.sweeps[0]) if event.sweeps else "a sweep")
    ended = [_ended(draft, key) for key in known]
    if ended[0] is not None and None not in ended:
        raise SweepEndedError(str(ended[0].name), ended[0].state)


def _ended(draft: Draft, key: int) -> EndedSweep | None:
    """Return the summary of a sweep if it hands out no more runs, else None."""
    sweep = draft.state.sweeps.get(key)
    if sweep is None:
        return draft.state.ended[key]
    if sweep.state in FINAL_SWEEP or sweep.ending is Ending.STOP:
        return EndedSweep(name=sweep.name, state=sweep.state, reason=sweep.reason)
    return None


def release(draft: Draft, event: ReleaseAgent) -> Released:
    """Release an agent from quarantine, and hand out runs to it.

    Raises:
        NotFoundError: there is no such sweep, or the agent is not quarantined.
    """
    held = [key for key in _requested_sweeps(draft, event) if _is_quarantined(draft, key, event.agent)]
    if not held:
        where = event.sweep or "any sweep"
        raise NotFoundError(event.agent, f"agent {event.agent!r:.100} is not quarantined in {where}")
    for key in held:
        draft.put_guard(key, event.agent, None)
        draft.record("agent-released", sweep=draft.state.sweeps[key], agent=event.agent)
        guard.name_quarantined(draft, key)
        resume_with(draft, key, event.agent)
        if key in draft.state.sweeps:  # else the sweep had nothing left to do, and has ended
            notify_agent(draft, key, event.agent)
    session = draft.state.streams.get(event.agent)
    if session is not None:
        serve_session(draft, session)
    return Released(sweeps=tuple(sorted(str(draft.sweep(key).name) for key in held)))


def _requested_sweeps(draft: Draft, event: ReleaseAgent) -> list[int]:
    if event.sweep is None:
        parents = ((key, sweep.name.parent) for key, sweep in draft.state.sweeps.items())
        return [key for key, parent in parents if event.within.covers(parent.entity, parent.project)]
    key = draft.state.key_of(event.sweep)
    return [key] if key in draft.state.sweeps else []


def _is_quarantined(draft: Draft, key: int, agent: str) -> bool:
    guarded = draft.state.index[key].guards.get(agent)
    return guarded is not None and guarded.is_quarantined


def resume_with(draft: Draft, key: int, agent: str) -> None:
    """Resume a sweep that was paused because all attached agents were quarantined, if `agent` may take runs.

    Unlike a resume by a person, who has fixed the cause, this does not reset the failure counts.
    """
    sweep = draft.state.sweeps.get(key)
    if sweep is None or sweep.pause_cause is not PauseCause.ALL_AGENTS_QUARANTINED:
        return
    if guard.all_quarantined(draft, key) or agent not in guard.attached_agents(draft, key):
        return
    sweep = resumed(sweep)
    draft.put_sweep(sweep)
    draft.record("sweep-resume", sweep=sweep, agent=agent)
    guard.name_quarantined(draft, key)
    end_if_exhausted(draft, key)  # enqueued runs or a lowered cap may leave no new runs
