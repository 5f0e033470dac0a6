"""Where hand-outs are made exact: which run goes to which session, and when a sweep has no more to give."""

from dataclasses import replace

from sweepd.spec import Method
from sweepd_scheduler.domain.agent import OnItsWay, Session
from sweepd_scheduler.domain.decision import StartRun, StudyEvent, StudyNoted
from sweepd_scheduler.domain.events import ConfirmDue, LeaseDue
from sweepd_scheduler.domain.holding import new_command, place, put_session
from sweepd_scheduler.domain.ladder import next_suggested
from sweepd_scheduler.domain.names import RunName
from sweepd_scheduler.domain.points import Drawn, next_by_index
from sweepd_scheduler.domain.run import Attempt, AttemptState, PointSource, Run, RunState, Values, moved
from sweepd_scheduler.domain.run_end import settle
from sweepd_scheduler.domain.sweep import Ending, SweepState, ending
from sweepd_scheduler.domain.sweep import moved as sweep_moved
from sweepd_scheduler.domain.turn import Turn
from sweepd_scheduler.domain.verdicts import forget_best_of


def serve_session(turn: Turn, session: str) -> None:
    """Hand out to one session what it has room for, sweeps in the order of its Hello."""
    served = turn.state.sessions.get(session)
    for key in served.sweeps if served else ():
        _serve(turn, key, session)


def serve_sweep(turn: Turn, key: int) -> None:
    """Hand out runs of one sweep to every session that has room."""
    index = turn.state.index.get(key)
    for session in list(index.roomy) if index else ():
        if not _serve(turn, key, session):
            return


def _serve(turn: Turn, key: int, session_id: str) -> bool:
    """Fill the room of a session; False if the sweep has nothing to give, to others neither."""
    while turn.state.sessions[session_id].room:
        sweep = turn.state.sweeps.get(key)
        if sweep is None or not sweep.hands_out:
            return False
        session = turn.state.sessions[session_id]
        waiting = turn.state.index[key].pending.first
        if waiting is not None:
            _assign(turn, turn.state.runs[(key, waiting)], session)
        elif not _start_new(turn, key, session):
            return False
    return True


def _start_new(turn: Turn, key: int, session: Session) -> bool:
    """Hand out a new point; False if there is none, or none yet."""
    sweep = turn.state.sweeps[key]
    if not sweep.starts_new_runs:
        return False
    if sweep.spec.run_cap is not None and sweep.counts.total >= sweep.spec.run_cap:
        _end_new_runs(turn, key, Ending.CAP)
        return False
    if sweep.spec.method is Method.BAYES:
        drawn = next_suggested(turn, key)
        if drawn is None and not _all_seen(turn, key):
            return False
    else:
        index = turn.state.index[key]
        moved_on, drawn = next_by_index(sweep, index.digests, index.size, PointSource.RANDOM)
        if moved_on is not sweep:
            turn.put_sweep(moved_on)
    if drawn is None:
        _end_new_runs(turn, key, Ending.GRID)
        return False
    _assign(turn, _new_run(turn, key, drawn), session)
    _end_if_last(turn, key)
    return True


def _new_run(turn: Turn, key: int, drawn: Drawn) -> Run:
    sweep = turn.state.sweeps[key]
    number = sweep.counts.total + 1
    return Run(
        sweep=key,
        number=number,
        name=str(RunName(sweep.name, number)),
        point=drawn.point,
        digest=drawn.digest,
        occurrence=drawn.occurrence,
        provenance=drawn.provenance,
        create_time=turn.now.wall,
        place=number,
    )


def _assign(turn: Turn, run: Run, session: Session) -> None:
    """Give a run its next attempt: from here on reports of earlier ones are fenced."""
    attempt = Attempt(
        number=run.attempt + 1,
        agent=session.agent,
        host=session.host,
        state=AttemptState.ASSIGNED,
        assign_time=turn.now.wall,
    )
    first = not run.attempts
    assigned = replace(
        moved(run, RunState.ASSIGNED),
        attempts=(*run.attempts, attempt),
        observation_row=0,
        values=Values(),
        stopping=(),
    )
    turn.put_run(assigned)
    if first:
        _first_hand_out(turn, assigned)
    else:
        forget_best_of(turn, assigned)
    turn.note("run-assigned", assigned, agent=session.agent)
    ref = place(turn, session.id, assigned)
    on_its_way = OnItsWay(attempt=attempt.number, offers=session.offers)
    turn.state.journal.put(turn.state.unconfirmed, assigned.key, on_its_way)
    put_session(turn, replace(session, unconfirmed=session.unconfirmed + 1))
    command = new_command(turn, session.id, assigned.key, attempt.number, starts=True)
    turn.tell(session.id, StartRun(command, ref, assigned, turn.state.sweeps[run.sweep]))
    turn.later(turn.state.terms.confirm, ConfirmDue(assigned.key, attempt.number))
    turn.later(turn.state.terms.lease, LeaseDue(assigned.key, attempt.number))


def _first_hand_out(turn: Turn, run: Run) -> None:
    sweep = turn.state.sweeps[run.sweep]
    if sweep.state is SweepState.PENDING:
        started = replace(sweep_moved(sweep, SweepState.RUNNING), start_time=turn.now.wall)
        turn.put_sweep(started)
        turn.note("sweep-running", sweep=started)
    if sweep.spec.method is Method.BAYES:
        turn.observe(StudyNoted(sweep=run.sweep, number=0, run=run.number, event=StudyEvent.HANDED_OUT))


def _end_if_last(turn: Turn, key: int) -> None:
    """End the search in the same turn as its last hand-out, so that `ending` shows at once."""
    sweep = turn.state.sweeps[key]
    if sweep.spec.run_cap is not None and sweep.counts.total >= sweep.spec.run_cap:
        _end_new_runs(turn, key, Ending.CAP)
    elif _all_seen(turn, key):
        _end_new_runs(turn, key, Ending.GRID)


def _all_seen(turn: Turn, key: int) -> bool:
    index = turn.state.index[key]
    return index.size is not None and len(index.digests) >= index.size


def _end_new_runs(turn: Turn, key: int, why: Ending) -> None:
    sweep = ending(turn.state.sweeps[key], why)
    turn.put_sweep(sweep)
    turn.note("sweep-ending", sweep=sweep, ending=why)
    settle(turn, key)
