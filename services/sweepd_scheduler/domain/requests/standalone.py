"""Standalone runs: a person starts the script, and a dedicated agent reports on it.

The standalone runs of a project are stored as runs of one standing sweep, which hands out nothing, is never
listed and never ends. Their attempts, leases, fencing and cursors work like those of other runs.
"""

from sweepd.spec.parse import parse_mapping
from sweepd_scheduler.domain.agents.agent import digest_of, proves
from sweepd_scheduler.domain.agents.placement import unplace
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import LeaseDue
from sweepd_scheduler.domain.names import (
    NameTakenError,
    Parent,
    RunName,
    SweepName,
    standing_name,
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
from sweepd_scheduler.domain.sweep import Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, AttemptState, RunState, SweepState

# Specification of the standing sweep: unused, but stored and read like any other.
_PLACEHOLDER = {"program": "standalone", "method": "random", "parameters": {"none": {"value": 0}}, "seed": 0}


def create_run(draft: Draft, event: CreateRun) -> Runs:
    """Create a run, or return the existing run with the same id and secret, resumed if necessary.

    Raises:
        NameTakenError: the id belongs to a sweep or to a run with another secret, or clashes with another id.
        NotInMemoryError: the run with this id has to be read from the database first.
    """
    if event.id is not None and draft.state.is_standalone(event.parent, event.id):
        run = _claim(draft, event, event.id)
    else:
        run = _add(draft, event)
    return Runs(runs=(run,), kind=draft.state.sweeps[run.sweep].value_kind)


def _add(draft: Draft, event: CreateRun) -> Run:
    candidates = (event.id,) if event.id is not None else event.drawn_ids
    free = [each for each in candidates if not draft.state.name_taken(SweepName(event.parent, each))]
    if not free:
        raise NameTakenError(f"{event.parent}/{candidates[0]}")
    sweep, now = _standing(draft, event.parent), draft.now.wall
    number = sweep.counts.total + 1
    run = Run(
        sweep=sweep.key,
        number=number,
        name=str(RunName(sweep.name, number, free[0])),
        point=event.point,
        digest=free[0].encode(),
        occurrence=0,
        provenance=Provenance(source=PointSource.STANDALONE, seed=0),
        create_time=now,
        place=number,
        state=RunState.RUNNING,
    )
    run = _start_attempt(draft, run, event)
    owner = sweep_of_run_id(free[0])
    if owner is not None:
        draft.state.undo_log.add(draft.state.reserved_ids, (event.parent, owner))
    draft.record("run-created", run, agent=event.agent)
    return run


def _start_attempt(draft: Draft, run: Run, event: CreateRun) -> Run:
    """Start the attempt that a claim names; store attempt numbers skipped before it as returned attempts."""
    now = draft.now.wall
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
        skipped = replace(
            attempt, number=missed, state=AttemptState.RETURNED, start_time=0, argv=(), end_time=now
        )
        run = replace(
            run, attempts=(*run.attempts, replace(skipped, reason="a later attempt reports this one's data"))
        )
        draft.put_run(run)
    run = replace(
        run,
        attempts=(*run.attempts, attempt),
        observation_row=0,
        values=Values(),
        stop=None,
        start_time=run.start_time or begun,
    )
    draft.put_run(run)
    draft.later(draft.state.timeouts.lease, LeaseDue(run.key, run.attempt))
    return run


def _start_next_attempt(draft: Draft, run: Run, event: CreateRun) -> Run:
    """Resume a run whose script was restarted; the new attempt repeats the reports of earlier attempts."""
    draft.record("run-claimed", run, before=run.state, agent=event.agent, begins=event.attempt)
    if run.state in FINAL_RUN:
        draft.take_run(run)
        return _start_attempt(draft, run, event)
    unplace(draft, run.key)
    given_up = attempt_moved(
        run.newest, AttemptState.LOST, end_time=draft.now.wall, reason="its script was restarted"
    )
    run = with_attempt(run, given_up)
    draft.put_run(run)  # this drops the lease, so that the next attempt begins with a new one
    return _start_attempt(draft, run, event)


def _claim(draft: Draft, event: CreateRun, run_id: str) -> Run:
    """Return the existing run, resumed if necessary, if the claim proves ownership of it."""
    found = event.found
    name = f"{event.parent}/{run_id}"
    if found is None:
        raise NotInMemoryError(name)
    if found.key not in draft.state.runs and found.state not in FINAL_RUN:
        raise NotInMemoryError(name)  # it has ended since it was read
    run = draft.state.runs.get(found.key, found)
    if not proves(event.secret, run.newest.secret_digest):
        raise NameTakenError(name)
    if event.attempt > run.attempt:
        return _start_next_attempt(draft, run, event)
    if run.state is RunState.CRASHED and run.newest.state is AttemptState.LOST:
        return _resume(draft, run)
    return run


def _resume(draft: Draft, run: Run) -> Run:
    """Resume a run that counted as crashed although its script had not ended."""
    draft.take_run(run)
    attempt = attempt_moved(run.newest, AttemptState.RUNNING)
    back = moved(run, RunState.RUNNING, attempt=attempt)
    draft.record("run-claimed", back, before=run.state, agent=back.newest.agent)
    draft.put_run(back)
    draft.later(draft.state.timeouts.lease, LeaseDue(back.key, back.attempt))
    return back


def _standing(draft: Draft, parent: Parent) -> Sweep:
    """Return the sweep that holds the standalone runs of a project; create it before the first run."""
    name = standing_name(parent)
    key = draft.state.names.get(name)
    if key is not None:
        return draft.state.sweeps[key]
    spec = parse_mapping(_PLACEHOLDER, file="standalone").spec
    assert spec is not None
    sweep = Sweep(
        key=draft.count("sweep"),
        name=name,
        spec=spec,
        create_time=draft.now.wall,
        state=SweepState.RUNNING,
        start_time=draft.now.wall,
    )
    draft.add_sweep(sweep)
    return sweep
