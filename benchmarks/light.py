"""Cost of an agent until it is connected, and of `import sweepd` in a script."""

from __future__ import annotations

import asyncio
import json
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.hand_out import create_sweep
from benchmarks.server import BIN, cpu_seconds, running_daemon

REPEATS = 15


def _seconds(code: str) -> float:
    def once() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - began

    once()
    return statistics.median(once() for _ in range(REPEATS))


def _agent_cost() -> tuple[float, float]:
    """Return the memory in MiB and the CPU seconds of an agent that has just connected."""
    with running_daemon() as daemon:
        sweep = asyncio.run(create_sweep(daemon))
        subprocess.run(
            [str(BIN / "sweepctl"), "pause", sweep], env=daemon.environment, check=True, capture_output=True
        )
        agent = subprocess.Popen(
            [str(BIN / "sweep-agent"), "--sweep", sweep, "--log-format", "json"],
            env=daemon.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert agent.stderr is not None
            for line in agent.stderr:
                if json.loads(line)["event"] == "connected":
                    break
            status = Path(f"/proc/{agent.pid}/status").read_text()
            memory = int(status.partition("VmRSS:")[2].split()[0]) / 1024
            return memory, cpu_seconds([agent.pid])
        finally:
            agent.send_signal(signal.SIGTERM)
            agent.wait(20)


def main() -> None:
    """Print the costs of an agent and of the import."""
    memory, cpu = _agent_cost()
    print(f"agent, just connected: {memory:.1f} MiB resident, {cpu:.2f} s CPU")
    bare = _seconds("pass")
    added = {name: 1000 * (_seconds(f"import {name}") - bare) for name in ("sweepd", "grpc")}
    print(
        f"bare interpreter {1000 * bare:.0f} ms; "
        + "; ".join(f"import {n} + {t:.0f} ms" for n, t in added.items())
    )
