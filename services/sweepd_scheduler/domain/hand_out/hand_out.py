"""Where hand-outs are made exact: which run goes to which session, and when a sweep has no more to give."""

from sweepd_scheduler.domain.agents.agent import OnItsWay, Session, digest_of, new_secret
from sweepd_scheduler.domain.agents.commands import StartRun
from sweepd_scheduler.domain.agents.placement import new_command, place, put_session
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import ConfirmDue, LeaseDue, SearchDue
from sweepd_scheduler.domain.hand_out.eligibility import canary_under_way, tell_session, withheld
from sweepd_scheduler.domain.names import RunName
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.checkpoints import has_any, next_for
from sweepd_scheduler.domain.runs.results import forget_best_of
from sweepd_scheduler.domain.runs.run import Attempt, Run, moved
from sweepd_scheduler.domain.runs.run_end import start_timer
from sweepd_scheduler.domain.runs.values import Values
from sweepd_scheduler.domain.search.by_index import (
    Drawn,
    begin_again,
    end_if_over,
    end_search,
)
from sweepd_scheduler.domain.search.methods import next_point
from sweepd_scheduler.domain.search.study import StudyEvent
from sweepd_scheduler.domain.states import AttemptState, RunState, SweepState
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep
from sweepd_scheduler.domain.sweeps.sweep import moved as sweep_moved


def serve_session(turn: Draft, session: str) -> None:
    """Hand out to one session what it has room for, sweeps in the order of its Hello."""
    served = turn.state.sessions.get(session)
    for key in served.sweeps if served else ():
        _serve(turn, key, session)
    tell_session(turn, session)


def serve_sweep(turn: Draft, key: int) -> None:
    """Hand out runs of one sweep to every session that has room."""
    index = turn.state.index.get(key)
    for session in list(index.roomy) if index else ():
        if not _serve(turn, key, session):
            return


def search_due(turn: Draft, event: SearchDue) -> None:
    """Go on with the search for the next point, for those who wait, or to see whether there is none."""
    begin_again(turn, event)
    serve_sweep(turn, event.sweep)
    if event.sweep in turn.state.sweeps:
        end_if_over(turn, event.sweep)


def _serve(turn: Draft, key: int, session_id: str) -> bool:
    """Fill the room of a session; False if the sweep has nothing to give, to others neither."""
    while turn.state.sessions[session_id].room:
        sweep = turn.state.sweeps.get(key)
        if sweep is None or not sweep.hands_out or canary_under_way(sweep):
            return False
        session, index = turn.state.sessions[session_id], turn.state.index[key]
        if withheld(sweep, session, index) is not None:
            return True
        waiting = next_for(turn, key, session)
        if waiting is not None:
            _assign(turn, turn.state.runs[(key, waiting)], session)
        elif not _start_new(turn, key, session):
            return len(index.pending) > 0  # what waits is for others
    return True


def _start_new(turn: Draft, key: int, session: Session) -> bool:
    """Hand out a new point; False if there is none, or none yet."""
    sweep = turn.state.sweeps[key]
    if not sweep.starts_new_runs:
        return False
    if sweep.spec.run_cap is not None and sweep.counts.total >= sweep.spec.run_cap:
        end_search(turn, key, Ending.CAP)
        return False
    drawn = next_point(turn, key)
    if drawn is None:
        return False
    first, *repeats = new_block(turn, key, drawn)
    _assign(turn, first, session)
    for run in repeats:
        turn.put_run(run)
    end_if_over(turn, key)
    return True


