"""Load: other calls are answered within a second, and memory stays bounded."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from component.metric_store import messages
from component.metric_store.processes import StoreProcess, stub
from sweepd import v1

if TYPE_CHECKING:
    from sweepd.v1.metric_service_pb2_grpc import MetricServiceAsyncStub

MIB = 1024 * 1024
TESTS = Path(__file__).resolve().parents[2]


def memory(store: StoreProcess) -> int:
    status = Path(f"/proc/{store.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


async def filled(address: str) -> None:
    async with stub(address) as service:
        batches = (
            messages.points(1 + at * 5_000, [1.0] * 5_000, number=number)
            for number in range(1, 5)
            for at in range(20)
        )
        async for _ in service.Append(iter(batches)):
            pass


async def seconds_of_calls(address: str, *, calls: int) -> float:
    """Append and read a little, repeatedly; return the time below which nine in ten pairs of calls stay.

    The slowest pair is not returned: the machine may be busy with other tests.
    """
    loop = asyncio.get_running_loop()
    took: list[float] = []
    async with stub(address) as service:
        for row in range(1, calls + 1):
            began = loop.time()
            await service.Append(iter([messages.points(row, [1.0], number=99)])).read()
            await service.GetHistory(v1.GetHistoryRequest(runs=[messages.run(1)], max_points=100))
            took.append(loop.time() - began)
            await asyncio.sleep(0.05)
    return sorted(took)[len(took) * 9 // 10]


def test_idle_readers_and_senders_delay_no_other_call_and_take_little_memory(
    metric_store: StoreProcess,
) -> None:
    asyncio.run(filled(metric_store.address))
    asyncio.run(seconds_of_calls(metric_store.address, calls=3))
    before = memory(metric_store)
    # In another process: the clients would otherwise delay the measured calls themselves.
    idle = subprocess.Popen(
        [sys.executable, "-m", "component.metric_store.idle_clients", metric_store.address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    try:
        assert idle.stdout is not None
        assert idle.stdout.readline() == b"open\n"
        seconds = asyncio.run(seconds_of_calls(metric_store.address, calls=20))
        grown = memory(metric_store) - before
        assert idle.poll() is None
    finally:
        idle.communicate()
    assert seconds < 1.0
    assert grown < 64 * MIB


def test_floods_from_some_streams_do_not_delay_others(metric_store: StoreProcess) -> None:
    batches = [messages.points(1 + at * 2_000, [1.0] * 2_000) for at in range(200)]

    async def send_all(service: MetricServiceAsyncStub, number: int) -> None:
        call = service.Append()
        for batch in batches:
            await call.write(
                v1.AppendRequest(
                    run=messages.run(number),
                    sweep=messages.SWEEP,
                    attempt=1,
                    lane=batch.lane,
                    start=batch.start,
                    end=batch.end,
                    body=batch.body,
                )
            )

    async def flood() -> float:
        async with stub(metric_store.address) as flooding:
            sending = [asyncio.create_task(send_all(flooding, number)) for number in range(9, 13)]
            seconds = await seconds_of_calls(metric_store.address, calls=20)
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
            return seconds

    assert asyncio.run(flood()) < 1.0
