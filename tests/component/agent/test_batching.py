"""Batching: reports that are due at the same time share one message."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import cast

import grpc.aio

from sweepd import v1
from sweepd.v1.agent_service_pb2_grpc import AgentServiceServicer, add_AgentServiceServicer_to_server
from sweepd_agent.core.attempt import AttemptKey
from sweepd_agent.wire.feed import Feed
from sweepd_agent.wire.stream import Stream

WANTED = [3, 2, 1]


class OfferingAgent:
    """Make three offers on the welcome, then leave."""

    def __init__(self) -> None:
        self.received: list[str | None] = []

    def hello(self, handles: dict[int, AttemptKey]) -> v1.Hello:
        return v1.Hello(agent_id="a")

    def welcomed(self, stream: Stream, welcome: v1.Welcome) -> None:
        for wanted in WANTED:
            stream.control(v1.AttachRequest(offer=v1.Offer(wanted=wanted)))
        stream.leave("nothing more to say")

    def commanded(self, stream: Stream, response: v1.AttachResponse) -> None:
        self.received.append(response.WhichOneof("command"))

    def feeds(self) -> Sequence[Feed]:
        return []

    def alive(self) -> Iterator[Feed]:
        return iter(())

    def exit_sent(self, feed: Feed) -> None:
        raise AssertionError


class RecordingServicer(AgentServiceServicer):
    """Welcome an agent, send it two commands in one message, and keep its reports."""

    def __init__(self) -> None:
        self.messages: list[v1.AttachRequest] = []

    async def Attach(  # noqa: N802
        self, request_iterator: AsyncIterator[v1.AttachRequest], context: object
    ) -> AsyncIterator[v1.AttachResponse]:
        await anext(request_iterator)
        yield v1.AttachResponse(welcome=v1.Welcome())
        ended = v1.AttachResponse(sweep_ended=v1.SweepEnded(sweep="a/b/c"))
        yield v1.AttachResponse(ineligible=v1.Ineligible(sweep="a/b/c"), more=[ended])
        async for message in request_iterator:
            self.messages.append(message)

    async def ListAgents(self, request: object, context: object) -> v1.ListAgentsResponse:  # noqa: N802
        raise NotImplementedError

    async def ReleaseAgent(self, request: object, context: object) -> v1.ReleaseAgentResponse:  # noqa: N802
        raise NotImplementedError


def test_waiting_reports_and_commands_share_one_message() -> None:
    async def scenario() -> tuple[list[v1.AttachRequest], list[str | None]]:
        agent, servicer = OfferingAgent(), RecordingServicer()
        server = grpc.aio.server()
        add_AgentServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await Stream(agent).run(channel, (), lambda: None)
        await server.stop(None)
        return servicer.messages, agent.received

    messages, received = asyncio.run(asyncio.wait_for(scenario(), 20))
    reports = [each for message in messages for each in (message, *message.more)]
    assert [each.offer.wanted for each in reports[:-1]] == WANTED
    assert reports[-1].HasField("goodbye")
    assert len(messages) == 1
    assert received == cast("list[str | None]", ["ineligible", "sweep_ended"])
