"""Latency of other calls while a person stops, retries or cancels 10,000 runs at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.server import Daemon, cpu_seconds, running_daemon
from sweepd import v1
from sweepd.rpc.channel import open_channel
from sweepd.v1.run_service_pb2_grpc import RunServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub

if TYPE_CHECKING:
    from sweepd.v1.sweep_service_pb2_grpc import SweepServiceAsyncStub

RUNS = 10_000
REPEATS = 1_000
CALL_TIMEOUT = 120.0
IDLE_SECONDS = 2.0
BETWEEN_CALLS = 0.01
SWEEP = """
program: none
method: random
metric: {name: loss}
repeats: %d
parameters:
  x: {min: 0.0, max: 1.0}
"""


@dataclass(slots=True)
class Latencies:
    """Latencies of calls, in seconds."""

    reads: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        read, write = max(self.reads), max(self.writes)
        return f"slowest read {1000 * read:4.0f} ms, slowest write {1000 * write:4.0f} ms"


async def _repeat_until(
    ended: asyncio.Event, call: Callable[[], Awaitable[object]], latencies: list[float]
) -> None:
    """Repeat a call until `ended` is set, and record the duration of each, including the last."""
    while not ended.is_set():
        began = time.perf_counter()
        await call()
        latencies.append(time.perf_counter() - began)
        await asyncio.sleep(BETWEEN_CALLS)


@contextlib.asynccontextmanager
async def _concurrent_calls(daemon: Daemon, name: str) -> AsyncIterator[Latencies]:
    """Read a sweep and write to it repeatedly, in two concurrent tasks, until the block ends."""
    latencies = Latencies()
    async with open_channel(daemon.address, daemon.token) as channel:
        stub = SweepServiceStub(channel)

        async def read() -> None:
            await stub.GetSweep(v1.GetSweepRequest(name=name))

        async def write() -> None:
            await stub.PauseSweep(v1.PauseSweepRequest(name=name, request_id=uuid.uuid4().hex))

        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(_repeat_until(ended, read, latencies.reads))
            group.create_task(_repeat_until(ended, write, latencies.writes))
            yield latencies
            ended.set()


async def _create(sweeps: SweepServiceAsyncStub, repeats: int) -> str:
    file = v1.SweepFile(file_name="bench.yaml", content=(SWEEP % repeats).encode())
    answer = await sweeps.CreateSweep(v1.CreateSweepRequest(parent="local/bench", file=file))
    return answer.sweep.name


async def _measure(daemon: Daemon) -> None:
    async with open_channel(daemon.address, daemon.token) as channel:
        sweeps, runs = SweepServiceStub(channel), RunServiceStub(channel)
        large, other = await _create(sweeps, REPEATS), await _create(sweeps, 1)
        for _ in range(RUNS // REPEATS):
            await runs.EnqueueRun(v1.EnqueueRunRequest(sweep=large), timeout=CALL_TIMEOUT)

        async def stop() -> None:
            await sweeps.StopSweep(v1.StopSweepRequest(name=large), timeout=CALL_TIMEOUT)

        async def retry() -> None:
            wanted = v1.RetryRunsRequest(sweep=large, states=[v1.RUN_STATE_STOPPED])
            answer = await runs.RetryRuns(wanted, timeout=CALL_TIMEOUT)
            assert answer.total == RUNS, answer.total

        async def cancel() -> None:
            await sweeps.CancelSweep(v1.CancelSweepRequest(name=large), timeout=CALL_TIMEOUT)

        async with _concurrent_calls(daemon, other) as latencies:
            await asyncio.sleep(IDLE_SECONDS)
        print(f"  idle server: {latencies}")
        for what, call in (("stop", stop), ("retry", retry), ("cancel", cancel)):
            async with _concurrent_calls(daemon, other) as latencies:
                began, cpu = time.perf_counter(), cpu_seconds(daemon.processes())
                await call()
                took, cpu = time.perf_counter() - began, cpu_seconds(daemon.processes()) - cpu
            print(f"  {what:6s} takes {took:4.1f} s, {cpu:4.1f} s CPU of the server: {latencies}", flush=True)


def main() -> None:
    """Print the latency of other calls on an idle server, and during a stop, a retry and a cancellation."""
    print(f"latency of other calls during one call about {RUNS} waiting or stopped runs")
    with running_daemon() as daemon:
        asyncio.run(_measure(daemon))
