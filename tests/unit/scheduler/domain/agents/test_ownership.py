"""The secret of an attempt proves its ownership; run names and agent ids do not."""

from collections.abc import Callable

import pytest

from sweepd.agent_identity import agent_id
from sweepd_kernel.errors import InvalidFieldError, Reason
from sweepd_scheduler.domain.agents.agent import AttemptRef, check_identity, digest_of, new_secret, proves
from sweepd_scheduler.domain.effects import Ack, AttemptVerdict, Fate, Fenced, StartRun, Unsupported, Welcome
from sweepd_scheduler.domain.events import Heartbeat, StaleDelivery
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.transitions import AttemptState, RunState
from unit.scheduler.world import OBJECTIVE, RANDOM, World

RUN = (1, 1)
REF = AttemptRef(2**31, 1)
HANDED_BACK = Exit(cause=ExitCause.HANDED_BACK)


@pytest.fixture
def world() -> World:
    world = World()
    world.create({**RANDOM, **OBJECTIVE})
    return world


def live(world: World) -> None:
    session = world.attach("ann")
    world.logs(session, world.takes_one(session).ref, 1, 0.5)


def unconfirmed(world: World) -> None:
    world.offer(world.attach("ann"))


def disconnected(world: World) -> None:
    live(world)
    world.leaves("session-1")


def lost(world: World) -> None:
    live(world)
    world.passes(200)
    assert world.run(RUN).state is RunState.PENDING


def ended(world: World) -> None:
    live(world)
    world.exits("session-1", world.last_sent(StartRun).ref, last_row=1)
    assert world.run(RUN).state is RunState.FINISHED


def handed_back(world: World) -> None:
    live(world)
    world.exits("session-1", world.last_sent(StartRun).ref, HANDED_BACK, last_row=1)
    assert world.run(RUN).newest.state is AttemptState.ENDED


def superseded(world: World) -> None:
    lost(world)
    world.takes_one(world.attach("bob"))
    assert world.run(RUN).attempt == 2


STATES = [live, unconfirmed, disconnected, lost, ended, handed_back, superseded]


@pytest.mark.parametrize("secret", [b"", b"guessed", digest_of(b"")], ids=["none", "wrong", "digest"])
@pytest.mark.parametrize("brought", STATES)
def test_an_agent_without_the_secret_of_an_attempt_cannot_report_on_it(
    world: World, brought: Callable[[World], None], secret: bytes
) -> None:
    brought(world)
    before, changes = world.run(RUN), list(world.changes)
    theirs = {
        name: (state, list(world.state.holdings[name].live)) for name, state in world.state.sessions.items()
    }
    count = len(world.sent)
    session = world.attach("eve", attempts=(world.held(RUN, REF, secret=secret),))
    assert world.last_sent(Welcome).verdicts == (AttemptVerdict(ref=REF, fate=Fate.UNKNOWN),)
    world.resumes(session, REF, 1)
    world.logs(session, REF, 2, -1e9)
    world.describes(session, REF)
    world.happens(StaleDelivery(session, REF))
    world.happens(Heartbeat(session, (REF,)))
    world.exits(session, REF, last_row=1)
    assert {(to, type(command)) for to, command in world.sent[count:]} == {
        (session, Welcome),
        (session, Unsupported),
    }
    assert (world.run(RUN), world.changes) == (before, changes)
    world.leaves(session)
    assert theirs == {
        name: (state, list(world.state.holdings[name].live)) for name, state in world.state.sessions.items()
    }


@pytest.mark.parametrize("secret", [b"", b"guessed"])
def test_the_digest_of_a_secret_is_not_accepted_as_the_secret(world: World, secret: bytes) -> None:
    live(world)
    stored = world.run(RUN).newest.secret_digest
    assert proves(world.secrets[RUN, 1], stored)
    assert not proves(stored, stored)
    assert not proves(secret, stored)
    assert not proves(secret, b"")


def test_each_attempt_has_a_secret_of_its_own(world: World) -> None:
    world.offer(world.attach("ann", slots=3), 3)
    superseded_at = world.last_sent(StartRun).run.key
    world.leaves("session-1")
    world.passes(200)
    world.takes_one(world.attach("bob"))
    assert len(world.secrets) == 4
    assert len(set(world.secrets.values())) == 4
    assert all(len(secret) == 32 for secret in world.secrets.values())
    first = world.held(superseded_at, AttemptRef(2**31, 1)).secret
    assert first == world.secrets[superseded_at, 1]


