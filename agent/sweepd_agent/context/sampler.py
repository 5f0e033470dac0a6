"""Resource usage of runs: one reading of the machine serves all runs, and takes 30 µs per process."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from sweepd_agent.context.interpreter import CommandFailedError, gpu_figures

Ticks = tuple[int, int]
"""CPU time of all processors since boot, in clock ticks: busy and total."""

EVERY = 10.0
# Consecutive failed queries after which the GPU driver is no longer queried.
_MAX_FAILED_QUERIES = 3
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_GPUS_WITHIN = 5.0
_ASKED = "index,uuid,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw"
_KEYS = ("utilization", "memory", "memory_total", "temperature", "power")
_MEBIBYTES = {"memory", "memory_total"}


class Sampled(Protocol):
    """Attempt with a live process."""

    @property
    def pid(self) -> int:
        """Process id; 0 if unknown."""

    @property
    def devices(self) -> Sequence[str] | None:
        """Indices or ids of the attempt's devices; None: it may use all."""

    def add_sample(self, sample: Mapping[str, float]) -> None:
        """Store a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Values of a device by metric key; `id` is the driver's UUID, such as `GPU-5a1b…`."""

    id: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Usage of a process tree; `used` is CPU time in seconds, `memory` bytes of resident memory."""

    used: float
    memory: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Process(Tree):
    """Usage of a single process; `used` includes its ended children."""

    parent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    time: float
    processors: Ticks | None
    memory: tuple[int, int] | None
    processes: Mapping[int, Process]
    devices: Mapping[str, Device]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """CPU times at the previous sample."""

    time: float
    processors: Ticks | None
    # CPU time in seconds, by the process id of each attempt.
    used: Mapping[int, float]


class Sampler:
    """Periodic sampler of the resource usage of runs.

    Args:
        attempts: returns the attempts with a live process.
        environ: environment whose PATH is searched for `nvidia-smi`.
    """

    def __init__(
        self,
        attempts: Callable[[], Sequence[Sampled]],
        environ: Mapping[str, str],
        *,
        every: float = EVERY,
    ) -> None:
        self._attempts = attempts
        self._environ = environ
        # Runs the blocking reads.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="samples")
        self._every = every
        self._before: _Before | None = None
        self._has_devices = shutil.which("nvidia-smi", path=environ.get("PATH")) is not None
        self._failed_queries = 0

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
            processes=processes(),
            processors=processors(),
            memory=memory(),
            time=time.monotonic(),
        )

    def _sample(self, look: _Look) -> None:
        found = dict(look.processes)
        found.pop(os.getpid(), None)  # an agent started by a script is not part of its run
        children = children_of(found)
        host = self._host(look)
        used: dict[int, float] = {}
        for attempt in self._attempts():
            own = self._of_attempt(attempt, found, children, look.time, used)
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

    def _of_attempt(
        self,
        attempt: Sampled,
        found: Mapping[int, Process],
        children: Mapping[int, Sequence[int]],
        now: float,
        used: dict[int, float],
    ) -> dict[str, float]:
        root = attempt.pid
        usage = tree(_roots(root, found, children), found, children)
        if usage is None:
            return {}
        used[root] = usage.used
        sample: dict[str, float] = {"system/memory": usage.memory, "system/threads": usage.threads}
        if self._before is not None and root in self._before.used:
            share = percent(self._before.used[root], usage.used, now - self._before.time)
            if share is not None:
                sample["system/cpu"] = share
        return sample

    def _devices(self) -> Mapping[str, Device]:
        if not self._has_devices or self._failed_queries >= _MAX_FAILED_QUERIES:
            return {}
        found = devices(self._environ)
        self._failed_queries = self._failed_queries + 1 if found is None else 0
        return found or {}


def _roots(pid: int, found: Mapping[int, Process], children: Mapping[int, Sequence[int]]) -> Sequence[int]:
    """Return the root processes of an attempt, including orphans that its supervisor has adopted."""
    parent = found[pid].parent if pid in found else 0
    return children.get(parent, ()) if is_supervisor(parent) else [pid]


def _of_devices(found: Mapping[str, Device], own: Sequence[str] | None) -> dict[str, float]:
    return {
        f"system/gpu/{index}/{key}": value
        for index, device in found.items()
        if own is None or index in own or device.id in own
        for key, value in device.figures.items()
    }


def processes() -> dict[int, Process]:
    """Return every visible process by its process id."""
    found: dict[int, Process] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if len(fields) > 21:
                found[int(name)] = Process(
                    parent=int(fields[1]),
                    used=sum(map(int, fields[11:15])) / _TICKS_PER_SECOND,
                    memory=int(fields[21]) * _PAGE,
                    threads=int(fields[17]),
                )
    return found


def is_supervisor(pid: int) -> bool:
    """Return True if a process is a sweepd supervisor, which adopts the orphans of its run."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return b"sweepd_agent.process.supervisor" in file.read(4096)
    except OSError:
        return False


