"""Which session holds which attempts: placing them, taking them off, and telling their agents."""

from sweepd_scheduler.domain.agents.agent import AttemptRef, Held, Holdings, Pending, Placement, Session
from sweepd_scheduler.domain.agents.commands import StopRun
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.states import RunState


def open_session(turn: Draft, session: Session, first_free_handle: int) -> None:
    """Bring a session into being; it wants nothing until it offers."""
    holdings = Holdings(next_handle=first_free_handle)
    turn.state.journal.put(turn.state.holdings, session.id, holdings)
    for key in session.sweeps:
        if key in turn.state.index:
            turn.state.journal.put(turn.state.index[key].serving, session.id, None)
    put_session(turn, session)


def put_session(turn: Draft, session: Session) -> None:
    """Replace a session, and note for its sweeps whether it has room."""
    journal = turn.state.journal
    journal.put(turn.state.sessions, session.id, session)
    for key in session.sweeps:
        index = turn.state.index.get(key)
        if index is not None and (session.room > 0) != (session.id in index.roomy):
            if session.room:
                journal.put(index.roomy, session.id, None)
            else:
                journal.drop(index.roomy, session.id)


def close_session(turn: Draft, session: str) -> None:
    """Forget a session; its live attempts stay its agent's until their leases run out."""
    state, journal = turn.state, turn.state.journal
    closed = journal.drop(state.sessions, session)
    holdings = journal.drop(state.holdings, session)
    for key in closed.sweeps if closed else ():
        if key in state.index:
            journal.drop(state.index[key].serving, session)
            journal.drop(state.index[key].roomy, session)
    for run in holdings.live if holdings else ():
        journal.drop(state.placements, run)


def place(turn: Draft, session: str, run: Run, handle: int | None = None) -> AttemptRef:
    """Let a session report on the newest attempt of a run, under a new handle if it has not got one."""
    state, journal = turn.state, turn.state.journal
    holdings = state.holdings[session]
    if handle is None:
        handle = holdings.next_handle
        holdings.next_handle += 1  # never taken back: a gap between handles harms nobody
    ref = AttemptRef(handle, run.attempt)
    sweep = str(state.sweeps[run.sweep].name)
    held = Held(key=run.key, attempt=run.attempt, run=run.name, sweep=sweep)
    journal.put(holdings.by_handle, handle, held)
    journal.put(holdings.live, run.key, None)
    journal.put(state.placements, run.key, Placement(session=session, ref=ref))
    return ref


def unplace(turn: Draft, key: RunKey, exited: RunState | None = None) -> None:
    """Take the live attempt of a run off its session; what is still to be delivered keeps its handle.

    Args:
        turn: the decision in the making.
        key: the run.
        exited: state of the run, if the end of the attempt is stored with this.
    """
    state, journal = turn.state, turn.state.journal
    confirm(turn, key, taken=False)
    placement = journal.drop(state.placements, key)
    if placement is None:
        return
    holdings = state.holdings[placement.session]
    journal.drop(holdings.live, key)
    held = holdings.by_handle[placement.ref.handle]
    journal.put(holdings.by_handle, placement.ref.handle, replace(held, exited=exited))


def confirm(turn: Draft, key: RunKey, *, taken: bool) -> None:
    """Note that a hand-out is no longer on its way: the agent has taken it, or it will not.

    An agent that took it has one free slot less than it offered before; an offer that came since knows that.
    One that did not take it is given nothing until it offers again.
    """
    state, journal = turn.state, turn.state.journal
    on_its_way = journal.drop(state.unconfirmed, key)
    placement = state.placements.get(key) if on_its_way else None
    session = state.sessions.get(placement.session) if placement else None
    if on_its_way is None or session is None:
        return
    wanted = session.wanted if taken else 0
    if taken and session.offers == on_its_way.offers:
        wanted = max(0, wanted - 1)
    put_session(turn, replace(session, wanted=wanted, unconfirmed=session.unconfirmed - 1))


def new_command(turn: Draft, session: str, key: RunKey, attempt: int, *, starts: bool) -> int:
    """Number a command and remember it until its result arrives."""
    holdings = turn.state.holdings[session]
    number = holdings.next_command
    holdings.next_command += 1
    turn.state.journal.put(holdings.commands, number, Pending(key=key, attempt=attempt, starts=starts))
    return number


def tell_stop(turn: Draft, run: Run) -> None:
    """Tell the agent of a run that it is to end; one whose stream is closed hears it when it comes back."""
    placement = turn.state.placements.get(run.key)
    if placement is None or run.stop is None:
        return
    command = new_command(turn, placement.session, run.key, run.attempt, starts=False)
    turn.tell(placement.session, StopRun(command, placement.ref, run.stop.mode, run.stop.reason))
