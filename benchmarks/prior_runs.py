"""Cost of a sweep with 10,000 prior runs: its creation, its hand-outs, and a restart of the scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

import grpc.aio

from benchmarks.protocol_agent import ProtocolAgent, Tally, attach_address
from benchmarks.server import BIN, Daemon, cpu_seconds, running_daemon
from sweepd import v1
from sweepd.rpc.channel import open_channel
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub

if TYPE_CHECKING:
    from sweepd.v1.sweep_service_pb2_grpc import SweepServiceAsyncStub

RUNS = 10_000
ROWS = 30
AGENTS = 8
ROUNDS = 6
CALL_TIMEOUT = 120.0
SPACE = (
    "program: none\nmetric: {name: loss}\nparameters: {x: {min: 0.0, max: 1.0}, y: {min: 0.0, max: 1.0}}\n"
)
KINDS = {
    "random": "method: random\n",
    "bayes": "method: bayes\n",
    "asha": "method: random\nearly_terminate: {type: asha, min_iter: 1, eta: 3}\n",
    "median at each iteration": "method: random\nearly_terminate: {type: median, min_iter: 1}\n",
}


class CurveAgent(ProtocolAgent):
    """Agent whose runs log a whole curve at once and end."""

    def _finish_at_once(self, start: v1.StartRun) -> None:
        attempt = v1.AttemptRef(run_handle=start.run_handle, attempt=start.attempt)
        values = [1.0 / (1 + row) for row in range(ROWS)]
        self._send(command_result=v1.CommandResult(command_id=start.command_id))
        self._send(run_started=v1.RunStarted(attempt=attempt, pid=1))
        rows = [v1.Observation(row=row, key=0, value=value) for row, value in enumerate(values, 1)]
        self._send(
            observations=v1.ObservationBatch(attempt=attempt, first_row=1, last_row=ROWS, observations=rows)
        )
        batch = v1.PointBatch(
            steps=range(ROWS),
            times=[0.0] * ROWS,
            keys=["loss"],
            columns=[v1.Column(key=0, doubles=v1.DoubleValues(values=values))],
        )
        piece = v1.LanePiece(attempt=attempt, lane=v1.LANE_POINTS, end=ROWS, body=batch.SerializeToString())
        self._send(piece=piece)
        self._send(offer=v1.Offer(wanted=1))
        exited = v1.Exit(cause=v1.EXIT_CAUSE_EXITED, code=0)
        self._send(run_exited=v1.RunExited(attempt=attempt, last_row=ROWS, exit=exited, logged_keys=["loss"]))


async def _create(
    sweeps: SweepServiceAsyncStub, kind: str, prior: v1.PriorRunSelection | None = None
) -> v1.CreateSweepResponse:
    file = v1.SweepFile(file_name="bench.yaml", content=(SPACE + kind).encode())
    request = v1.CreateSweepRequest(parent="local/bench", file=file, prior_runs=prior)
    return await sweeps.CreateSweep(request, timeout=CALL_TIMEOUT)


async def _run_agents(daemon: Daemon, kind: type[ProtocolAgent], sweep: str, seconds: float | None) -> Tally:
    tally = Tally()
    async with open_channel(await attach_address(daemon.address, daemon.token), daemon.token) as channel:
        agents = [kind(channel, daemon.token, sweep, f"{sweep}-{number}", tally) for number in range(AGENTS)]
        tasks = [asyncio.create_task(agent.hand_outs()) for agent in agents]
        await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
    return tally


async def _compare(daemon: Daemon, name: str, kinds: dict[str, str], seconds: float) -> None:
    """Print latency and CPU of the hand-outs of each sweep; alternate, so that other load affects all."""
    latencies: dict[str, list[float]] = {what: [] for what in kinds}
    cpu, runs = dict.fromkeys(kinds, 0.0), dict.fromkeys(kinds, 0)
    for _ in range(ROUNDS):
        for what, sweep in kinds.items():
            before = cpu_seconds(daemon.processes())
            tally = await _run_agents(daemon, ProtocolAgent, sweep, seconds / ROUNDS)
            cpu[what] += cpu_seconds(daemon.processes()) - before
            latencies[what] += tally.latencies
            runs[what] += tally.runs
    for what in kinds:
        middle, each = 1_000 * statistics.median(latencies[what]), 1_000 * cpu[what] / runs[what]
        line = f"p50 {middle:6.2f} ms, {each:5.2f} ms CPU of the server a run"
        print(f"  hand-outs, {name:6s} {what:7s} prior runs: {line}", flush=True)


def _scheduler_pid(daemon: Daemon) -> int:
    command = [str(BIN / "sweepd"), "status", "--data", str(daemon.home / "server"), "-o", "json"]
    shown = subprocess.run(command, env=daemon.environment, capture_output=True, text=True, check=True)
    services = json.loads(shown.stdout)["services"]
    return int(next(service["pid"] for service in services if service["name"] == "scheduler"))


async def _wait_until_available(sweeps: SweepServiceAsyncStub) -> None:
    while True:
        with contextlib.suppress(grpc.aio.AioRpcError):
            await sweeps.ListSweeps(v1.ListSweepsRequest(), timeout=1.0)
            return
        await asyncio.sleep(0.01)


async def _measure(daemon: Daemon, seconds: float) -> None:
    async with open_channel(daemon.address, daemon.token) as channel:
        sweeps = SweepServiceStub(channel)
        old = (await _create(sweeps, f"method: random\nrun_cap: {RUNS}\n")).sweep.name
        await _run_agents(daemon, CurveAgent, old, None)
        prior = v1.PriorRunSelection(sweeps=[old])
        begun: dict[str, str] = {}
        for name, kind in KINDS.items():
            began, cpu = time.perf_counter(), cpu_seconds(daemon.processes())
            answer = await _create(sweeps, kind, prior)
            took, cpu = time.perf_counter() - began, cpu_seconds(daemon.processes()) - cpu
            assert answer.prior_runs.taken == RUNS, answer.prior_runs
            begun[name] = answer.sweep.name
            print(f"  create, {name:25s} {took:5.1f} s, {cpu:5.1f} s CPU of the server", flush=True)
        names = [f"{old}-{number}" for number in range(1, RUNS + 1)]
        began = time.perf_counter()
        await _create(sweeps, KINDS["random"], v1.PriorRunSelection(runs=names))
        print(f"  create, random, all runs by name  {time.perf_counter() - began:5.1f} s", flush=True)
        for name in ("random", "asha"):
            plain = (await _create(sweeps, KINDS[name])).sweep.name
            await _compare(daemon, name, {"without": plain, "with": begun[name]}, seconds)
        began = time.perf_counter()
        os.kill(_scheduler_pid(daemon), signal.SIGKILL)
        await asyncio.sleep(0.05)
        await _wait_until_available(sweeps)
        took = time.perf_counter() - began
        print(
            f"  killed; available again after {took:4.1f} s, including the delay before the restart",
            flush=True,
        )


def main(seconds: float = 5.0) -> None:
    """Print the cost of 10,000 prior runs."""
    print(f"a sweep that begins with {RUNS} prior runs, each with a curve of {ROWS} values")
    with running_daemon() as daemon:
        asyncio.run(_measure(daemon, seconds))