def processors() -> Ticks | None:
    """Return the CPU time of all processors; None if the system does not provide it."""
    try:
        with open("/proc/stat", "rb") as file:  # noqa: PTH123
            ticks = [int(word) for word in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def memory() -> tuple[int, int] | None:
    """Return used and total bytes of the host's memory; None if the system does not provide them."""
    try:
        with open("/proc/meminfo", "rb") as file:  # noqa: PTH123
            lines = [file.readline().split() for _ in range(8)]
        values = {line[0]: int(line[1]) * 1024 for line in lines if len(line) > 1}
        return values[b"MemTotal:"] - values[b"MemAvailable:"], values[b"MemTotal:"]
    except (OSError, ValueError, KeyError):
        return None


def devices(environ: Mapping[str, str]) -> dict[str, Device] | None:
    """Return each device by index; None if there is no driver or it does not answer."""
    try:
        text = gpu_figures(_ASKED, environ, _GPUS_WITHIN)
    except CommandFailedError:
        return None
    return None if text is None else device_figures(text)


def device_figures(text: str) -> dict[str, Device]:
    """Return the devices parsed from the driver's output, without values such as `[N/A]`."""
    found: dict[str, Device] = {}
    for line in text.splitlines():
        index, own, *words = (word.strip() for word in line.split(",")) if line.count(",") >= 2 else ("", "")
        figures: dict[str, float] = {}
        for key, word in zip(_KEYS, words, strict=False):
            try:
                figures[key] = float(word) * (2**20 if key in _MEBIBYTES else 1)
            except ValueError:
                continue
        if index.isdecimal() and figures:
            found[index] = Device(id=own, figures=figures)
    return found


def children_of(processes: Mapping[int, Process]) -> dict[int, list[int]]:
    """Return the process ids of the children of each process."""
    children: dict[int, list[int]] = {}
    for pid, process in processes.items():
        children.setdefault(process.parent, []).append(pid)
    return children


def tree(
    roots: Iterable[int], processes: Mapping[int, Process], children: Mapping[int, Iterable[int]]
) -> Tree | None:
    """Return the total resource usage of processes and all their descendants.

    Return None if no process exists any more, or none holds memory because all are exiting or zombies.
    """
    found: list[Process] = []
    left = list(roots)
    seen: set[int] = set()
    while left:
        pid = left.pop()
        if pid not in seen and pid in processes:
            seen.add(pid)
            found.append(processes[pid])
            left.extend(children.get(pid, ()))
    if not any(each.memory for each in found):
        return None
    return Tree(
        used=sum(each.used for each in found),
        memory=sum(each.memory for each in found),
        threads=sum(each.threads for each in found),
    )


def percent(before: float, after: float, seconds: float) -> float | None:
    """Return the CPU usage in percent of one processor; None if unknown."""
    if seconds <= 0 or after < before:  # a process has ended, so its CPU time is no longer counted
        return None
    return round(100 * (after - before) / seconds, 2)


def busy(before: Ticks, after: Ticks) -> float | None:
    """Return the CPU usage of all processors together in percent; None if no time has passed."""
    passed = after[1] - before[1]
    return round(100 * (after[0] - before[0]) / passed, 2) if passed > 0 else None
