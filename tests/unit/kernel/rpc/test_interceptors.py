"""A caller that disconnects during its call is not a failure, even before gRPC has noticed it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

import grpc
import grpc.aio
import pytest

from sweepd_kernel.errors import DomainError, Status
from sweepd_kernel.rpc.interceptors import ErrorMapping

LOG = logging.getLogger("test")


class DisconnectedCaller:
    """The context of a caller that has disconnected."""

    def __init__(self) -> None:
        self.aborted = 0

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def cancelled(self) -> bool:
        return False

    async def abort(self, *_: object) -> None:
        if self.aborted:
            raise grpc.aio.UsageError("Abort already called!")
        self.aborted += 1
        raise grpc.aio.InternalError("Failed execute_batch")

    async def write(self, _: object) -> None:
        raise grpc.aio.InternalError("Failed execute_batch")


async def refuses(_: object, __: DisconnectedCaller) -> None:
    raise DomainError("no such sweep", status=Status.NOT_FOUND)


async def aborts(_: object, context: DisconnectedCaller) -> None:
    await context.abort(grpc.StatusCode.NOT_FOUND, "no such sweep")


async def writes(_: object, context: DisconnectedCaller) -> None:
    await context.write(b"row")


async def mapped(
    behaviour: Callable[[object, DisconnectedCaller], Awaitable[None]],
) -> Callable[..., Awaitable[None]]:
    handler: grpc.RpcMethodHandler[object, object] = grpc.unary_stream_rpc_method_handler(behaviour)

    async def continuation(_: object) -> "grpc.RpcMethodHandler[object, object]":
        return handler

    class Details:
        method = "/test.Streams/Talk"
        invocation_metadata: tuple[tuple[str, str | bytes], ...] = ()

    found = await ErrorMapping(LOG).intercept_service(continuation, Details())
    assert found is not None
    return cast("Callable[..., Awaitable[None]]", found.unary_stream)


@pytest.mark.parametrize("behaviour", [refuses, aborts, writes])
def test_a_disconnected_caller_is_not_logged_as_a_failure(
    behaviour: Callable[[object, DisconnectedCaller], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        await (await mapped(behaviour))(b"", DisconnectedCaller())

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert caplog.records == []
