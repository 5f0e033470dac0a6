"""Outboxes of agents: acknowledgements merge, commands keep their order, and all of it is bounded."""

import asyncio

import pytest

from lanes import cursor
from sweepd import v1
from sweepd_kernel.errors import DomainError, Reason
from sweepd_scheduler.agents.outboxes import MAX_COMMANDS, Outbox, Outboxes
from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.effects import Ack
from sweepd_scheduler.domain.events import Timeouts
from sweepd_scheduler.domain.transitions import RunState

ONE, TWO = AttemptRef(1, 1), AttemptRef(2, 1)
END = Ack(ref=ONE, run_state=RunState.FINISHED)


def an_outbox() -> tuple[Outboxes, Outbox]:
    outboxes, outbox = Outboxes(Timeouts()), Outbox("s", "a")
    outboxes.open(outbox)
    return outboxes, outbox


async def drained(outbox: Outbox) -> list[v1.AttachResponse]:
    outbox.end()
    return [each for message in [m async for m in outbox.messages()] for each in (message, *message.more)]


def test_acknowledgements_of_one_attempt_merge_and_go_before_commands() -> None:
    outboxes, outbox = an_outbox()
    outbox.send(v1.AttachResponse(start_run=v1.StartRun(command_id=1)))
    outboxes.send("s", Ack(ref=ONE, observation_row=5), None)
    outboxes.send("s", Ack(ref=TWO, observation_row=1), None)
    outboxes.acknowledge(v1.LANE_LOG, "s", ONE, 80)
    outboxes.send("s", Ack(ref=ONE, observation_row=7), None)
    outboxes.send("s", END, None)
    outboxes.send("s", Ack(ref=ONE, details_sequence=2), None)
    first, second, third = asyncio.run(drained(outbox))
    assert {each.lane: each.cursor for each in first.ack.cursors} == {
        v1.LANE_OBSERVATIONS: 7,
        v1.LANE_LOG: 80,
        v1.LANE_DETAILS: 2,
    }
    assert (first.ack.exited, first.ack.run_state) == (True, v1.RUN_STATE_FINISHED)
    assert (second.ack.attempt.run_handle, cursor(second.ack, v1.LANE_OBSERVATIONS)) == (2, 1)
    assert not second.ack.exited
    assert third.start_run.command_id == 1


def test_the_latest_cursor_of_a_lane_is_sent_even_if_it_is_lower() -> None:
    outboxes, outbox = an_outbox()
    outboxes.acknowledge(v1.LANE_POINTS, "s", ONE, 9)
    outboxes.acknowledge(v1.LANE_POINTS, "s", ONE, 4)
    (message,) = asyncio.run(drained(outbox))
    assert cursor(message.ack, v1.LANE_POINTS) == 4


def test_the_welcome_is_sent_first_and_in_a_message_of_its_own() -> None:
    outboxes, outbox = an_outbox()
    outbox.send(v1.AttachResponse(welcome=v1.Welcome(session="s")))
    outboxes.send("s", Ack(ref=ONE, observation_row=5), None)
    outbox.end()

    async def messages() -> list[v1.AttachResponse]:
        return [message async for message in outbox.messages()]

    first, second = asyncio.run(messages())
    assert (first.WhichOneof("command"), len(first.more)) == ("welcome", 0)
    assert second.HasField("ack")


def test_the_session_of_an_agent_that_reads_nothing_is_closed() -> None:
    _, outbox = an_outbox()
    for number in range(MAX_COMMANDS + 1):
        outbox.send(v1.AttachResponse(start_run=v1.StartRun(command_id=number)))
    with pytest.raises(DomainError) as refused:
        asyncio.run(drained(outbox))
    assert refused.value.reason is Reason.SLOW_READER


def test_heartbeats_of_an_agent_that_reads_nothing_take_no_memory() -> None:
    _, outbox = an_outbox()
    for _ in range(10 * MAX_COMMANDS):
        outbox.confirm_heartbeat()
    (seen,) = asyncio.run(drained(outbox))
    assert seen.HasField("heartbeat_seen")


def test_queued_commands_are_sent_in_one_message() -> None:
    outboxes, outbox = an_outbox()
    outbox.send(v1.AttachResponse(start_run=v1.StartRun(command_id=1)))
    outboxes.send("s", END, None)
    outbox.confirm_heartbeat()
    outbox.end()

    async def messages() -> list[v1.AttachResponse]:
        return [message async for message in outbox.messages()]

    (message,) = asyncio.run(messages())
    kinds = [each.WhichOneof("command") for each in (message, *message.more)]
    assert kinds == ["ack", "start_run", "heartbeat_seen"]


def test_an_ended_session_is_sent_nothing() -> None:
    outboxes, outbox = an_outbox()
    outboxes.close(outbox)
    outboxes.send("s", END, None)
    outboxes.acknowledge(v1.LANE_POINTS, "s", ONE, 1)
    assert asyncio.run(drained(outbox)) == []
