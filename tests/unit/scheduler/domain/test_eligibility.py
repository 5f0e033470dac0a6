"""Eligible agents: labels that a sweep requires, and quarantine by its guard; P11."""

import pytest

from sweepd_kernel.auth.principal import Bounds
from sweepd_kernel.errors import NotFoundError
from sweepd_scheduler.domain.agents.agent import Ineligible, IneligibleReason
from sweepd_scheduler.domain.effects import StartRun, Welcome
from sweepd_scheduler.domain.requests.requests import ReleaseAgent, Released, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from unit.scheduler.client_requests import S, release, retry
from unit.scheduler.world import RANDOM, World

EXIT_1 = Exit(cause=ExitCause.EXITED, code=1)
GUARDED = {**RANDOM, "guard": {"agent": 2}}


@pytest.fixture
def world() -> World:
    return World()


def test_an_agent_without_the_label_gets_no_runs_and_the_reason(world: World) -> None:
    world.create({**RANDOM, "requires": {"gpu": "a100", "zone": "b"}})
    wrong = world.attach(labels={"gpu": "v100", "zone": "b"})
    (ineligible,) = world.last_sent(Welcome).ineligible
    assert ineligible.reason is IneligibleReason.LABELS
    assert "gpu=a100 (the agent has v100)" in ineligible.message
    assert "--label=gpu=a100 --label=zone=b" in ineligible.message
    assert world.offer(wrong) == []
    right = world.attach("bob", labels={"gpu": "a100", "zone": "b", "other": "x"})
    assert world.last_sent(Welcome).ineligible == ()
    assert len(world.offer(right)) == 1


def test_a_quarantined_agent_is_notified_and_offered_runs_after_its_release(world: World) -> None:
    world.create(GUARDED)
    session = world.attach()
    for _ in range(2):
        world.exits(session, world.takes_one(session).ref, EXIT_1)
    command = world.last_sent(Ineligible)
    assert command.reason is IneligibleReason.GUARD
    assert "sweepctl agents release ann" in command.message
    assert world.offer(session) == []
    assert "ann" in world.sweep().reason
    assert release(world, "ann") == Released(sweeps=("local/demo/s",))
    assert world.last_sent(Ineligible).reason is IneligibleReason.NONE
    assert world.last_sent(StartRun).run.number == 3
    assert world.sweep().reason == ""


def test_a_quarantined_agent_that_reconnects_gets_the_reason_with_the_welcome(world: World) -> None:
    world.create(GUARDED)
    session = world.attach()
    for _ in range(2):
        world.exits(session, world.takes_one(session).ref, EXIT_1)
    world.attach()
    (ineligible,) = world.last_sent(Welcome).ineligible
    assert ineligible.reason is IneligibleReason.GUARD


def test_a_release_of_an_agent_that_is_not_quarantined_is_refused(world: World) -> None:
    world.create(GUARDED)
    with pytest.raises(NotFoundError, match="agent 'ann' is not quarantined in local/demo/s"):
        release(world, "ann")
    with pytest.raises(NotFoundError, match="agent 'ann' is not quarantined in any sweep"):
        world.happens(ReleaseAgent(agent="ann", sweep=None))


def test_an_agent_that_lacks_a_label_is_notified_when_a_sweep_resumes(world: World) -> None:
    world.create({**RANDOM, "requires": {"gpu": "a100"}})
    right = world.attach(labels={"gpu": "a100"})
    wrong = world.attach("bob", labels={})
    world.exits(right, world.takes_one(right).ref, EXIT_1)
    world.happens(StopSweep(S))
    assert world.state.ended
    before = len(world.sent)
    retry(world, 1)
    ineligible = [(to, command) for to, command in world.sent[before:] if isinstance(command, Ineligible)]
    assert [(to, notice.reason) for to, notice in ineligible] == [(wrong, IneligibleReason.LABELS)]


def test_an_agent_can_be_released_in_all_sweeps_that_the_caller_may_change(world: World) -> None:
    for name in ("s", "t"):
        world.create(GUARDED, name)
        session = world.attach(sweep=name)
        for _ in range(2):
            world.exits(session, world.takes_one(session).ref, EXIT_1)
    of_another = Bounds(frozenset({"local/other"}))
    with pytest.raises(NotFoundError, match="agent 'ann' is not quarantined in any sweep"):
        world.happens(ReleaseAgent(agent="ann", sweep=None, within=of_another))
    both = Released(sweeps=("local/demo/s", "local/demo/t"))
    assert world.happens(ReleaseAgent(agent="ann", sweep=None)) == both
