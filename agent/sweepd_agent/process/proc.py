"""Queries of /proc: start times, which identify processes; descendants; OOM kills."""

import os
from collections.abc import Iterator


def boot_id() -> str:
    """Return the id of this boot of the host."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123 -- see record.py
        return file.read().strip()


def start_ticks(pid: int) -> int | None:
    """Return the start time of a process, in ticks since boot; None if there is no such process."""
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def descendants(*roots: int) -> list[int]:
    """Return all living descendants of the given processes."""
    children: dict[int, list[int]] = {}
    for pid, fields in _living():
        children.setdefault(int(fields[1]), []).append(pid)
    found: list[int] = []
    parents = list(roots)
    while parents:
        born = children.pop(parents.pop(), [])
        found += born
        parents += born
    return found


def of_folder(variable: str, folder: str) -> set[int]:
    """Return the live processes in whose environment a variable names a folder, and their descendants.

    The folder itself is compared, not only its path, which may name another folder in a container.
    """
    wanted = f"{variable}={folder}".encode()
    found: set[int] = set()
    for pid, _ in _living():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
                is_of_folder = wanted in file.read().split(b"\0")
            if is_of_folder and os.path.samefile(f"/proc/{pid}/root{folder}", folder):  # noqa: PTH121
                found.add(pid)
        except OSError:
            continue
    return {*found, *descendants(*found)} - {os.getpid()}


def memory_kills() -> int:
    """Return the number of OOM kills since boot; 0 if unknown."""
    try:
        with open("/proc/vmstat", encoding="ascii") as file:  # noqa: PTH123
            counts = dict(line.split() for line in file)
    except OSError:
        return 0
    return int(counts.get("oom_kill", 0))


def _living() -> Iterator[tuple[int, list[str]]]:
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdecimal() and (fields := _stat(int(name))) is not None and fields[0] not in {"Z", "X"}:
            yield int(name), fields


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from `state` on; None if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None
