"""Usage of CPU, memory and devices, read from the system in about 30 µs per process."""

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
    """Values of a device by metric key; `id` is the driver's UUID, such as `GPU-5a1b…`."""

    id: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Usage of a process and all its descendants; `used` is CPU time in seconds."""

    used: float
    memory: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Process(Tree):
    """Usage of a single process; `used` includes its ended children."""

    parent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Processors:
    """Total CPU time of all processors since boot, in ticks."""

    busy: int
    total: int


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
                    used=sum(map(int, fields[11:15])) / _TICKS,
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


def processors() -> Processors | None:
    """Return the CPU time of all processors; None if the system does not provide it."""
    try:
        with open("/proc/stat", "rb") as file:  # noqa: PTH123
            ticks = [int(word) for word in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    idle = ticks[3] + ticks[4]
    return Processors(busy=sum(ticks) - idle, total=sum(ticks))


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
        text = gpu_figures(_ASKED, environ, _WITHIN)
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

    None if no process exists any more, or none holds memory because all are exiting or zombies.
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
    if seconds <= 0 or after < before:  # a process has ended, and its CPU time is gone with it
        return None
    return round(100 * (after - before) / seconds, 2)


def busy(before: Processors, after: Processors) -> float | None:
    """Return the CPU usage of all processors together in percent; None if no time has passed."""
    passed = after.total - before.total
    return round(100 * (after.busy - before.busy) / passed, 2) if passed > 0 else None