def _assign(turn: Draft, run: Run, session: Session) -> None:
    """Give a run its next attempt: from here on reports of earlier ones are fenced."""
    secret = new_secret(turn.now.entropy, run.key, run.attempt + 1)
    attempt = Attempt(
        number=run.attempt + 1,
        agent=session.agent,
        host=session.host,
        state=AttemptState.ASSIGNED,
        assign_time=turn.now.wall,
        storage=session.storage,
        secret_digest=digest_of(secret),
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
        if not has_any(assigned):  # else it is seen from its first word whether it goes on or begins anew
            turn.forget_rungs(assigned)
    turn.note("run-assigned", assigned, agent=session.agent)
    ref = place(turn, session.id, assigned)
    on_its_way = OnItsWay(attempt=attempt.number, offers=session.offers)
    turn.state.journal.put(turn.state.unconfirmed, assigned.key, on_its_way)
    put_session(turn, replace(session, unconfirmed=session.unconfirmed + 1))
    turn.state.journal.drop(turn.state.holdings[session.id].withheld, run.sweep)  # its agent takes it as over
    turn.given[session.id] = None
    command = new_command(turn, session.id, assigned.key, attempt.number, starts=True)
    turn.tell(session.id, StartRun(command, ref, assigned, turn.state.sweeps[run.sweep], secret))
    turn.later(turn.state.terms.confirm, ConfirmDue(assigned.key, attempt.number))
    turn.later(turn.state.terms.lease, LeaseDue(assigned.key, attempt.number))


def _first_hand_out(turn: Draft, run: Run) -> None:
    sweep = turn.state.sweeps[run.sweep]
    if sweep.state is SweepState.PENDING:
        started = sweep_moved(sweep, SweepState.RUNNING, reason=sweep.reason)
        started = replace(started, start_time=turn.now.wall, timed_from=turn.now.wall)
        turn.put_sweep(started)
        turn.note("sweep-running", sweep=started)
        start_timer(turn, started)


def create_block(turn: Draft, key: int, drawn: Drawn, place: int | None = None) -> list[Run]:
    """Create the runs of a point as `new_block` does, and let all of them wait."""
    runs = new_block(turn, key, drawn, place)
    for run in runs:
        turn.put_run(run)
    return runs


def new_block(turn: Draft, key: int, drawn: Drawn, place: int | None = None) -> list[Run]:
    """Return the runs of a point, each of which is still to be put; the search is told.

    Args:
        turn: the decision in the making.
        key: the sweep; its cap leaves room for one run at least.
        drawn: the point.
        place: where they wait in the queue; None: in the order of their numbers.
    """
    sweep = turn.state.sweeps[key]
    first = sweep.counts.total + 1
    occurrence = turn.state.index[key].digests.get(drawn.digest, 0)
    count = min(sweep.spec.repeats, room(sweep) or sweep.spec.repeats)
    turn.observe(key, first, StudyEvent.HANDED_OUT)
    return [
        Run(
            sweep=key,
            number=first + repeat,
            name=str(RunName(sweep.name, first + repeat)),
            point=drawn.point,
            digest=drawn.digest,
            occurrence=occurrence,
            provenance=drawn.provenance,
            create_time=turn.now.wall,
            repeat=repeat,
            place=first + repeat if place is None else place,
        )
        for repeat in range(count)
    ]


def complete_block(turn: Draft, last: Run) -> None:
    """Create the runs that a point still lacks after its last one, as many as the cap leaves."""
    sweep = turn.state.sweeps[last.sweep]
    lacking = sweep.spec.repeats - last.repeat - 1
    left = room(sweep)
    for more in range(1, 1 + (lacking if left is None else min(lacking, left))):
        number = last.number + more
        run = Run(
            sweep=last.sweep,
            number=number,
            name=str(RunName(sweep.name, number)),
            point=last.point,
            digest=last.digest,
            occurrence=last.occurrence,
            provenance=last.provenance,
            create_time=turn.now.wall,
            repeat=last.repeat + more,
            place=number,
        )
        turn.put_run(run)
        turn.note("run-added", run)


def room(sweep: Sweep) -> int | None:
    """Return how many runs the cap leaves; None without a cap."""
    return None if sweep.spec.run_cap is None else max(0, sweep.spec.run_cap - sweep.counts.total)
