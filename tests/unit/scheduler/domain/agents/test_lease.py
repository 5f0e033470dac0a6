"""Leases: expiry, loss, requeue, fencing, and agents that reconnect late."""

import pytest

from sweepd_kernel.errors import DomainError, Reason
from sweepd_scheduler.domain.agents.agent import AttemptRef, ReportedAttempt, Session
from sweepd_scheduler.domain.agents.attach import FIRST_AGENT_HANDLE
from sweepd_scheduler.domain.effects import Ack, Fate, Fenced, SweepEnded, Welcome
from sweepd_scheduler.domain.events import Announced, Answered, Attached, Heartbeat, LeaseDue, Offered
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import CancelSweep, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.transitions import AttemptState, RunState
from unit.scheduler.world import GRID_4, PARENT, RANDOM, World

RUN = (1, 1)


@pytest.fixture
def world() -> World:
    world = World()
    world.create(RANDOM)
    return world


def fates(world: World) -> list[Fate]:
    return [verdict.fate for verdict in world.last_sent(Welcome).verdicts]


def test_a_silent_attempt_is_suspect_then_lost_and_its_run_is_requeued_first(world: World) -> None:
    session = world.attach()
    world.takes_one(session)
    world.leaves(session)
    world.passes(31)
    assert world.run(RUN).newest.state is AttemptState.SUSPECT
    assert world.run(RUN).state is RunState.RUNNING
    world.passes(90)
    assert world.run(RUN).newest.state is AttemptState.LOST
    assert world.run(RUN).state is RunState.PENDING
    (again,) = world.offer(world.attach("bob"))
    assert (again.run.number, again.ref.attempt) == (1, 2)


def test_any_message_renews_the_lease(world: World) -> None:
    session = world.attach()
    start = world.takes_one(session)
    for _ in range(10):
        world.passes(25)
        world.state.renew_leases(session, world.now, (start.ref,))
        world.happens(Heartbeat(session, (start.ref,)))
    assert world.run(RUN).newest.state is AttemptState.RUNNING


def test_reports_of_a_fenced_attempt_do_not_renew_the_lease_of_its_successor(world: World) -> None:
    old = world.attach()
    start = world.takes_one(old)
    world.passes(121)
    new = world.attach("bob")
    world.takes_one(new)
    world.passes(31)
    assert world.run(RUN).newest.state is AttemptState.SUSPECT
    world.happens(Heartbeat(old, (start.ref,)))
    assert (world.run(RUN).attempt, world.run(RUN).newest.state) == (2, AttemptState.SUSPECT)


def test_a_heartbeat_that_does_not_name_an_attempt_does_not_renew_it(world: World) -> None:
    session = world.attach()
    world.takes_one(session)
    for _ in range(5):
        world.passes(25)
        world.state.renew_leases(session, world.now, ())
        world.happens(Heartbeat(session, ()))
    assert world.run(RUN).state is RunState.PENDING


def test_a_suspect_attempt_that_reports_again_continues(world: World) -> None:
    session = world.attach()
    start = world.takes_one(session)
    world.passes(40)
    assert world.run(RUN).newest.state is AttemptState.SUSPECT
    world.state.renew_leases(session, world.now)
    world.happens(Offered(session, 0))
    assert world.run(RUN).newest.state is AttemptState.RUNNING
    world.passes(85)
    assert world.run(RUN).state is RunState.RUNNING
    world.exits(session, start.ref)
    assert world.run(RUN).state is RunState.FINISHED


def test_after_three_requeues_a_run_is_crashed(world: World) -> None:
    for attempt in (1, 2, 3, 4):
        session = world.attach(f"agent-{attempt}")
        start = world.takes_one(session)
        assert start.ref.attempt == attempt
        world.leaves(session)
        world.passes(200)
    run = world.run(RUN)
    assert run.state is RunState.CRASHED
    assert "requeued 3 times" in run.reason


def test_a_late_agent_keeps_its_run_if_no_other_agent_has_it(world: World) -> None:
    session = world.attach()
    start = world.takes_one(session)
    world.leaves(session)
    world.passes(200)
    assert world.run(RUN).requeues == 1
    late = world.attach("ann", attempts=(world.held(RUN, start.ref),))
    assert fates(world) == [Fate.KEEP]
    assert (world.run(RUN).state, world.run(RUN).requeues) == (RunState.RUNNING, 0)
    world.exits(late, start.ref)
    assert world.run(RUN).state is RunState.FINISHED


