"""Devices of an agent's slots: named on its command line, visible to the agent, or all of the machine."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

VISIBLE = "CUDA_VISIBLE_DEVICES"

_NVIDIA_SMI = "nvidia-smi"
_WITHIN = 30.0
# Such as `GPU 0: NVIDIA A100 (UUID: GPU-5a…)` and, below it, `  MIG 1g.5gb Device 0: (UUID: MIG-c6…)`.
_LISTED = re.compile(r"^(\s*)(GPU|MIG)\b.*\(UUID: ([^)]+)\)\s*$")


class DevicesError(Exception):
    """The slots cannot get the requested devices; the one-line message states the reason."""


def parse_devices(text: str) -> tuple[str, ...]:
    """Return the devices listed in `text`: indices, or ids of GPUs or MIG devices.

    Raises:
        ValueError: a name is invalid, such as -1, or listed twice.
    """
    # CUDA treats 0 and 00 as the same device.
    parts = (part.strip() for part in text.split(","))
    names = tuple(str(int(part)) if part.isascii() and part.isdecimal() else part for part in parts)
    if any(not name or name.startswith("-") or not name.isprintable() or " " in name for name in names):
        raise ValueError(
            f"{text!r} is not a list of devices; write indices such as 0,1,2, or ids as `nvidia-smi -L` "
            "shows them"
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"the device {twice} is listed twice")
    return names


def devices_of_slots(
    slots: int, per_slot: int, named: Sequence[str] | None, environ: Mapping[str, str]
) -> tuple[tuple[str, ...], ...]:
    """Return the devices of each slot.

    Args:
        slots: number of slots.
        per_slot: number of devices of each slot; 0: runs see no devices.
        named: devices to use; None: the ones in `CUDA_VISIBLE_DEVICES`, else all that `nvidia-smi` lists.
        environ: environment of the agent.

    Raises:
        DevicesError: there are too few devices, they cannot be listed, or one is listed twice.
    """
    if per_slot == 0:
        return ((),) * slots
    devices, origin = _available(named, environ)
    needed = slots * per_slot
    if len(devices) < needed:
        there = "1 GPU" if len(devices) == 1 else f"{len(devices)} GPUs"
        want = f"--slots {slots} with --gpus-per-run {per_slot} needs {needed} GPU{'s' if needed > 1 else ''}"
        raise DevicesError(f"{want}; found {there} ({origin})")
    return tuple(devices[first : first + per_slot] for first in range(0, needed, per_slot))


def listed_devices(text: str) -> tuple[str, ...]:
    """Return the ids in the output of `nvidia-smi -L`; for a partitioned GPU, the ids of its MIG devices."""
    devices: list[str] = []
    parent: str | None = None
    for line in text.splitlines():
        match = _LISTED.match(line)
        if match is None:
            continue
        if match[2] == "GPU":
            parent = match[3]
        elif parent is not None and devices and devices[-1] == parent:
            devices.pop()
        devices.append(match[3])
    return tuple(devices)


def _available(named: Sequence[str] | None, environ: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """Return the available devices, and the source of the list."""
    if named is not None:
        return tuple(named), "--gpus"
    if VISIBLE in environ:
        return _visible(environ[VISIBLE]), VISIBLE
    program = shutil.which(_NVIDIA_SMI, path=environ.get("PATH"))
    if program is None:
        return (), f"{_NVIDIA_SMI} is not installed; list the GPUs with --gpus 0,1,…"
    return _listed_by_driver(program, environ), _NVIDIA_SMI


def _visible(text: str) -> tuple[str, ...]:
    """Return the devices that CUDA_VISIBLE_DEVICES makes visible: all up to the first invalid name, e.g. -1.

    Raises:
        DevicesError: the list names a device twice, in which case CUDA shows no devices at all.
    """
    names: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        if not name or name.startswith("-") or name == "NoDevFiles":
            break
        if name in names:
            raise DevicesError(f"{VISIBLE} names the device {name} twice")
        names.append(name)
    return tuple(names)


def _listed_by_driver(program: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    try:
        listing = subprocess.run(
            [program, "-L"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DevicesError(
            f"{_NVIDIA_SMI} did not list the GPUs within {_WITHIN:g} s; list them with --gpus"
        ) from error
    except OSError as error:
        raise DevicesError(f"{program} cannot be run: {error.strerror}; list the GPUs with --gpus") from error
    return listed_devices(listing.stdout) if listing.returncode == 0 else ()
