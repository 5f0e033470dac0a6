"""Runs that belong to no sweep: a person starts the script, and an agent of its own follows it.

All those of a project are kept as the runs of one standing sweep, which hands out nothing, is listed nowhere
and never ends. So attempts, leases, fencing and cursors are those of any other run.
"""

from sweepd.spec import parse_mapping
from sweepd_scheduler.domain.agents.agent import digest_of, proves
from sweepd_scheduler.domain.agents.placement import unplace
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import LeaseDue
from sweepd_scheduler.domain.names import (
    NameTakenError,
    Parent,
    RunName,
    SweepName,
    no_sweep,
    sweep_of_run_id,
)
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.requests.requests import CreateRun, NotInMemoryError, Runs
from sweepd_scheduler.domain.runs.run import (
    Attempt,
    PointSource,
    Provenance,
    Run,
    attempt_moved,
    moved,
    with_attempt,
)
from sweepd_scheduler.domain.runs.values import Values
from sweepd_scheduler.domain.states import FINAL_RUN, AttemptState, RunState, SweepState
from sweepd_scheduler.domain.sweeps.sweep import Sweep

# It says nothing, but is stored and read again like any other.
_SAYS_NOTHING = {"program": "by-hand", "method": "random", "parameters": {"by": {"value": "hand"}}, "seed": 0}


def create_run(turn: Draft, event: CreateRun) -> Runs:
    """Add a run to its project, or return the one that was created before with the same secret.

    Raises:
        NameTakenError: the id belongs to a sweep, or to a run with another secret.
        NotInMemoryError: the run that has the id has to be read first.
    """
    if event.id is not None and turn.state.stands_alone(event.parent, event.id):
        run = _claimed(turn, event, event.id)
    else:
        run = _add(turn, event)
    return Runs(runs=(run,), kind=turn.state.sweeps[run.sweep].value_kind)


def _add(turn: Draft, event: CreateRun) -> Run:
    candidates = (event.id,) if event.id is not None else event.drawn_ids
    free = [each for each in candidates if not turn.state.name_taken(SweepName(event.parent, each))]
    if not free:
        raise NameTakenError(f"{event.parent}/{candidates[0]}")
    sweep, now = _standing(turn, event.parent), turn.now.wall
    number = sweep.counts.total + 1
    run = Run(
        sweep=sweep.key,
        number=number,
        name=str(RunName(sweep.name, number, free[0])),
        point=event.point,
        digest=free[0].encode(),
        occurrence=0,
        provenance=Provenance(source=PointSource.BY_HAND, seed=0),
        create_time=now,
        place=number,
        state=RunState.RUNNING,
    )
    run = _begun(turn, run, event)
    owner = sweep_of_run_id(free[0])
    if owner is not None:
        turn.state.journal.add(turn.state.run_like, (event.parent, owner))
    turn.note("run-created", run, agent=event.agent)
    return run


def _begun(turn: Draft, run: Run, event: CreateRun) -> Run:
    """Let the attempt of the event begin; those before it of which nobody has heard were never delivered."""
    now = turn.now.wall
    begun = min(event.start_time or now, now)
    attempt = Attempt(
        number=event.attempt,
        agent=event.agent,
        host=event.host,
        state=AttemptState.RUNNING,
        assign_time=now,
        start_time=begun,
        argv=event.argv,
        secret_digest=digest_of(event.secret),
    )
    if run.state is not RunState.RUNNING:
        run = moved(run, RunState.RUNNING)
    for missed in range(run.attempt + 1, event.attempt):
        never = replace(
            attempt, number=missed, state=AttemptState.RETURNED, start_time=0, argv=(), end_time=now
        )
        run = replace(run, attempts=(*run.attempts, replace(never, reason="a later one tells all of it")))
        turn.put_run(run)
    run = replace(
        run,
        attempts=(*run.attempts, attempt),
        observation_row=0,
        values=Values(),
        stop=None,
        start_time=run.start_time or begun,
    )
    turn.put_run(run)
    turn.later(turn.state.terms.lease, LeaseDue(run.key, run.attempt))
    return run


def _begun_again(turn: Draft, run: Run, event: CreateRun) -> Run:
    """Let a run go on whose script was started again: its attempt tells all that the earlier ones told."""
    turn.note("run-claimed", run, before=run.state, agent=event.agent, begins=event.attempt)
    if run.state in FINAL_RUN:
        turn.take_run(run)
        return _begun(turn, run, event)
    unplace(turn, run.key)
    given_up = attempt_moved(
        run.newest, AttemptState.LOST, end_time=turn.now.wall, reason="its script was started again"
    )
    run = with_attempt(run, given_up)
    turn.put_run(run)  # with it goes its lease: that of the next attempt counts from its own beginning
    return _begun(turn, run, event)


def _claimed(turn: Draft, event: CreateRun, run_id: str) -> Run:
    """Return the run that there is, if the claim proves that it is its own."""
    found = event.found
    name = f"{event.parent}/{run_id}"
    if found is None:
        raise NotInMemoryError(name)
    if found.key not in turn.state.runs and found.state not in FINAL_RUN:
        raise NotInMemoryError(name)  # it has ended since it was read
    run = turn.state.runs.get(found.key, found)
    if not proves(event.secret, run.newest.secret_digest):
        raise NameTakenError(name)
    if event.attempt > run.attempt:
        return _begun_again(turn, run, event)
    if run.state is RunState.CRASHED and run.newest.state is AttemptState.LOST:
        return _taken_up(turn, run)
    return run


def _taken_up(turn: Draft, run: Run) -> Run:
    """Let a run go on of whose script nobody knew anything any more: it has not ended."""
    turn.take_run(run)
    attempt = attempt_moved(run.newest, AttemptState.RUNNING)
    back = moved(run, RunState.RUNNING, attempt=attempt)
    turn.note("run-claimed", back, before=run.state, agent=back.newest.agent)
    turn.put_run(back)
    turn.later(turn.state.terms.lease, LeaseDue(back.key, back.attempt))
    return back


def _standing(turn: Draft, parent: Parent) -> Sweep:
    """Return what holds the stand-alone runs of a project; it comes into being with the first one."""
    name = no_sweep(parent)
    key = turn.state.names.get(name)
    if key is not None:
        return turn.state.sweeps[key]
    spec = parse_mapping(_SAYS_NOTHING, file="by hand").spec
    assert spec is not None
    sweep = Sweep(
        key=turn.count("sweep"),
        name=name,
        spec=spec,
        create_time=turn.now.wall,
        state=SweepState.RUNNING,
        start_time=turn.now.wall,
    )
    turn.add_sweep(sweep)
    return sweep