def test_an_agent_that_was_frozen_and_reports_on_its_old_stream_keeps_its_run(world: World) -> None:
    session = world.attach()
    start = world.takes_one(session)
    world.passes(200)
    assert world.run(RUN).state is RunState.PENDING
    world.exits(session, start.ref)
    assert world.run(RUN).state is RunState.FINISHED


def test_reports_of_an_older_attempt_are_fenced_and_change_nothing(world: World) -> None:
    ann = world.attach("ann")
    first = world.takes_one(ann)
    world.passes(200)
    bob = world.attach("bob")
    second = world.takes_one(bob)
    assert second.run.number == 1
    before = world.run(RUN)
    world.logs(ann, first.ref, 1, 0.1)
    assert world.sent[-1] == (ann, Fenced(first.ref))
    world.exits(ann, first.ref)
    assert world.sent[-1] == (ann, Fenced(first.ref))
    assert world.run(RUN) == before
    world.attach("ann", attempts=(world.held(RUN, first.ref),))
    assert fates(world) == [Fate.STOP]


def test_an_unknown_attempt_is_kept_by_its_agent(world: World) -> None:
    world.attach("ann", attempts=(ReportedAttempt(ref=AttemptRef(1, 1), known=None),))
    assert fates(world) == [Fate.UNKNOWN]


def test_an_ended_attempt_delivers_its_remaining_reports(world: World) -> None:
    session = world.attach()
    start = world.takes_one(session)
    world.exits(session, start.ref, Exit(cause=ExitCause.HANDED_BACK))
    again = world.attach("ann", attempts=(world.held(RUN, start.ref),))
    assert fates(world) == [Fate.DELIVER]
    world.exits(again, start.ref)
    assert world.last_sent(Ack).run_state is RunState.PENDING


def test_an_unconfirmed_hand_out_is_requeued_without_charge(world: World) -> None:
    session = world.attach()
    world.offer(session)
    world.passes(6)
    run = world.run(RUN)
    assert (run.state, run.requeues, run.newest.state) == (RunState.PENDING, 0, AttemptState.RETURNED)
    assert not world.stops()
    (again,) = world.offer(world.attach("bob"))
    assert (again.run.number, again.ref.attempt) == (1, 2)


def test_a_run_that_is_confirmed_too_late_has_a_start_time(world: World) -> None:
    session = world.attach()
    (start,) = world.offer(session)
    world.passes(5.5, silent=False)
    assert world.run((1, 1)).state is RunState.PENDING
    world.confirms(session, start)
    run = world.run((1, 1))
    assert run.state is RunState.RUNNING
    assert (
        run.start_time == run.newest.start_time == world.clock_reading.wall - 1
    )  # the event before this one


def test_a_hand_out_that_the_agent_refuses_goes_to_another_agent(world: World) -> None:
    ann, bob = world.attach("ann"), world.attach("bob")
    (start,) = world.offer(ann)
    world.offer(bob)
    world.happens(Answered(ann, start.command, "no room on the disk"))
    assert "no room on the disk" in world.run(RUN).reason
    assert world.run(RUN).state is RunState.PENDING


@pytest.mark.parametrize("refusal", ["", "no room on the disk"])
def test_a_returned_hand_out_goes_to_a_waiting_agent(refusal: str) -> None:
    world = World()
    world.create({**RANDOM, "run_cap": 1})
    ann, bob = world.attach("ann"), world.attach("bob")
    (start,) = world.offer(ann)
    assert not world.offer(bob)
    if refusal:
        world.happens(Answered(ann, start.command, refusal))
    else:
        world.passes(6)
    assert (world.run(RUN).newest.agent, world.run(RUN).attempt) == ("bob", 2)


def test_a_hand_out_that_the_new_stream_does_not_name_is_requeued_at_once(world: World) -> None:
    session = world.attach()
    world.offer(session)
    world.leaves(session)
    world.attach("ann")
    assert world.run(RUN).newest.state is AttemptState.RETURNED


def test_of_two_streams_of_one_agent_the_newer_wins(world: World) -> None:
    old = world.attach("ann")
    world.attach("ann")
    assert old not in world.state.sessions
    with pytest.raises(DomainError) as refused:
        world.happens(
            Attached(
                session=Session(id=old, agent="ann", pid=1, host="h", version="", labels={}, slots=1),
                sweeps=(SweepName(PARENT, "s"),),
                attempts=(),
            )
        )
    assert refused.value.reason is Reason.STREAM_REPLACED


