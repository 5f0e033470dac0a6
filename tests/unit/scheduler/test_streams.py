"""What goes down to agents and to readers of a watch: merged, in order, and bounded."""

import asyncio

import pytest

from sweepd import v1
from sweepd_kernel.errors import DomainError, Reason
from sweepd_scheduler.domain.decision import RunChanged, SweepChanged
from sweepd_scheduler.lines import MAX_COMMANDS, Line
from sweepd_scheduler.ports import Changed
from sweepd_scheduler.reads import watch
from sweepd_scheduler.reads.watch import SlowReaderError, Watchers, send
from unit.scheduler.world import RANDOM, World


def ack(handle: int, row: int | None = None, *, exited: bool = False) -> v1.AttachResponse:
    ref = v1.AttemptRef(run_handle=handle, attempt=1)
    return v1.AttachResponse(ack=v1.Ack(attempt=ref, observation_row=row, exited=exited))


async def drained(line: Line) -> list[v1.AttachResponse]:
    line.end()
    return [message async for message in line.messages()]


def test_acknowledgements_of_one_attempt_merge_and_go_before_commands() -> None:
    line = Line("s", "a")
    line.send(v1.AttachResponse(start_run=v1.StartRun(command_id=1)))
    line.send(ack(1, 5))
    line.send(ack(2, 1))
    line.send(ack(1, 7))
    line.send(ack(1, exited=True))
    first, second, third = asyncio.run(drained(line))
    assert (first.ack.observation_row, first.ack.exited) == (7, True)
    assert second.ack.attempt.run_handle == 2
    assert third.start_run.command_id == 1


def test_the_welcome_is_first_whatever_else_waits() -> None:
    line = Line("s", "a")
    line.send(v1.AttachResponse(welcome=v1.Welcome(session="s")))
    line.send(ack(1, 5))
    first, _ = asyncio.run(drained(line))
    assert first.WhichOneof("command") == "welcome"


def test_an_agent_that_reads_nothing_is_given_up() -> None:
    line = Line("s", "a")
    for number in range(MAX_COMMANDS + 1):
        line.send(v1.AttachResponse(start_run=v1.StartRun(command_id=number)))
    with pytest.raises(DomainError) as refused:
        asyncio.run(drained(line))
    assert refused.value.reason is Reason.SLOW_READER


def test_heartbeats_of_an_agent_that_reads_nothing_take_no_memory() -> None:
    line = Line("s", "a")
    for _ in range(10 * MAX_COMMANDS):
        line.send(v1.AttachResponse(heartbeat_seen=v1.HeartbeatSeen()))
    (seen,) = asyncio.run(drained(line))
    assert seen.HasField("heartbeat_seen")


def test_an_agent_that_takes_several_has_what_waits_in_one_message_after_the_welcome() -> None:
    line = Line("s", "a", takes_several=True)
    line.send(v1.AttachResponse(welcome=v1.Welcome(session="s")))
    line.send(v1.AttachResponse(start_run=v1.StartRun(command_id=1)))
    line.send(ack(1, exited=True))
    line.send(v1.AttachResponse(heartbeat_seen=v1.HeartbeatSeen()))
    welcome, rest = asyncio.run(drained(line))
    assert not welcome.more
    kinds = [each.WhichOneof("command") for each in (rest, *rest.more)]
    assert kinds == ["ack", "start_run", "heartbeat_seen"]


def changes(count: int) -> list[RunChanged | SweepChanged]:
    world = World()
    world.create(RANDOM)
    world.offer(world.attach(slots=count), count)
    return [c for c in world.changes if isinstance(c, RunChanged | SweepChanged)]


def test_changes_of_a_run_are_gathered_into_its_newest_state() -> None:
    async def scenario() -> list[Changed]:
        watchers = Watchers()
        follower = watchers.follow(1)
        for number, change in enumerate(changes(3), start=1):
            watchers.publish([change], number)
        seen = [await anext(follower.changes())]
        watchers.leave(follower)
        watchers.publish(changes(1), 99)
        return seen

    (seen,) = asyncio.run(scenario())
    assert sorted(run.number for run in seen.runs) == [1, 2, 3]
    assert seen.sweep is not None
    assert seen.sweep.counts.total == 3


def test_what_is_part_of_the_snapshot_is_not_told_again() -> None:
    async def scenario() -> int:
        watchers = Watchers()
        follower = watchers.follow(1)
        follower.floor = 5
        watchers.publish(changes(1), 5)
        watchers.publish(changes(1), 6)
        return (await anext(follower.changes())).number

    assert asyncio.run(scenario()) == 6


def test_a_reader_too_far_behind_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MAX_WAITING_RUNS", 2)

    async def scenario() -> None:
        watchers = Watchers()
        follower = watchers.follow(1)
        watchers.publish(changes(3), 1)
        await anext(follower.changes())

    with pytest.raises(SlowReaderError):
        asyncio.run(scenario())


def test_a_reader_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweepd_scheduler.reads.watch.STALLED_AFTER", 0.01)

    async def never(_message: str) -> None:
        await asyncio.Event().wait()

    with pytest.raises(SlowReaderError):
        asyncio.run(send(never, "message"))
