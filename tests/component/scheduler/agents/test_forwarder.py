"""Forwarding to the metric store by lane: bodies are not parsed, and agents receive the cursors."""

import asyncio
import logging
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest

from lanes import LANES, cursor
from sweepd import v1
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd_kernel.clock import SystemClock
from sweepd_scheduler.agents import codec
from sweepd_scheduler.agents.forwarder import LANES as FORWARDED
from sweepd_scheduler.agents.forwarder import Forwarders
from sweepd_scheduler.agents.outboxes import Outbox, Outboxes
from sweepd_scheduler.domain.agents.agent import AttemptRef, HandleEntry
from sweepd_scheduler.domain.events import Timeouts

REF = AttemptRef(3, 2)
OF = HandleEntry(key=(1, 7), attempt=2, run="local/demo/s-7", sweep="local/demo/s")


def rejecting(requests: list[v1.AppendRequest]) -> grpc.GenericRpcHandler:
    """Return a metric store that rejects every request; its cursor is 4."""

    async def append(
        incoming: AsyncIterator[v1.AppendRequest], _context: object
    ) -> AsyncIterator[v1.AppendResponse]:
        async for request in incoming:
            requests.append(request)
            yield v1.AppendResponse(lane=request.lane, cursor=4, rejection="not today")

    handler = grpc.stream_stream_rpc_method_handler(
        append, v1.AppendRequest.FromString, v1.AppendResponse.SerializeToString
    )
    return grpc.method_handlers_generic_handler("sweepd.v1.MetricService", {"Append": handler})


@pytest.mark.parametrize("lane", LANES, ids=v1.Lane.Name)
def test_a_rejection_is_logged_with_its_reason_and_the_cursor_is_acknowledged(
    lane: v1.Lane.ValueType, caplog: pytest.LogCaptureFixture
) -> None:
    piece = v1.LanePiece(lane=lane, start=4, end=6, body=b"\xff not even a message")

    async def scenario() -> None:
        requests: list[v1.AppendRequest] = []
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((rejecting(requests),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        outboxes, outbox = Outboxes(Timeouts()), Outbox("session", "ann")
        outboxes.open(outbox)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            open_call = MetricServiceStub(channel).Append
            log = logging.getLogger("test.forwarder")
            forwarders = Forwarders(open_call, outboxes.acknowledge, SystemClock(), log)
            tasks = forwarders.tasks()
            forwarder = forwarders.of(lane)
            assert forwarder is not None
            forwarder.offer("session", REF, codec.append_request(piece, OF, 12))
            async with asyncio.timeout(15):
                ack = (await anext(outbox.messages())).ack
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await server.stop(None)
        assert cursor(ack, lane) == 4
        assert (ack.attempt.run_handle, ack.attempt.attempt) == (3, 2)
        (request,) = requests
        assert (request.run, request.sweep, request.attempt) == (OF.run, OF.sweep, 2)
        assert (request.lane, request.start, request.end, request.body) == (lane, 4, 6, piece.body)
        assert request.resumed_from_step == 12

    asyncio.run(scenario())
    assert f"rejected {FORWARDED[lane].name} of local/demo/s-7, attempt 2: not today" in caplog.text


def test_only_lanes_of_the_metric_store_are_forwarded() -> None:
    assert list(FORWARDED) == LANES
