"""A program of ill-mannered clients: readers that take nothing, senders that say nothing."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

import grpc.aio

from component.metric_store import messages
from component.metric_store.processes import stub
from sweepd import v1

CONNECTIONS = 6
STREAMS_PER_CONNECTION = 80


async def crowd(address: str) -> None:
    """Hold many streams until the program's input ends."""
    held: list[grpc.aio.Call] = []
    async with AsyncExitStack() as connections:
        for _ in range(CONNECTIONS):
            service = await connections.enter_async_context(stub(address))
            for _ in range(STREAMS_PER_CONNECTION // 4):
                held += [
                    service.WatchHistory(v1.WatchHistoryRequest(sweep=messages.SWEEP)),
                    service.ExportPoints(v1.ExportPointsRequest(sweep=messages.SWEEP)),
                    service.AppendPoints(),
                    service.AppendLog(),
                ]
        await asyncio.to_thread(sys.stdin.read)
        for call in held:
            call.cancel()


if __name__ == "__main__":
    asyncio.run(crowd(sys.argv[1]))
