"""Whose use counts as that of a run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sweepd_agent.system.sampler import Sampler


class Sampled:
    devices = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.taken: asyncio.Future[Mapping[str, float]] = asyncio.get_running_loop().create_future()

    def add_sample(self, sample: Mapping[str, float]) -> None:
        if not self.taken.done():
            self.taken.set_result(sample)


async def sampled(*pids: int) -> list[Mapping[str, float]]:
    attempts = [Sampled(pid) for pid in pids]
    with ThreadPoolExecutor(1) as thread:
        sampler = Sampler(lambda: attempts, {}, thread, time.monotonic, every=0.01)
        sampling = asyncio.create_task(sampler.run())
        samples = [await asyncio.wait_for(each.taken, 20) for each in attempts]
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
    return samples


def test_an_agent_is_no_part_of_the_script_that_has_started_it() -> None:
    """Neither it nor what it asks, as git, though they descend from that script."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        of_child, of_agent = asyncio.run(sampled(child.pid, os.getpid()))
        child.communicate(b"\n")
    assert of_child["system/memory"] > 0
    assert "system/memory" not in of_agent
    assert "system/host/memory" in of_agent


def test_where_no_thread_can_be_started_devices_alone_are_left_out(tmp_path: Path) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\n")
    driver.chmod(0o755)

    async def main() -> Mapping[str, float]:
        attempt, thread = Sampled(os.getppid()), ThreadPoolExecutor(1)
        thread.shutdown()
        sampler = Sampler(lambda: [attempt], {"PATH": str(tmp_path)}, thread, time.monotonic, every=0.01)
        sampling = asyncio.create_task(sampler.run())
        awaited: list[asyncio.Future[Any]] = [sampling, attempt.taken]
        await asyncio.wait(awaited, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        assert not sampling.done()
        sampling.cancel()
        return attempt.taken.result()

    assert "system/host/memory" in asyncio.run(main())
