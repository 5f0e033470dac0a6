"""Program of idle clients: readers that do not read, and senders that do not send."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from typing import Any

import grpc.aio

from component.metric_store import messages
from component.metric_store.processes import stub
from sweepd import v1

CONNECTIONS = 6
STREAMS_PER_CONNECTION = 80


async def hold_streams(address: str) -> None:
    """Hold many streams until the program's input ends; print a line when all of them are open."""
    silent: list[grpc.aio.Call] = []
    readers: list[grpc.aio.UnaryStreamCall[Any, Any]] = []
    async with AsyncExitStack() as connections:
        for _ in range(CONNECTIONS):
            service = await connections.enter_async_context(stub(address))
            for _ in range(STREAMS_PER_CONNECTION // 4):
                silent += [service.Append(), service.Append()]
                readers += [
                    service.WatchHistory(v1.WatchHistoryRequest(sweep=messages.SWEEP)),
                    service.ExportPoints(v1.ExportPointsRequest(sweep=messages.SWEEP)),
                ]
        # A response shows that its stream, and those begun before it on the connection, are open.
        await asyncio.gather(*(reader.read() for reader in readers))
        os.write(sys.stdout.fileno(), b"open\n")
        await asyncio.to_thread(sys.stdin.read)
        for call in (*silent, *readers):
            call.cancel()


if __name__ == "__main__":
    asyncio.run(hold_streams(sys.argv[1]))
