"""What follows when the stream of an agent begins and ends: sessions, and verdicts on what it still holds."""

from sweepd_kernel.errors import DomainError, NotFoundError, Reason, Status
from sweepd_scheduler.domain.agents.agent import AttemptRef, Held, HeldAttempt, Known, Session, Withheld
from sweepd_scheduler.domain.agents.commands import Fate, Fated, SweepEnded, Welcome
from sweepd_scheduler.domain.agents.lease import give_up_unconfirmed, heard_again, kept
from sweepd_scheduler.domain.agents.placement import close_session, open_session, place, tell_stop
from sweepd_scheduler.domain.agents.release import resume_with
from sweepd_scheduler.domain.decision import CloseSession
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import Announced, Attached, Detached
from sweepd_scheduler.domain.hand_out.eligibility import standing, tell_standing
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run, with_attempt
from sweepd_scheduler.domain.states import FINAL_RUN, FINAL_SWEEP, AttemptState
from sweepd_scheduler.domain.stored import EndedSweep
from sweepd_scheduler.domain.sweeps import guard
from sweepd_scheduler.domain.sweeps.sweep import Ending

# Agents give handles from here on, if not from below; ours stay between the two.
AGENTS_OWN_HANDLES = 2**31


class StreamReplacedError(DomainError):
    """The same agent has attached again, or another one that has proved to have what this one held."""

    def __init__(self, agent: str, by: str | None = None) -> None:
        again = f"agent {agent} has attached again" if by is None else f"agent {by} has its runs now"
        super().__init__(
            f"{again}; this stream is void",
            status=Status.ABORTED,
            reason=Reason.STREAM_REPLACED,
            metadata={"agent": agent},
        )


class SweepEndedError(DomainError):
    """The agent asks for a sweep that hands out no more runs."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(
            f"{name} hands out no more runs: it is {state}",
            status=Status.FAILED_PRECONDITION,
            reason=Reason.SWEEP_ENDED,
            metadata={"name": name, "state": state},
        )


def announced(turn: Draft, event: Announced) -> None:
    """Make older streams of the agent void: of two at once, the later one wins."""
    older = turn.state.streams.get(event.agent)
    if older is not None:
        _close_replaced(turn, older, StreamReplacedError(event.agent))
    turn.state.journal.put(turn.state.streams, event.agent, event.session)


def attached(turn: Draft, event: Attached) -> None:
    """Open the session, judge what the agent holds, and repeat what it may have missed.

    Raises:
        DomainError: the stream was replaced meanwhile, or there is nothing for this agent here.
    """
    state = turn.state
    if state.streams.get(event.agent) != event.session:
        raise StreamReplacedError(event.agent)
    if not event.attempts:
        _refuse_without_sweep(turn, event)
    keys = tuple(state.names[name] for name in event.sweeps if name in state.names)
    session = Session(
        id=event.session,
        agent=event.agent,
        host=event.host,
        pid=event.pid,
        version=event.version,
        labels=event.labels,
        slots=event.slots,
        sweeps=keys,
        storage=event.storage,
    )
    given = (held.ref.handle for held in event.attempts if held.ref.handle < AGENTS_OWN_HANDLES)
    open_session(turn, session, first_free_handle=max(given, default=0) + 1)
    verdicts = tuple(_judge(turn, session, held) for held in event.attempts)
    for sweep in keys:
        resume_with(turn, sweep, session.agent)
    guard.watch_attached(turn, keys)
    turn.tell(session.id, Welcome(verdicts, _withheld(turn, session)))
    _return_what_it_never_got(turn, session)
    for key in list(state.holdings[session.id].live):
        tell_stop(turn, state.runs[key])
    for sweep_key in keys:
        over = _over(turn, sweep_key)
        if over is not None:
            turn.tell(session.id, SweepEnded(str(over.name), over.state, over.reason))
        elif sweep_key in state.sweeps:  # what it never got may wait again since Welcome
            tell_standing(turn, sweep_key, session.id)


def detached(turn: Draft, event: Detached) -> None:
    """Forget the session. Its attempts stay the agent's until their leases run out."""
    _close(turn, event.session)
    if turn.state.streams.get(event.agent) == event.session:
        turn.state.journal.drop(turn.state.streams, event.agent)


def _close(turn: Draft, session: str) -> None:
    """Forget a session, and look again later at its sweeps: nobody else may be left for them."""
    closed = turn.state.sessions.get(session)
    close_session(turn, session)
    guard.watch_attached(turn, closed.sweeps if closed else ())


def _close_replaced(turn: Draft, session: str, error: StreamReplacedError) -> None:
    _close(turn, session)
    turn.effects.append(CloseSession(session, error))


