"""What is handed on to the metric store, kind by kind: what it refuses is told, and its cursor goes back."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message

from sweepd import v1
from sweepd_kernel.clock import SystemClock
from sweepd_scheduler import parcels
from sweepd_scheduler.domain.agents.agent import AttemptRef, Held
from sweepd_scheduler.domain.timing import Timeouts
from sweepd_scheduler.lines import Line, Lines
from sweepd_scheduler.relays import Relays, relays_to

REF = AttemptRef(3, 2)
OF = Held(key=(1, 7), attempt=2, run="local/demo/s-7", sweep="local/demo/s")


def refusing(requests: list[Message]) -> grpc.GenericRpcHandler:
    """A metric store that refuses whatever comes, and stands at 4."""

    def refused(
        read: Callable[[bytes], Message], answer: Message
    ) -> "grpc.RpcMethodHandler[Message, Message]":
        async def answers(coming: AsyncIterator[Message], _context: object) -> AsyncIterator[Message]:
            async for request in coming:
                requests.append(request)
                yield answer

        return grpc.stream_stream_rpc_method_handler(answers, read, lambda each: each.SerializeToString())

    log_answer = v1.AppendLogResponse(offset=4, rejection="not today")
    return grpc.method_handlers_generic_handler(
        "sweepd.v1.MetricService",
        {
            "AppendPoints": refused(
                v1.AppendPointsRequest.FromString, v1.AppendPointsResponse(row=4, rejection="not today")
            ),
            "AppendLog": refused(v1.AppendLogRequest.FromString, log_answer),
            "AppendFiles": refused(
                v1.AppendFilesRequest.FromString, v1.AppendFilesResponse(number=4, rejection="not today")
            ),
        },
    )


def points(relays: Relays) -> None:
    batch = v1.PointBatch(first_row=5, last_row=6)
    parcel = parcels.points(OF, v1.PointReport(batch=batch), 12, system=False)
    assert (parcel.start, parcel.end, parcel.request.resumed_from_step) == (4, 6, 12)
    relays.points.offer("session", REF, parcel)


def samples(relays: Relays) -> None:
    parcel = parcels.points(OF, v1.PointReport(batch=v1.PointBatch(last_row=1)), None, system=True)
    assert (parcel.start, parcel.end, parcel.request.system) == (0, 1, True)
    relays.system.offer("session", REF, parcel)


def log(relays: Relays) -> None:
    parcel = parcels.log(OF, v1.LogReport(offset=4, content=b"hello"))
    assert (parcel.start, parcel.end) == (4, 9)
    relays.logs.offer("session", REF, parcel)


def files(relays: Relays) -> None:
    parcel = parcels.file(OF, v1.FileReport(number=5))
    assert (parcel.start, parcel.end) == (4, 5)
    relays.files.offer("session", REF, parcel)


@pytest.mark.parametrize(
    ("what", "offer", "cursor"),
    [
        ("points", points, "point_row"),
        ("samples", samples, "system_row"),
        ("logs", log, "log_offset"),
        ("files", files, "file_number"),
    ],
)
def test_what_is_refused_is_told_with_the_reason_and_the_agent_hears_the_cursor(
    what: str, offer: Callable[[Relays], None], cursor: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        requests: list[Message] = []
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((refusing(requests),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        lines, line = Lines(Timeouts()), Line("session", "ann")
        lines.open(line)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            relays = relays_to(channel, (), lines, SystemClock(), logging.getLogger("test.relays"))
            tasks = relays.tasks()
            offer(relays)
            async with asyncio.timeout(15):
                ack = (await anext(line.messages())).ack
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await server.stop(None)
        assert getattr(ack, cursor) == 4
        assert (ack.attempt.run_handle, ack.attempt.attempt) == (3, 2)
        (request,) = requests
        assert (request.run, request.sweep, request.attempt) == (OF.run, OF.sweep, 2)  # type: ignore[attr-defined]

    asyncio.run(scenario())
    assert f"{what} of local/demo/s-7, attempt 2, refused: not today" in caplog.text
