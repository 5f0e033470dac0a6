"""The status of a stream is that of the server, even while the client keeps writing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import grpc
import grpc.aio
import pytest

from sweepd.rpc.bidi_call import BidiCall

METHOD = "/test.Streams/Talk"
PAYLOAD = b"x" * 65_536
MESSAGES = [b"go", b"away", b"now"]
CALLS = 60

Context = grpc.aio.ServicerContext[bytes, bytes]
Behaviour = Callable[[AsyncIterator[bytes], Context], Awaitable[None]]
Call = BidiCall[bytes, bytes]


async def refuse(requests: AsyncIterator[bytes], context: Context) -> None:
    await anext(requests)
    await context.abort(grpc.StatusCode.NOT_FOUND, "no such sweep", (("why", "gone"),))


async def hang_up(requests: AsyncIterator[bytes], context: Context) -> None:
    await anext(requests)
    for text in MESSAGES:
        await context.write(text)


def against(behaviour: Behaviour, client: Callable[[Call], Awaitable[object]]) -> list[object]:
    """Return the final status of each of many concurrent calls."""

    async def main() -> list[object]:
        server = grpc.aio.server()
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "Talk": grpc.stream_stream_rpc_method_handler(behaviour)
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Streams", handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(METHOD)
                calls = [BidiCall(method()) for _ in range(CALLS)]
                return list(await asyncio.gather(*(client(call) for call in calls), return_exceptions=True))
        finally:
            await server.stop(0)

    return asyncio.run(main())


async def write_on(call: Call) -> None:
    with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        while True:
            await call.write(PAYLOAD)


async def talk(call: Call) -> list[bytes]:
    """Return the received messages although the client keeps writing."""
    writer = asyncio.create_task(write_on(call))
    answers = []
    while (message := await call.read()) is not None:
        answers.append(message)
    await writer
    return answers


async def only_write(call: Call) -> None:
    while True:
        await call.write(PAYLOAD)


def statuses(ends: list[object]) -> set[object]:
    return {
        (end.code(), end.details(), tuple(end.trailing_metadata()))
        if isinstance(end, grpc.aio.AioRpcError)
        else repr(end)
        for end in ends
    }


@pytest.mark.parametrize("client", [talk, only_write])
def test_a_refusal_is_received_even_during_a_write(client: Callable[[Call], Awaitable[object]]) -> None:
    refusal = (grpc.StatusCode.NOT_FOUND, "no such sweep", (("why", "gone"),))
    assert statuses(against(refuse, client)) == {refusal}


def test_messages_before_a_successful_end_are_read() -> None:
    assert statuses(against(hang_up, talk)) == {repr(MESSAGES)}


def test_a_call_abandoned_by_the_client_is_cancelled() -> None:
    async def give_up(call: Call) -> None:
        await call.write(PAYLOAD)
        assert await call.read() == PAYLOAD
        assert call.cancel()
        await call.read()

    async def echo(requests: AsyncIterator[bytes], context: Context) -> None:
        async for request in requests:
            await context.write(request)

    ends = against(echo, give_up)
    assert {type(end) for end in ends} == {asyncio.CancelledError}