def test_secrets_depend_on_the_clock_reading() -> None:
    assert new_secret(bytes(32), RUN, 1) != new_secret(bytes(31) + b"1", RUN, 1)


def test_secrets_and_digests_are_left_out_of_reprs(world: World) -> None:
    live(world)
    held = world.held(RUN, REF)
    shown = "".join(map(repr, (world.run(RUN), world.sent, world.changes, held, world.clock_reading)))
    for hidden in (world.secrets[RUN, 1], world.run(RUN).newest.secret_digest, world.clock_reading.entropy):
        assert repr(hidden) not in shown


@pytest.mark.parametrize("before", [live, disconnected, lost, unconfirmed])
def test_an_agent_with_the_state_folder_continues_the_attempt_under_another_id(
    world: World, before: Callable[[World], None]
) -> None:
    before(world)
    session = world.attach("cat", attempts=(world.held(RUN, REF),))
    assert [each.fate for each in world.last_sent(Welcome).verdicts] == [Fate.KEEP]
    row = world.run(RUN).observation_row
    world.logs(session, REF, row + 1, 0.25)
    assert world.run(RUN).newest.agent == "cat"
    world.exits(session, REF, last_row=row + 1)
    run = world.run(RUN)
    assert (run.state, run.values.best, run.attempt) == (RunState.FINISHED, 0.25, 1)


def test_of_two_agents_with_the_same_attempt_the_older_session_is_closed(world: World) -> None:
    live(world)
    old = "session-1"
    session = world.attach("cat", attempts=(world.held(RUN, REF),))
    (closed,) = world.closed()
    assert (closed.session, closed.error.reason) == (old, Reason.STREAM_REPLACED)
    assert "cat" in closed.error.message
    assert set(world.state.sessions) == {session}
    assert set(world.state.streams) == {"cat"}
    world.attach("ann")
    assert len(world.state.sessions) == 2


def test_reports_of_a_handed_back_attempt_are_delivered_by_an_agent_with_its_folder(world: World) -> None:
    handed_back(world)
    session = world.attach("cat", attempts=(world.held(RUN, REF),))
    (verdict,) = world.last_sent(Welcome).verdicts
    assert (verdict.fate, verdict.exited, verdict.run_state) == (Fate.DELIVER, True, RunState.PENDING)
    world.exits(session, REF)
    assert world.last_sent(Ack).run_state is RunState.PENDING


def test_a_superseded_attempt_is_stopped_by_an_agent_with_its_folder(world: World) -> None:
    superseded(world)
    session = world.attach("cat", attempts=(world.held(RUN, REF),))
    (verdict,) = world.last_sent(Welcome).verdicts
    assert (verdict.fate, verdict.run_state) == (Fate.STOP, RunState.RUNNING)
    assert verdict.reason == "another attempt took over"
    world.exits(session, REF)
    assert world.sent[-1] == (session, Fenced(REF))


def test_an_attempt_of_a_run_that_has_ended_without_it_is_stopped_for_that_reason(world: World) -> None:
    superseded(world)
    world.exits("session-2", world.last_sent(StartRun).ref, last_row=0)
    world.attach("cat", attempts=(world.held(RUN, REF),))
    (verdict,) = world.last_sent(Welcome).verdicts
    assert (verdict.fate, verdict.run_state) == (Fate.STOP, RunState.FINISHED)
    assert verdict.reason == "the run ended as finished while this agent was silent"


def test_ownership_survives_a_restart_of_the_scheduler(world: World) -> None:
    live(world)
    world.restarts()
    world.attach("eve", attempts=(world.held(RUN, REF, secret=b"guessed"),))
    assert world.last_sent(Welcome).verdicts == (AttemptVerdict(ref=REF, fate=Fate.UNKNOWN),)
    world.attach("ann", attempts=(world.held(RUN, REF),))
    assert [each.fate for each in world.last_sent(Welcome).verdicts] == [Fate.KEEP]


@pytest.mark.parametrize("length", [16, 64])
def test_an_agent_is_who_has_the_secret_of_its_id(length: int) -> None:
    secret = b"s" * length
    check_identity(agent_id(secret), secret, "agent_secret")
    with pytest.raises(InvalidFieldError, match="is not the secret of this agent_id"):
        check_identity(agent_id(secret), b"t" * length, "agent_secret")


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_secret_that_is_too_short_or_too_long_is_refused(length: int) -> None:
    with pytest.raises(InvalidFieldError, match="must have 16 to 64 bytes"):
        check_identity(agent_id(b"s" * length), b"s" * length, "agent_secret")
