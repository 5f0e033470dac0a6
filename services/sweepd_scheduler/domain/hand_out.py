"""Hand-out: assignment of runs to sessions, and creation of the runs of new points."""

from itertools import islice

from sweepd_scheduler.domain.agents.agent import Session, UnconfirmedHandOut, digest_of, new_secret
from sweepd_scheduler.domain.agents.commands import new_command
from sweepd_scheduler.domain.agents.placement import place, put_session
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.effects import StartRun
from sweepd_scheduler.domain.eligibility import canary_under_way, ineligible, notify_session
from sweepd_scheduler.domain.events import ConfirmDue, LeaseDue, SearchDue
from sweepd_scheduler.domain.names import RunName
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.checkpoints import has_checkpoints
from sweepd_scheduler.domain.runs.results import forget_best_of
from sweepd_scheduler.domain.runs.run import Attempt, Run, moved
from sweepd_scheduler.domain.runs.run_end import start_timer
from sweepd_scheduler.domain.runs.values import Values
from sweepd_scheduler.domain.search.by_index import (
    ChosenPoint,
    draw_by_index,
    end_if_exhausted,
    end_search,
    resume_search,
)
from sweepd_scheduler.domain.search.model_based import draw_suggested
from sweepd_scheduler.domain.search.study import StudyEvent
from sweepd_scheduler.domain.sweep import Ending, Sweep
from sweepd_scheduler.domain.sweep import moved as sweep_moved
from sweepd_scheduler.domain.transitions import AttemptState, RunState, SweepState

_MAX_CONSIDERED = 16
"""Maximum number of queued runs considered for a session, as some may be left to other agents."""


def serve_session(draft: Draft, session: str) -> None:
    """Hand out runs to a session while it has free capacity, sweep by sweep in the order of its Hello."""
    served = draft.state.sessions.get(session)
    for key in served.sweeps if served else ():
        _hand_out_to(draft, key, session)
    notify_session(draft, session)


def serve_sweep(draft: Draft, key: int) -> None:
    """Hand out runs of one sweep to every session with free capacity."""
    index = draft.state.index.get(key)
    for session in list(index.with_capacity) if index else ():
        if not _hand_out_to(draft, key, session):
            return


def search_due(draft: Draft, event: SearchDue) -> None:
    """Resume the search for the next point and serve waiting sessions; end the search if no point is left."""
    resume_search(draft, event)
    serve_sweep(draft, event.sweep)
    if event.sweep in draft.state.sweeps:
        end_if_exhausted(draft, event.sweep)


def _hand_out_to(draft: Draft, key: int, session_id: str) -> bool:
    """Hand out runs of a sweep to a session while it has room; return False if no session can get one now."""
    while draft.state.sessions[session_id].room:
        sweep = draft.state.sweeps.get(key)
        if sweep is None or not sweep.hands_out or canary_under_way(sweep):
            return False
        session, index = draft.state.sessions[session_id], draft.state.index[key]
        if ineligible(sweep, session, index) is not None:
            return True
        waiting = _next_for(draft, key, session)
        if waiting is not None:
            _assign(draft, draft.state.runs[(key, waiting)], session)
        elif not _start_new(draft, key, session):
            return len(index.pending) > 0  # other sessions may get the pending runs
    return True


def _next_for(draft: Draft, key: int, session: Session) -> int | None:
    """Return the pending run that a session gets next; None if there is none.

    A run whose last agent had another storage is left to agents with that storage, if one of them has room.
    """
    waiting = draft.state.index[key].pending
    first = waiting.first
    if first is None or not _is_for_another(draft, draft.state.runs[(key, first)], session):
        return first
    candidates = islice(waiting.front(_MAX_CONSIDERED), 1, None)
    runs = (draft.state.runs[(key, number)] for number in candidates)
    return next((run.number for run in runs if not _is_for_another(draft, run, session)), None)


def _is_for_another(draft: Draft, run: Run, session: Session) -> bool:
    storage = run.newest.storage if run.attempts else ""
    if not storage or storage == session.storage:
        return False
    sweep, index = draft.state.sweeps[run.sweep], draft.state.index[run.sweep]
    others = (draft.state.sessions[each] for each in index.with_capacity)
    return any(
        other.storage == storage and other.room and ineligible(sweep, other, index) is None
        for other in others
    )


