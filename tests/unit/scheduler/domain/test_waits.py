"""Waiting agents receive the reason: at once, when it changes, and on each new stream."""

import pytest

from sweepd_scheduler.domain.agents.agent import Ineligible, IneligibleReason
from sweepd_scheduler.domain.effects import Welcome
from sweepd_scheduler.domain.events import Started, SuggestionsArrived
from sweepd_scheduler.domain.requests.requests import PauseSweep, ResumeSweep, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from unit.scheduler.client_requests import S
from unit.scheduler.drain import suggestion
from unit.scheduler.world import OBJECTIVE, RANDOM, World

CANARY = {**RANDOM, **OBJECTIVE, "canary": True}
BAYES = {**RANDOM, **OBJECTIVE, "method": "bayes"}
EXIT_1 = Exit(cause=ExitCause.EXITED, code=1)
PAUSED, ENDING, SUGGESTION = IneligibleReason.PAUSED, IneligibleReason.ENDING, IneligibleReason.SUGGESTION
NONE = IneligibleReason.NONE


@pytest.fixture
def world() -> World:
    return World()


def reasons_sent(world: World, session: str) -> list[IneligibleReason]:
    return [each.reason for to, each in world.sent if to == session and isinstance(each, Ineligible)]


def test_an_agent_that_requests_runs_of_a_paused_sweep_is_notified_with_the_remedy(world: World) -> None:
    world.create(RANDOM)
    session = world.attach()
    world.happens(PauseSweep(S))
    assert reasons_sent(world, session) == [], "it has not asked for a run"
    assert world.offer(session) == []
    assert world.last_sent(Ineligible).message == (
        "it is paused (paused by a person); resume it: sweepctl resume local/demo/s"
    )
    world.offer(session)
    assert reasons_sent(world, session) == [PAUSED], "an unchanged reason is not sent again"
    world.happens(ResumeSweep(S))
    assert reasons_sent(world, session) == [PAUSED], "the StartRun itself implies the end of the pause"


def test_an_agent_that_waits_is_notified_of_a_pause_and_of_its_end(world: World) -> None:
    world.create({**RANDOM, "run_cap": 1})
    first, second = world.attach("ann"), world.attach("bob")
    world.takes_one(first)
    world.offer(second)
    assert reasons_sent(world, second) == [ENDING]
    world.happens(PauseSweep(S))
    world.happens(ResumeSweep(S))
    assert reasons_sent(world, second) == [ENDING, PAUSED, ENDING]
    assert world.last_sent(Ineligible).message == (
        "run_cap is reached; 1 run is live; a run that is given up is handed out again"
    )
    assert reasons_sent(world, first) == [], "it is busy"


def test_a_busy_agent_is_notified_that_a_pause_has_ended(world: World) -> None:
    """Otherwise it would show the outdated reason when its run has ended."""
    world.create(RANDOM)
    session = world.attach()
    world.happens(PauseSweep(S))
    world.offer(session)
    world.offer(session, 0)
    world.happens(ResumeSweep(S))
    assert reasons_sent(world, session) == [PAUSED, NONE]


def test_an_agent_that_attached_during_a_pause_is_notified_of_its_end(world: World) -> None:
    """This holds after a restart as well, when the scheduler has not seen the pause begin."""
    world.create(RANDOM)
    world.happens(PauseSweep(S))
    world.restarts()
    session = world.attach()
    assert [each.reason for each in world.last_sent(Welcome).ineligible] == [PAUSED]
    world.happens(ResumeSweep(S))
    assert reasons_sent(world, session) == [NONE]


def test_an_agent_that_reports_on_a_run_before_it_has_confirmed_it_is_notified(world: World) -> None:
    """The report confirms the run, so the agent could take another one."""
    world.create({**RANDOM, "run_cap": 1})
    session = world.attach(slots=2)
    (start,) = world.offer(session)
    world.offer(session)
    assert reasons_sent(world, session) == [], "it could take no other run before it has confirmed this one"
    world.happens(Started(session=session, ref=start.ref, argv=("python",), resumed_from_step=None))
    assert reasons_sent(world, session) == [ENDING]


@pytest.mark.parametrize("paused", [True, False])
def test_the_welcome_of_a_stream_has_the_reason(world: World, paused: bool) -> None:
    world.create(RANDOM)
    if paused:
        world.happens(PauseSweep(S))
    world.restarts()
    session = world.attach()
    ineligible = world.last_sent(Welcome).ineligible
    assert [each.reason for each in ineligible] == [PAUSED] * paused
    world.offer(session, 1)
    assert reasons_sent(world, session) == []


def test_waiting_agents_are_notified_while_the_canary_runs(world: World) -> None:
    world.create(CANARY)
    first, second = world.attach("ann"), world.attach("bob")
    start = world.takes_one(first)
    world.offer(second)
    assert reasons_sent(world, second) == [IneligibleReason.CANARY]
    world.logs(first, start.ref, 1, 0.5)
    assert reasons_sent(world, second) == [IneligibleReason.CANARY], "it gets a run"
    assert world.state.sessions[second].unconfirmed == 1


def test_waiting_agents_are_notified_while_the_search_computes_a_point(world: World) -> None:
    sweep = world.create(BAYES)
    session = world.attach()
    world.offer(session)
    assert reasons_sent(world, session) == [SUGGESTION]
    points = (suggestion(sweep, 0),)
    world.happens(SuggestionsArrived(sweep=1, suggestions=points, exhausted=False))
    assert world.state.sessions[session].unconfirmed == 1
    assert reasons_sent(world, session) == [SUGGESTION]


def test_quarantine_is_reported_before_the_pause_that_it_causes(world: World) -> None:
    world.create({**RANDOM, "guard": {"agent": 1}})
    session = world.attach()
    world.exits(session, world.takes_one(session).ref, EXIT_1)
    world.offer(session)
    assert reasons_sent(world, session) == [IneligibleReason.GUARD]


def test_a_stop_is_reported_only_as_the_end_of_the_sweep(world: World) -> None:
    world.create(RANDOM)
    first, second = world.attach("ann"), world.attach("bob")
    world.takes_one(first)
    world.happens(StopSweep(S))
    world.offer(second)
    assert reasons_sent(world, second) == []
