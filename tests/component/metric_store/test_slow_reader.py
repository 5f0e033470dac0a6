"""Slow readers: the watch of a client that does not read is ended, and cancelled calls are released."""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest

from component.metric_store import messages
from component.metric_store.processes import SCHEDULER, TOKEN, stub
from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd_kernel.auth.authenticator import Authenticator
from sweepd_kernel.clock import SystemClock
from sweepd_kernel.flags import Address
from sweepd_kernel.rpc import slow_readers
from sweepd_kernel.rpc.interceptors import Authentication, ErrorMapping
from sweepd_kernel.service import ServiceContext
from sweepd_metric_store.app import SERVICE, MetricStore
from waiting import until_async


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[str, MetricStore]]:
    """Serve in this process, where timeouts can be patched."""
    log = logging.getLogger("test")
    service = await SERVICE.open(
        ServiceContext(
            flags=argparse.Namespace(),
            data=folder,
            listen=Address("127.0.0.1", 0),
            service_token=TOKEN,
            access_token="",
            clock=SystemClock(),
            log=log,
        )
    )
    authenticator = Authenticator(service_token=TOKEN, access_token=None)
    server = grpc.aio.server(interceptors=(Authentication(authenticator), ErrorMapping(log)))
    assert isinstance(service, MetricStore)
    service.register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await service.start(f"127.0.0.1:{port}")
    async with stub(f"127.0.0.1:{port}") as calls:
        await calls.PairDatabases(v1.PairDatabasesRequest(scheduler=SCHEDULER))
    yield f"127.0.0.1:{port}", service
    await service.stop()
    await server.stop(0)


async def awaitable(value: object) -> object:
    return value


def test_a_watch_that_is_not_read_ends_with_slow_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_readers, "STALL_SECONDS", 0.2)

    async def stall() -> Failure:
        async with served(tmp_path) as (address, store), stub(address) as service:
            for row in range(1, 200_000, 10_000):
                await service.Append(iter([messages.points(row, [1.0] * 10_000)])).read()
            call = service.WatchHistory(v1.WatchHistoryRequest(sweep=messages.SWEEP))
            await until_async(lambda: awaitable(store._subscriptions._open))
            await until_async(lambda: awaitable(not store._subscriptions._open))
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                async for _ in call:
                    pass
            return Failure.of(refusal.value)

    failure = asyncio.run(stall())
    assert (failure.code, failure.reason) == ("RESOURCE_EXHAUSTED", "slow-reader")


def test_cancelled_calls_release_their_resources(tmp_path: Path) -> None:
    async def cancel_calls() -> tuple[int, int, int]:
        async with served(tmp_path) as (address, store):
            tasks = len(asyncio.all_tasks())
            async with stub(address) as service:
                await service.Append(iter([messages.points(1, [1.0] * 5_000)])).read()
                for _ in range(20):
                    watching_call = service.WatchHistory(v1.WatchHistoryRequest(sweep=messages.SWEEP))
                    await watching_call.read()
                    following = service.ReadLog(v1.ReadLogRequest(run=messages.run(), follow=True))
                    appending = service.Append()
                    await appending.write(messages.points(1, [1.0]))
                    await appending.read()
                    for call in (watching_call, following, appending):
                        call.cancel()
            await until_async(lambda: awaitable(not store._subscriptions._open and not store._streams._ends))
            await until_async(lambda: awaitable(len(asyncio.all_tasks()) <= tasks))
            left = len(asyncio.all_tasks()) - tasks
            return len(store._subscriptions._open), len(store._streams._ends), left

    followers, streams, tasks = asyncio.run(cancel_calls())
    assert (followers, streams) == (0, 0)
    assert tasks <= 0