def _start_new(draft: Draft, key: int, session: Session) -> bool:
    """Hand out the first run of a new point; return False if there is no point, or none yet."""
    sweep = draft.state.sweeps[key]
    if not sweep.starts_new_runs:
        return False
    if sweep.spec.run_cap is not None and sweep.counts.total >= sweep.spec.run_cap:
        end_search(draft, key, Ending.CAP)
        return False
    draw = draw_suggested if sweep.spec.method.learns else draw_by_index
    drawn = draw(draft, key)
    if drawn is None:
        return False
    first, *repeats = new_block(draft, key, drawn)
    _assign(draft, first, session)
    for run in repeats:
        draft.put_run(run)
    end_if_exhausted(draft, key)
    return True


def _assign(draft: Draft, run: Run, session: Session) -> None:
    """Assign the next attempt of a run to a session; reports of earlier attempts are fenced from now on."""
    state, key, number = draft.state, run.key, run.attempt + 1
    secret = new_secret(draft.now.entropy, key, number)
    attempt = Attempt(
        number=number,
        agent=session.agent,
        host=session.host,
        state=AttemptState.ASSIGNED,
        assign_time=draft.now.wall,
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
    draft.put_run(assigned)
    if first:
        _first_hand_out(draft, assigned)
    else:
        forget_best_of(draft, assigned)
        if not has_checkpoints(assigned):  # else its first report shows whether it resumes or starts over
            draft.forget_rungs(assigned)
    draft.record("run-assigned", assigned, agent=session.agent)
    ref = place(draft, session.id, assigned)
    unconfirmed = UnconfirmedHandOut(attempt=number, offers=session.offers)
    state.undo_log.put(state.unconfirmed, key, unconfirmed)
    put_session(draft, replace(session, unconfirmed=session.unconfirmed + 1))
    # After a hand-out, the agent assumes that the reason last sent to it no longer applies.
    state.undo_log.drop(state.holdings[session.id].ineligible, run.sweep)
    draft.sessions_to_notify[session.id] = None
    command = new_command(draft, session.id, key, number, starts=True)
    draft.send(session.id, StartRun(command, ref, assigned, state.sweeps[run.sweep], secret))
    draft.later(state.timeouts.confirm, ConfirmDue(key, number))
    draft.later(state.timeouts.lease, LeaseDue(key, number))


def _first_hand_out(draft: Draft, run: Run) -> None:
    sweep = draft.state.sweeps[run.sweep]
    if sweep.state is SweepState.PENDING:
        started = sweep_moved(sweep, SweepState.RUNNING, reason=sweep.reason)
        started = replace(started, start_time=draft.now.wall, timed_from=draft.now.wall)
        draft.put_sweep(started)
        draft.record("sweep-running", sweep=started)
        start_timer(draft, started)


def new_block(draft: Draft, key: int, drawn: ChosenPoint, place: int | None = None) -> list[Run]:
    """Return the new runs of a point, which the caller stages, and record the hand-out in the study.

    Args:
        draft: the draft of the decision.
        key: the sweep; its cap leaves room for at least one run.
        drawn: the point.
        place: position of the runs in the queue; None: the number of each.
    """
    sweep = draft.state.sweeps[key]
    first = sweep.counts.total + 1
    occurrence = draft.state.index[key].digests.get(drawn.digest, 0)
    count = min(sweep.spec.repeats, room(sweep) or sweep.spec.repeats)
    draft.observe(key, first, StudyEvent.HANDED_OUT)
    return _runs_of(drawn, sweep, first, range(count), occurrence, draft.now.wall, place)


def complete_block(draft: Draft, last: Run) -> None:
    """Create the missing runs of the last point, as many as the cap allows; `last`: its last run so far."""
    sweep, drawn = draft.state.sweeps[last.sweep], ChosenPoint(last.point, last.digest, last.provenance)
    left, done = room(sweep), last.repeat + 1
    end = sweep.spec.repeats if left is None else min(sweep.spec.repeats, done + left)
    for run in _runs_of(drawn, sweep, last.block, range(done, end), last.occurrence, draft.now.wall):
        draft.put_run(run)
        draft.record("run-added", run)


def _runs_of(
    drawn: ChosenPoint,
    sweep: Sweep,
    first: int,
    repeats: range,
    occurrence: int,
    now: int,
    place: int | None = None,
) -> list[Run]:
    """Return the runs of a point with these repeat indices; `first`: number of its first run."""
    return [
        Run(
            sweep=sweep.key,
            number=first + repeat,
            name=str(RunName(sweep.name, first + repeat)),
            point=drawn.point,
            digest=drawn.digest,
            occurrence=occurrence,
            provenance=drawn.provenance,
            create_time=now,
            repeat=repeat,
            place=first + repeat if place is None else place,
        )
        for repeat in repeats
    ]


def room(sweep: Sweep) -> int | None:
    """Return how many more runs the cap allows; None without a cap."""
    return None if sweep.spec.run_cap is None else max(0, sweep.spec.run_cap - sweep.counts.total)
