"""Connections without a token, more than the process has descriptors for; P26."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from component.metric_store import messages
from component.metric_store.processes import StoreProcess, stub
from sweepd import v1
from sweepd_kernel.rpc.connections import SCAN_THRESHOLD
from waiting import until

DESCRIPTORS = 1_024
CONNECTIONS = 2_000
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)
FIRST_BYTES = (b"", PREFACE[:10], PREFACE + SETTINGS, PREFACE + SETTINGS + PING, b"GET / HTTP/1.1\r\n\r\n")


def open_connections(address: str, stack: ExitStack, count: int) -> None:
    host, _, port = address.rpartition(":")
    for number in range(count):
        connection = stack.enter_context(socket.socket())
        connection.setblocking(False)
        connection.connect_ex((host, int(port)))
        time.sleep(0)
        with suppress(OSError):  # not accepted yet, or already closed
            connection.send(FIRST_BYTES[number % len(FIRST_BYTES)])


def descriptors_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_unauthenticated_connections_neither_delay_calls_nor_end_streams(metric_store: StoreProcess) -> None:
    resource.prlimit(metric_store.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))

    async def scenario() -> None:
        async with stub(metric_store.address) as holder:
            stream = holder.WatchHistory(v1.WatchHistoryRequest(sweep=messages.SWEEP))
            await holder.ListSummaries(v1.ListSummariesRequest(sweep=messages.SWEEP))
            with ExitStack() as stack:
                for _ in range(4):
                    await asyncio.to_thread(open_connections, metric_store.address, stack, CONNECTIONS // 4)
                    async with stub(metric_store.address) as newcomer:
                        await newcomer.ListSummaries(
                            v1.ListSummariesRequest(sweep=messages.SWEEP), timeout=30, wait_for_ready=True
                        )
                async with stub(metric_store.address) as newcomer:
                    begin = time.monotonic()
                    await newcomer.ListSummaries(
                        v1.ListSummariesRequest(sweep=messages.SWEEP), timeout=30, wait_for_ready=True
                    )
                    assert time.monotonic() - begin < 1.0
                await asyncio.to_thread(until, lambda: descriptors_of(metric_store.pid) <= SCAN_THRESHOLD)
                assert not stream.done()
                await holder.ListSummaries(v1.ListSummariesRequest(sweep=messages.SWEEP))
            stream.cancel()

    asyncio.run(asyncio.wait_for(scenario(), 90))
