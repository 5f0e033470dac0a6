"""Check that no sweep is stuck: with one free, working agent it hands out runs until it ends."""

from contextlib import suppress

from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.effects import StartRun
from sweepd_scheduler.domain.events import SuggestionsArrived
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import ResumeSweep
from sweepd_scheduler.domain.runs.run import PointSource, Provenance
from sweepd_scheduler.domain.search.study import Suggestion
from sweepd_scheduler.domain.sweep import Ending, Sweep
from sweepd_scheduler.domain.transitions import FINAL_SWEEP, RunState, SweepState
from unit.scheduler.client_requests import set_cap
from unit.scheduler.specs import LABELS
from unit.scheduler.world import PARENT, World

NAME = SweepName(PARENT, "s")
ROUNDS = 40
"""Runs after which a sweep without an end is left."""


def drain(world: World) -> None:
    """Run the sweep to its end with an agent on which every run succeeds, and check that end."""
    world.restarts()
    world.passes(300)  # every agent with a run is lost
    with suppress(DomainError):
        world.happens(ResumeSweep(NAME))
    _run_everything(world)
    sweep = world.sweep()
    if sweep.state is not SweepState.FINISHED or sweep.ending is not Ending.CAP:
        return
    before = sweep.counts.total
    set_cap(world, before + 3)
    _run_everything(world)
    after = world.sweep()
    assert before < after.counts.total <= before + 3 or after.ending is not Ending.CAP, "a raised cap is used"


def suggestion(sweep: Sweep, seen: int) -> Suggestion:
    """Return a point of the space, as the search might propose it."""
    point = sweep.spec.search_space.random_point(sweep.seed, sweep.counts.total + seen)
    origin = Provenance(
        source=PointSource.FRESH,
        seed=0,
        index=1,
        observations_seen=seen // 2,
        study_length=seen,
        engine="test/1",
    )
    return Suggestion(point=point, provenance=origin)


def _run_everything(world: World) -> None:
    if world.sweep().state in FINAL_SWEEP:
        _check_end(world.sweep())
        return
    session = world.attach("zed", labels=LABELS)
    for _ in range(ROUNDS):
        if not _run_one(world, session):
            assert world.sweep().state in FINAL_SWEEP, f"stuck: {world.sweep()}"
            break
    world.leaves(session)
    _check_end(world.sweep())


def _run_one(world: World, session: str) -> bool:
    """Finish the next run that is handed out; return False if there is none."""
    before = len(world.sent)
    world.offer(session)
    for _ in range(20):
        given = [command for _, command in world.sent[before:] if isinstance(command, StartRun)]
        if given:
            world.confirms(session, given[0])
            world.logs(session, given[0].ref, 1, 1.0)
            world.exits(session, given[0].ref, last_row=1)
            return True
        sweep = world.sweep()
        if sweep.state in FINAL_SWEEP:
            return False
        if sweep.spec.method.name == "bayes":
            points = (suggestion(sweep, sweep.observations),)
            world.happens(SuggestionsArrived(sweep=sweep.key, suggestions=points, exhausted=False))
        world.passes(1.0, silent=False)
    return False


def _check_end(sweep: Sweep) -> None:
    """Check that the reason of an ended sweep is right."""
    if sweep.state not in FINAL_SWEEP:
        return
    counts, cap = sweep.counts, sweep.spec.run_cap
    if sweep.ending is Ending.CAP:
        assert cap is not None
        assert counts.total >= cap, "the cap is reached before it ends anything"
    if sweep.ending is Ending.GRID and sweep.spec.method.name == "grid":
        points = sweep.spec.search_space.grid.count().value
        assert points is not None
        assert counts.total >= points, "every point has run"
    assert not counts.of(RunState.PENDING)
    assert sweep.reason, "an end has a reason"