def test_the_older_stream_is_closed_with_the_reason() -> None:
    world = World()
    world.create(GRID_4)
    old = world.attach("ann")
    world.happens(Announced("new", "ann"))
    (closed,) = world.closed()
    assert closed.session == old
    assert closed.error.reason is Reason.STREAM_REPLACED


def test_an_agent_that_has_left_has_no_older_stream(world: World) -> None:
    world.leaves(world.attach("ann"))
    world.happens(Announced("new", "ann"))
    assert world.closed() == []


def test_after_a_restart_each_live_attempt_has_a_full_lease(world: World) -> None:
    world.takes_one(world.attach())
    world.passes(25)
    world.restarts()
    assert world.timers == [(world.now + world.state.timeouts.lease, LeaseDue(RUN, 1))]


def test_a_handle_chosen_by_the_agent_does_not_collide_with_those_of_the_scheduler(world: World) -> None:
    start = world.takes_one(world.attach())
    own = AttemptRef(FIRST_AGENT_HANDLE, start.ref.attempt)
    session = world.attach(attempts=(world.held(RUN, own),), slots=2)
    (second,) = world.offer(session, 1)
    assert second.ref.handle < FIRST_AGENT_HANDLE


@pytest.mark.parametrize(("sweep", "reason"), [("nosuch", Reason.NO_SUCH_NAME), ("over", Reason.SWEEP_ENDED)])
def test_an_agent_of_an_unknown_or_ended_sweep_is_refused(world: World, sweep: str, reason: Reason) -> None:
    world.create(RANDOM, "over")
    world.happens(StopSweep(SweepName(PARENT, "over")))
    with pytest.raises(DomainError) as refused:
        world.attach("bob", sweep)
    assert refused.value.reason is reason


def test_only_the_attempts_that_a_heartbeat_names_are_renewed(world: World) -> None:
    session = world.attach(slots=2)
    first, second = world.takes_one(session), world.takes_one(session)
    before, now = world.now, world.now + 9.0
    world.state.renew_leases("another session", now)
    assert set(world.state.last_seen.values()) == {before}
    world.state.renew_leases(session, now, [second.ref])
    assert world.state.last_seen == {first.run.key: before, second.run.key: now}
    world.state.renew_leases(session, now)
    assert world.state.last_seen == {first.run.key: now, second.run.key: now}
    world.state.renew_all(now + 1.0)
    assert set(world.state.last_seen.values()) == {now + 1.0}


def test_a_lease_of_what_nobody_holds_any_longer_does_nothing(world: World) -> None:
    session = world.attach()
    start = world.takes_one(session)
    world.exits(session, start.ref)
    count = len(world.changes)
    world.happens(LeaseDue(start.run.key, 1))
    assert len(world.changes) == count


@pytest.mark.parametrize(
    ("sweeps", "refused"),
    [
        (("live",), None),
        (("ended",), "local/demo/ended hands out no more runs; its state is cancelled"),
        (("ending",), "local/demo/ending hands out no more runs; its state is running"),
        (("ended", "ending"), "local/demo/ended hands out no more runs; its state is cancelled"),
        (("ended", "live"), None),
        (("live", "ended"), None),
        (("unknown", "ended"), "local/demo/ended hands out no more runs; its state is cancelled"),
        (("unknown", "live"), None),
        (("unknown",), "local/demo/unknown does not exist"),
        ((), "a sweep does not exist"),
    ],
)
def test_an_agent_without_attempts_needs_a_sweep_that_hands_out_runs(
    world: World, sweeps: tuple[str, ...], refused: str | None
) -> None:
    for name in ("live", "ended", "ending"):
        world.create(RANDOM, name)
    world.takes_one(world.attach(sweep="ending"))
    world.happens(CancelSweep(SweepName(PARENT, "ended")))
    world.happens(StopSweep(SweepName(PARENT, "ending")))
    world.happens(Announced("new", "bob"))
    session = Session(id="new", agent="bob", pid=1, host="host", version="0", labels={}, slots=1)
    event = Attached(session=session, sweeps=tuple(SweepName(PARENT, each) for each in sweeps), attempts=())
    if refused is not None:
        with pytest.raises(DomainError, match=refused):
            world.happens(event)
        return
    world.happens(event)
    ended = [command.name for to, command in world.sent if to == "new" and isinstance(command, SweepEnded)]
    assert ended == ["local/demo/ended"] * ("ended" in sweeps)
