"""What processes and processors have used between two looks at them; seconds, bytes, percent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process as it was seen; `used`: its processor time and that of its ended children, in seconds."""

    parent: int
    used: float
    memory: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A process and all that descends from it."""

    used: float
    memory: int
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Processors:
    """Time of all processors together since the boot, in ticks."""

    busy: int
    total: int


def children_of(processes: Mapping[int, Process]) -> dict[int, list[int]]:
    """Return the children of each process."""
    children: dict[int, list[int]] = {}
    for pid, process in processes.items():
        children.setdefault(process.parent, []).append(pid)
    return children


def tree(
    roots: Iterable[int], processes: Mapping[int, Process], children: Mapping[int, Iterable[int]]
) -> Tree | None:
    """Return what some processes and all that descends from them use.

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
    """Return how busy one processor was kept; None where that cannot be told."""
    if seconds <= 0 or after < before:  # a process that had used much is gone, and its time with it
        return None
    return round(100 * (after - before) / seconds, 2)


def busy(before: Processors, after: Processors) -> float | None:
    """Return how busy all processors were, in percent; None if no time has passed."""
    passed = after.total - before.total
    return round(100 * (after.busy - before.busy) / passed, 2) if passed > 0 else None
