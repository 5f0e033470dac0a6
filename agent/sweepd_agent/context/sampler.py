"""Sampling of resource usage: each reading of the machine serves all runs of an agent."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from sweepd_agent.context import usage as reading
from sweepd_agent.context.usage import Process, Processors, busy, children_of, percent, tree

EVERY = 10.0
# Consecutive failed queries after which the GPU driver is no longer queried.
_MOST_SILENCES = 3


class Sampled(Protocol):
    """Attempt with a live process."""

    @property
    def pid(self) -> int:
        """Process id; 0 if unknown."""

    @property
    def devices(self) -> Sequence[str] | None:
        """Devices reserved for the attempt, by index or id; None: it may use all."""

    def add_sample(self, sample: Mapping[str, float]) -> None:
        """Store a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    time: float
    processors: Processors | None
    memory: tuple[int, int] | None
    processes: Mapping[int, Process]
    devices: Mapping[str, reading.Device]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """CPU times at the previous sample."""

    time: float
    processors: Processors | None
    # CPU time in seconds, by the process id of each attempt.
    used: Mapping[int, float]


class Sampler:
    """Periodic sampler.

    Args:
        attempts: returns the attempts with a live process.
        environ: environment whose PATH is searched for `nvidia-smi`.
        thread: executor of the blocking reads.
    """

    def __init__(
        self,
        attempts: Callable[[], Sequence[Sampled]],
        environ: Mapping[str, str],
        thread: Executor,
        monotonic: Callable[[], float],
        *,
        every: float = EVERY,
    ) -> None:
        self._attempts = attempts
        self._environ = environ
        self._thread = thread
        self._monotonic = monotonic
        self._every = every
        self._before: _Before | None = None
        self._has_devices = shutil.which("nvidia-smi", path=environ.get("PATH")) is not None
        self._silences = 0

    async def run(self) -> None:
        """Take samples at intervals while runs are live, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._every)
            if not self._attempts():
                self._before = None
                continue
            try:
                look = await loop.run_in_executor(self._thread, self._look)
            except (OSError, RuntimeError):
                continue  # no thread or descriptor is available now: runs continue without a sample
            self._sample(look)

    def _look(self) -> _Look:
        devices = self._devices()
        return _Look(
            devices=devices,
            processes=reading.processes(),
            processors=reading.processors(),
            memory=reading.memory(),
            time=self._monotonic(),
        )

    def _sample(self, look: _Look) -> None:
        found = dict(look.processes)
        found.pop(os.getpid(), None)  # an agent started by a script is not part of its run
        children = children_of(found)
        host = self._host(look)
        used: dict[int, float] = {}
        for attempt in self._attempts():
            own = self._own(attempt, found, children, look.time, used)
            attempt.add_sample(host | own | _of_devices(look.devices, attempt.devices))
        self._before = _Before(time=look.time, processors=look.processors, used=used)

    def _host(self, look: _Look) -> dict[str, float]:
        sample: dict[str, float] = {}
        if self._before is not None and self._before.processors is not None and look.processors is not None:
            share = busy(self._before.processors, look.processors)
            if share is not None:
                sample["system/host/cpu"] = share
        if look.memory is not None:
            used, total = look.memory
            sample["system/host/memory"] = used
            sample["system/host/memory_percent"] = round(100 * used / max(1, total), 2)
        return sample

    def _own(
        self,
        attempt: Sampled,
        found: Mapping[int, Process],
        children: Mapping[int, Sequence[int]],
        now: float,
        used: dict[int, float],
    ) -> dict[str, float]:
        root = attempt.pid
        whole = tree(_roots(root, found, children), found, children)
        if whole is None:
            return {}
        used[root] = whole.used
        sample: dict[str, float] = {"system/memory": whole.memory, "system/threads": whole.threads}
        if self._before is not None and root in self._before.used:
            share = percent(self._before.used[root], whole.used, now - self._before.time)
            if share is not None:
                sample["system/cpu"] = share
        return sample

    def _devices(self) -> Mapping[str, reading.Device]:
        if not self._has_devices or self._silences >= _MOST_SILENCES:
            return {}
        found = reading.devices(self._environ)
        self._silences = self._silences + 1 if found is None else 0
        return found or {}


def _roots(pid: int, found: Mapping[int, Process], children: Mapping[int, Sequence[int]]) -> Sequence[int]:
    """Return the root processes of an attempt, including orphans that its supervisor has adopted."""
    parent = found[pid].parent if pid in found else 0
    return children.get(parent, ()) if reading.is_supervisor(parent) else [pid]


def _of_devices(found: Mapping[str, reading.Device], own: Sequence[str] | None) -> dict[str, float]:
    return {
        f"system/gpu/{index}/{key}": value
        for index, device in found.items()
        if own is None or index in own or device.id in own
        for key, value in device.figures.items()
    }


def begin_to_sample(
    attempts: Callable[[], Sequence[Sampled]],
    environ: Mapping[str, str],
    every: float,
    failed: Callable[[asyncio.Task[None]], None],
) -> asyncio.Task[None]:
    """Start a task that samples the usage of runs until cancelled; `failed` is its done callback."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="samples")
    sampler = Sampler(attempts, environ, thread, time.monotonic, every=every)
    sampling = asyncio.create_task(sampler.run())
    sampling.add_done_callback(failed)
    return sampling
