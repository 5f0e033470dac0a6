"""Takes samples for all runs of an agent together: one look at the machine, whatever the number of runs."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from sweepd_agent.core.usage import Process, Processors, busy, children_of, percent, tree
from sweepd_agent.system import reading

EVERY = 10.0
# Without an answer so often, the driver of the devices is asked no more.
_MOST_SILENCES = 3


class Sampled(Protocol):
    """An attempt whose process lives."""

    @property
    def pid(self) -> int:
        """Its process id; 0 if that is not known."""

    @property
    def devices(self) -> Sequence[str] | None:
        """Devices that are its own, by index; None: it may use all."""

    def add_sample(self, sample: Mapping[str, float]) -> None:
        """Take a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    time: float
    processors: Processors | None
    # Processor time by the process id of each attempt.
    used: Mapping[int, float]


class Sampler:
    """Samples again and again.

    Args:
        attempts: gives those whose process lives.
        environ: where the driver of the devices is looked for.
        thread: where its program is waited for.
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
        self._before: _Look | None = None
        self._has_devices = shutil.which("nvidia-smi", path=environ.get("PATH")) is not None
        self._silences = 0

    async def run(self) -> None:
        """Take samples until cancelled; without runs there is nothing to look at."""
        while True:
            await asyncio.sleep(self._every)
            if self._attempts():
                await self._sample()
            else:
                self._before = None

    async def _sample(self) -> None:
        devices = await self._devices()
        attempts = self._attempts()
        found = reading.processes()
        found.pop(os.getpid(), None)  # an agent that a script has started is no part of the run
        children = children_of(found)
        host = self._host(reading.processors())
        now = self._monotonic()
        used: dict[int, float] = {}
        for attempt in attempts:
            own = self._own(attempt, found, children, now, used)
            attempt.add_sample(host | own | _of_devices(devices, attempt.devices))
        self._before = _Look(time=now, processors=self._processors, used=used)

    def _host(self, processors: Processors | None) -> dict[str, float]:
        self._processors = processors
        sample: dict[str, float] = {}
        if self._before is not None and self._before.processors is not None and processors is not None:
            share = busy(self._before.processors, processors)
            if share is not None:
                sample["system/host/cpu"] = share
        if (room := reading.memory()) is not None:
            sample["system/host/memory"] = room[0]
            sample["system/host/memory_percent"] = round(100 * room[0] / max(1, room[1]), 2)
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

    async def _devices(self) -> dict[str, dict[str, float]]:
        if not self._has_devices or self._silences >= _MOST_SILENCES:
            return {}
        loop = asyncio.get_running_loop()
        found = None
        # Where no thread or process can be started, the runs go on without these figures.
        with contextlib.suppress(OSError, RuntimeError):
            found = await loop.run_in_executor(self._thread, reading.devices, self._environ)
        self._silences = self._silences + 1 if found is None else 0
        return found or {}


def _roots(pid: int, found: Mapping[int, Process], children: Mapping[int, Sequence[int]]) -> Sequence[int]:
    """Return the processes that all of an attempt descends from: what its supervisor has taken in, too."""
    parent = found[pid].parent if pid in found else 0
    return children.get(parent, ()) if reading.is_supervisor(parent) else [pid]


def _of_devices(found: Mapping[str, Mapping[str, float]], own: Sequence[str] | None) -> dict[str, float]:
    return {
        f"system/gpu/{index}/{key}": value
        for index, figures in found.items()
        if own is None or index in own
        for key, value in figures.items()
    }
