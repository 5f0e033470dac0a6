"""Client calls that these tests share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest

from component.kernel.small_processes import Daemon
from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from token_channel import token_channel


@asynccontextmanager
async def gateway(daemon: Daemon) -> AsyncIterator[grpc.aio.Channel]:
    async with token_channel(daemon.address, daemon.token) as opened:
        yield opened


def run(main: Coroutine[object, object, None]) -> None:
    asyncio.run(main)


def unary(opened: grpc.aio.Channel, method: str, request: bytes) -> "grpc.aio.UnaryUnaryCall[bytes, bytes]":
    callable_: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = opened.unary_unary(method)
    return callable_(request)


def streams(opened: grpc.aio.Channel, method: str) -> "grpc.aio.StreamStreamCall[bytes, bytes]":
    callable_: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = opened.stream_stream(method)
    return callable_()


async def failure(call: Awaitable[object]) -> Failure:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return Failure.of(caught.value)


async def sweep(opened: grpc.aio.Channel, name: str, deadline: float = 10.0) -> str:
    answer = await SweepServiceStub(opened).GetSweep(v1.GetSweepRequest(name=name), timeout=deadline)
    return answer.sweep.name
