"""Processes and devices whose usage counts as that of a run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sweepd_agent.context.sampler import Sampler


class Sampled:
    def __init__(self, pid: int, devices: tuple[str, ...] | None = None) -> None:
        self.pid = pid
        self.devices = devices
        self.taken: asyncio.Future[Mapping[str, float]] = asyncio.get_running_loop().create_future()

    def add_sample(self, sample: Mapping[str, float]) -> None:
        if not self.taken.done():
            self.taken.set_result(sample)


async def sampled(
    *found: tuple[int, tuple[str, ...] | None], environ: Mapping[str, str] | None = None
) -> list[Mapping[str, float]]:
    attempts = [Sampled(pid, devices) for pid, devices in found]
    sampler = Sampler(lambda: attempts, environ or {}, every=0.01)
    sampling = asyncio.create_task(sampler.run())
    samples = [await asyncio.wait_for(each.taken, 20) for each in attempts]
    sampling.cancel()
    await asyncio.gather(sampling, return_exceptions=True)
    return samples


def driver(folder: Path, *lines: str) -> Mapping[str, str]:
    """Write a fake program of the driver; return the environment that finds it."""
    program = folder / "nvidia-smi"
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
    program.chmod(0o755)
    return {"PATH": str(folder)}


def test_an_agent_does_not_count_as_part_of_the_script_that_started_it() -> None:
    """The agent and its children, such as git, descend from that script but are left out."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        of_child, of_agent = asyncio.run(sampled((child.pid, None), (os.getpid(), None)))
        child.communicate(b"\n")
    assert of_child["system/memory"] > 0
    assert "system/memory" not in of_agent
    assert "system/host/memory" in of_agent


def test_devices_of_a_run_are_recognised_by_index_or_id(tmp_path: Path) -> None:
    """`--gpus` has indices, the list of the driver has ids."""
    environ = driver(tmp_path, "0, GPU-a, 97, 1, 2, 61, 250", "1, GPU-b, 3, 1, 2, 40, 20")
    own = [("1",), ("GPU-a",), None, ()]
    samples = asyncio.run(sampled(*((os.getppid(), devices) for devices in own), environ=environ))
    seen = [{key for key in sample if key.endswith("utilization")} for sample in samples]
    first, second = "system/gpu/0/utilization", "system/gpu/1/utilization"
    assert seen == [{second}, {first}, {first, second}, set()]


def test_sampling_resumes_once_threads_can_be_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread = Reluctant()
    monkeypatch.setattr("sweepd_agent.context.sampler.ThreadPoolExecutor", lambda *_, **__: thread)

    async def main() -> Mapping[str, float]:
        attempt = Sampled(os.getppid())
        sampler = Sampler(lambda: [attempt], {}, every=0.01)
        sampling = asyncio.create_task(sampler.run())
        awaited: list[asyncio.Future[Any]] = [sampling, attempt.taken]
        await asyncio.wait(awaited, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        assert not sampling.done()
        sampling.cancel()
        thread.shutdown()
        assert thread.left == 0
        return attempt.taken.result()

    assert "system/host/memory" in asyncio.run(main())


class Reluctant(ThreadPoolExecutor):
    """Fail to start a thread for the first few submissions."""

    def __init__(self) -> None:
        super().__init__(1)
        self.left = 3

    def submit(self, *arguments: Any, **named: Any) -> Any:
        if self.left:
            self.left -= 1
            raise RuntimeError("can't start new thread")
        return super().submit(*arguments, **named)
