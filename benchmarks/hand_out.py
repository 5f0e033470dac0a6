"""Throughput of runs, and of points acknowledged singly, at protocol level, beside Optuna's gRPC proxy."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import uuid

from benchmarks.optuna_proxy import running_proxy, trials_per_second
from benchmarks.protocol_agent import ProtocolAgent, Tally, attach_address
from benchmarks.server import Daemon, cpu_seconds, running_daemon
from sweepd import v1
from sweepd.rpc.channel import open_channel
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub

CLIENTS = (1, 8, 32)
WARM_UP_SECONDS = 1.0
SWEEP = b"""
program: none
method: random
metric: {name: loss}
parameters:
  x: {min: 0.0, max: 1.0}
"""


async def create_sweep(daemon: Daemon) -> str:
    """Create a random sweep without a cap; return its name."""
    async with open_channel(daemon.address, daemon.token) as channel:
        answer = await SweepServiceStub(channel).CreateSweep(
            v1.CreateSweepRequest(
                parent="local/bench",
                file=v1.SweepFile(file_name="bench.yaml", content=SWEEP),
                request_id=uuid.uuid4().hex,
            )
        )
    name: str = answer.sweep.name
    return name


async def _measure(
    daemon: Daemon, clients: int, seconds: float, *, points: bool
) -> tuple[float, float, Tally]:
    """Return the runs (or points) per second, the server CPU for each in milliseconds, and the tally."""
    sweep = await create_sweep(daemon)
    address = await attach_address(daemon.address, daemon.token)
    tally = Tally()
    channels = [open_channel(address, daemon.token) for _ in range(clients)]
    agents = [
        ProtocolAgent(channel, daemon.token, sweep, f"bench-{clients}-{points}-{number}", tally)
        for number, channel in enumerate(channels)
    ]
    tasks = [asyncio.create_task(agent.single_points() if points else agent.hand_outs()) for agent in agents]
    await asyncio.sleep(WARM_UP_SECONDS)
    done = tally.points if points else tally.runs
    tally.latencies.clear()
    cpu = cpu_seconds(daemon.processes())
    await asyncio.sleep(seconds)
    count = (tally.points if points else tally.runs) - done
    cpu = cpu_seconds(daemon.processes()) - cpu
    for task in tasks:
        if task.done() and task.exception() is not None:
            raise RuntimeError("an agent failed") from task.exception()
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    for channel in channels:
        await channel.close()
    return count / seconds, 1000 * cpu / max(count, 1), tally


def main(seconds: float, clients: tuple[int, ...] = CLIENTS) -> None:
    """Print, for each number of clients, the rate of sweepd, that of Optuna's proxy, and their ratio."""
    with running_proxy() as proxy, running_daemon() as daemon:
        for points in (False, True):
            what = "single acknowledged points" if points else "runs"
            print(f"{what}/s at protocol level; peer: Optuna's gRPC proxy on {proxy.storage}")
            for count in clients:
                ours, cpu, tally = asyncio.run(_measure(daemon, count, seconds, points=points))
                theirs = trials_per_second(proxy, count, seconds, points=points)
                line = (
                    f"  {count:3d} clients: {ours:8.0f}/s  peer {theirs:7.1f}/s  ratio {ours / theirs:6.1f}"
                )
                line += f"  server CPU {cpu:.2f} ms each"
                if tally.latencies:
                    ranked = statistics.quantiles(tally.latencies, n=100)
                    line += (
                        f"  end to next start p50 {1000 * ranked[49]:.1f} ms p99 {1000 * ranked[98]:.1f} ms"
                    )
                print(line, flush=True)
