"""Use of processors, memory and devices, at some 30 µs a process, compared with the look before."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sweepd_agent.context.interpreter import CommandFailedError, gpu_figures

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_WITHIN = 5.0
_ASKED = "index,uuid,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw"
_KEYS = ("utilization", "memory", "memory_total", "temperature", "power")
_MEBIBYTES = {"memory", "memory_total"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Figures of a device by their keys; `id` is that of the driver, as in `GPU-5a1b…`."""

    id: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A process and all that descends from it; `used`: processor time, in seconds."""

    used: float
    memory: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Process(Tree):
    """One process as it was seen; `used` includes its ended children."""

    parent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Processors:
    """Time of all processors together since the boot, in ticks."""

    busy: int
    total: int


def processes() -> dict[int, Process]:
    """Return every process that can be seen."""
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
                    used=sum(map(int, fields[11:15])) / _TICKS,
                    memory=int(fields[21]) * _PAGE,
                    threads=int(fields[17]),
                )
    return found


def is_supervisor(pid: int) -> bool:
    """Return whether a process is a supervisor of ours, which takes in what its run detaches."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return b"sweepd_agent.process.supervisor" in file.read(4096)
    except OSError:
        return False


def processors() -> Processors | None:
    """Return what the processors have done; None where the system does not say."""
    try:
        with open("/proc/stat", "rb") as file:  # noqa: PTH123
            ticks = [int(word) for word in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    idle = ticks[3] + ticks[4]
    return Processors(busy=sum(ticks) - idle, total=sum(ticks))


def memory() -> tuple[int, int] | None:
    """Return used and total bytes of the host's memory; None where the system does not say."""
    try:
        with open("/proc/meminfo", "rb") as file:  # noqa: PTH123
            lines = [file.readline().split() for _ in range(8)]
        values = {line[0]: int(line[1]) * 1024 for line in lines if len(line) > 1}
        return values[b"MemTotal:"] - values[b"MemAvailable:"], values[b"MemTotal:"]
    except (OSError, ValueError, KeyError):
        return None


def devices(environ: Mapping[str, str]) -> dict[str, Device] | None:
    """Return each device by index; None where there is no driver, or it does not answer."""
    try:
        text = gpu_figures(_ASKED, environ, _WITHIN)
    except CommandFailedError:
        return None
    return None if text is None else device_figures(text)


def device_figures(text: str) -> dict[str, Device]:
    """Return the devices that the driver has printed; figures that it lacks, as `[N/A]`, are left out."""
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
    """Return the children of each process."""
    children: dict[int, list[int]] = {}
    for pid, process in processes.items():
        children.setdefault(process.parent, []).append(pid)
    return children


def tree(
    roots: Iterable[int], processes: Mapping[int, Process], children: Mapping[int, Iterable[int]]
) -> Tree | None:
    """Return the resource usage of some processes and all of their descendants.

    None if none of them is there, or none has memory any more: they are ending, or nobody has collected them.
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
    """Return how busy one processor was kept; None where that is not known."""
    if seconds <= 0 or after < before:  # a process that had used much is gone, and its time with it
        return None
    return round(100 * (after - before) / seconds, 2)


def busy(before: Processors, after: Processors) -> float | None:
    """Return how busy all processors were, in percent; None if no time has passed."""
    passed = after.total - before.total
    return round(100 * (after.busy - before.busy) / passed, 2) if passed > 0 else None