def _judge(turn: Draft, session: Session, held: HeldAttempt) -> Fated:
    """Say what becomes of an attempt that the agent names; what it reports on gets its handle.

    Without the proof that it is the agent's, the answer is the one for an attempt that does not exist.
    """
    known = held.owned
    if known is None:
        return Fated(ref=held.ref, fate=Fate.UNKNOWN)
    run = turn.state.runs.get(known.key)
    if run is not None and _is_live(run, held):
        row = _keep(turn, session, run, held)
        return Fated(
            ref=held.ref, fate=Fate.KEEP, observation_row=row, details_sequence=known.details_sequence
        )
    return _judge_past(turn, session, held.ref, known)


def _is_live(run: Run, held: HeldAttempt) -> bool:
    return held.ref.attempt == run.attempt and run.newest.state is not AttemptState.ENDED


def _keep(turn: Draft, session: Session, run: Run, held: HeldAttempt) -> int:
    _close_older(turn, session, run)
    turn.state.journal.drop(turn.state.unconfirmed, run.key)  # its agent has it, whichever stream brought it
    run = _taken_over(turn, session, kept(turn, run))
    place(turn, session.id, run, held.ref.handle)
    turn.state.heard[run.key] = turn.now.monotonic
    heard_again(turn, run.key)
    return run.observation_row


def _close_older(turn: Draft, session: Session, run: Run) -> None:
    """Close the stream that an attempt is on: its agent's folder was copied, and the later one wins."""
    placement = turn.state.placements.get(run.key)
    if placement is not None and placement.session != session.id:
        older = turn.state.sessions[placement.session].agent
        _close_replaced(turn, placement.session, StreamReplacedError(older, by=session.agent))
        turn.state.journal.drop(turn.state.streams, older)


def _taken_over(turn: Draft, session: Session, run: Run) -> Run:
    """Note that an attempt has come to another agent, whose state folder has its secret now."""
    if run.newest.agent == session.agent:
        return run
    run = with_attempt(run, replace(run.newest, agent=session.agent, host=session.host))
    turn.put_run(run)
    turn.note("run-taken-over", run, agent=session.agent)
    return run


def _judge_past(turn: Draft, session: Session, ref: AttemptRef, known: Known) -> Fated:
    if known.state is not AttemptState.ENDED:
        _hold(turn, session, ref, known)
        return Fated(ref=ref, fate=Fate.STOP, observation_row=known.observation_row, reason=_why_past(known))
    exited = replace(_hold(turn, session, ref, known), exited=known.run_state)
    turn.state.journal.put(turn.state.holdings[session.id].by_handle, ref.handle, exited)
    return Fated(
        ref=ref,
        fate=Fate.DELIVER,
        observation_row=known.observation_row,
        exited=True,
        run_state=known.run_state,
        details_sequence=known.details_sequence,
    )


def _why_past(known: Known) -> str:
    """Say why an attempt counts no more that was given up."""
    if known.run_state in FINAL_RUN:
        return f"the run has ended as {known.run_state} while this agent was silent"
    return "another attempt took over"


def _hold(turn: Draft, session: Session, ref: AttemptRef, known: Known) -> Held:
    past = Held(key=known.key, attempt=ref.attempt, run=known.run, sweep=known.sweep)
    turn.state.journal.put(turn.state.holdings[session.id].by_handle, ref.handle, past)
    return past


def _return_what_it_never_got(turn: Draft, session: Session) -> None:
    """Take back hand-outs that were on their way to the agent's earlier stream and are not in its Hello."""
    state = turn.state
    for key in list(state.unconfirmed):
        run = state.runs[key]
        if run.newest.agent == session.agent and key not in state.placements:
            give_up_unconfirmed(turn, run, f"agent {session.agent} came back without it")


def _withheld(turn: Draft, session: Session) -> tuple[Withheld, ...]:
    told: list[Withheld] = []
    for key in session.sweeps:
        sweep = turn.state.sweeps.get(key)
        now = standing(turn.state, sweep, session) if sweep is not None else None
        if now is not None:
            turn.state.journal.put(turn.state.holdings[session.id].withheld, key, now.reason)
            told.append(now)
    return tuple(told)


def _refuse_without_sweep(turn: Draft, event: Attached) -> None:
    state = turn.state
    known = [state.names[name] for name in event.sweeps if name in state.names]
    if not known:
        raise NotFoundError(str(event.sweeps[0]) if event.sweeps else "a sweep")
    over = [_over(turn, key) for key in known]
    if over[0] is not None and None not in over:
        raise SweepEndedError(str(over[0].name), over[0].state)


def _over(turn: Draft, key: int) -> EndedSweep | None:
    """Return a sweep that hands out no more runs; None if it does."""
    sweep = turn.state.sweeps.get(key)
    if sweep is None:
        return turn.state.ended[key]
    if sweep.state in FINAL_SWEEP or sweep.ending is Ending.STOP:
        return EndedSweep(name=sweep.name, state=sweep.state, reason=sweep.reason)
    return None
