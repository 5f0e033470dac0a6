"""Sessions, and the placement of attempts on them."""

from sweepd_scheduler.domain.agents.agent import (
    AttemptRef,
    HandleEntry,
    Holdings,
    Placement,
    Session,
)
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.domain.transitions import RunState


def open_session(draft: Draft, session: Session, first_free_handle: int) -> None:
    """Add a session; it gets no runs until it sends an offer."""
    holdings = Holdings(next_handle=first_free_handle)
    draft.state.undo_log.put(draft.state.holdings, session.id, holdings)
    for key in session.sweeps:
        if key in draft.state.index:
            draft.state.undo_log.put(draft.state.index[key].serving, session.id, None)
    put_session(draft, session)


def put_session(draft: Draft, session: Session) -> None:
    """Add or replace a session, and record in the indices of its sweeps whether it has capacity."""
    undo_log = draft.state.undo_log
    undo_log.put(draft.state.sessions, session.id, session)
    for key in session.sweeps:
        index = draft.state.index.get(key)
        if index is not None and (session.room > 0) != (session.id in index.with_capacity):
            if session.room:
                undo_log.put(index.with_capacity, session.id, None)
            else:
                undo_log.drop(index.with_capacity, session.id)


def close_session(draft: Draft, session: str) -> None:
    """Remove a session; its agent keeps the live attempts until their leases expire."""
    state, undo_log = draft.state, draft.state.undo_log
    closed = undo_log.drop(state.sessions, session)
    holdings = undo_log.drop(state.holdings, session)
    for key in closed.sweeps if closed else ():
        if key in state.index:
            undo_log.drop(state.index[key].serving, session)
            undo_log.drop(state.index[key].with_capacity, session)
    for run in holdings.live if holdings else ():
        undo_log.drop(state.placements, run)


def place(draft: Draft, session: str, run: Run, handle: int | None = None) -> AttemptRef:
    """Place the newest attempt of a run on a session under `handle` or a new handle; return the reference."""
    state, undo_log, key = draft.state, draft.state.undo_log, run.key
    holdings = state.holdings[session]
    if handle is None:
        handle = holdings.next_handle
        holdings.next_handle += 1  # not in the undo log, as unused handles do no harm
    ref = AttemptRef(handle, run.attempt)
    sweep = str(state.sweeps[run.sweep].name)
    held = HandleEntry(key=key, attempt=run.attempt, run=run.name, sweep=sweep)
    undo_log.put(holdings.by_handle, handle, held)
    undo_log.put(holdings.live, key, None)
    undo_log.put(state.placements, key, Placement(session=session, ref=ref))
    return ref


def unplace(draft: Draft, key: RunKey, exited: RunState | None = None) -> None:
    """Remove the live attempt of a run from its session; its handle stays valid for late reports.

    Args:
        draft: the draft of the decision.
        key: key of the run.
        exited: state of the run after the attempt, if the attempt has ended.
    """
    state, undo_log = draft.state, draft.state.undo_log
    confirm(draft, key, taken=False)
    placement = undo_log.drop(state.placements, key)
    if placement is None:
        return
    holdings = state.holdings[placement.session]
    undo_log.drop(holdings.live, key)
    held = holdings.by_handle[placement.ref.handle]
    undo_log.put(holdings.by_handle, placement.ref.handle, replace(held, exited=exited))


def confirm(draft: Draft, key: RunKey, *, taken: bool) -> None:
    """Record that an agent has taken or refused a hand-out.

    If the agent took the run and has sent no offer since the hand-out, reduce its last offer by one. If it
    refused the run, set its last offer to 0.
    """
    state, undo_log = draft.state, draft.state.undo_log
    unconfirmed = undo_log.drop(state.unconfirmed, key)
    placement = state.placements.get(key) if unconfirmed else None
    session = state.sessions.get(placement.session) if placement else None
    if unconfirmed is None or session is None:
        return
    wanted = session.wanted if taken else 0
    if taken and session.offers == unconfirmed.offers:
        wanted = max(0, wanted - 1)
    put_session(draft, replace(session, wanted=wanted, unconfirmed=session.unconfirmed - 1))
