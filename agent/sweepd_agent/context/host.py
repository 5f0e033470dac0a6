"""The machine: system, processors, memory, devices; none of it changes while an agent runs."""

import os
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from sweepd_agent.context.interpreter import CommandFailedError, gpu_figures

_WITHIN = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A GPU; memory in bytes."""

    name: str
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Findings; `missing` lists what was not found, and why."""

    name: str
    os: str
    cpus: int
    memory: int
    devices: tuple[Device, ...]
    missing: tuple[str, ...] = ()


def host(environ: Mapping[str, str]) -> Host:
    """Look at the machine; asks the driver of the GPUs, if there is one."""
    missing: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    try:
        devices = _devices(environ)
    except CommandFailedError as error:
        missing = (f"GPUs: {error}",)
    return Host(
        name=socket.gethostname(),
        os=_system(),
        cpus=len(os.sched_getaffinity(0)),
        memory=_memory(),
        devices=devices,
        missing=missing,
    )


def _system() -> str:
    names = platform.uname()
    try:
        pretty = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        pretty = ""
    text = f"{names.system} {names.release} {names.machine}"
    return f"{text} ({pretty})" if pretty else text


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _devices(environ: Mapping[str, str]) -> tuple[Device, ...]:
    devices = []
    for line in (gpu_figures("name,memory.total", environ, _WITHIN) or "").splitlines():
        name, _, mebibytes = line.rpartition(",")
        if name and mebibytes.strip().isdecimal():
            devices.append(Device(name=name.strip(), memory=int(mebibytes) * 2**20))
    return tuple(devices)
