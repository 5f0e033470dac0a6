"""Ends of processes that are no children of this one, noticed through descriptors of them."""

import asyncio
import fcntl
import os
import struct
from collections.abc import Callable

# From linux/pidfd.h: what to report, and its offset in `struct pidfd_info`.
_GET_INFO = 0xC040_FF0B
_SIZE = 64
_EXIT = 1 << 3
_STATUS_OFFSET = 60
# It is known once the parent has received the end.
_LOOK_EVERY = 0.02
_LOOKS = 50


async def exit_code(pidfd: int) -> int | None:
    """Return the exit code of a process that has ended, a signal as its negative; None if it is not known."""
    for _ in range(_LOOKS):
        try:
            status = _status(pidfd)
        except OSError:
            return None  # an earlier Linux
        if status is not None:
            return os.waitstatus_to_exitcode(status)
        await asyncio.sleep(_LOOK_EVERY)
    return None


def reports_exit_codes(pidfd: int) -> bool:
    """Return whether this system reports exit codes to others than the parent."""
    try:
        _status(pidfd)
    except OSError:
        return False
    return True


def _status(pidfd: int) -> int | None:
    """Return the status that its parent received; None: not yet.

    Raises:
        OSError: this system does not report it.
    """
    info = bytearray(_SIZE)
    struct.pack_into("=Q", info, 0, _EXIT)
    fcntl.ioctl(pidfd, _GET_INFO, info)
    (given,) = struct.unpack_from("=Q", info, 0)
    (status,) = struct.unpack_from("=i", info, _STATUS_OFFSET)
    return status if given & _EXIT else None


def watch_caller(pid: int, gone: Callable[[], None]) -> None:
    """Call `gone` once the parent `pid` of this process has ended; soon, if it has already."""
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        loop.call_soon(gone)
        return

    def ended() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        gone()

    loop.add_reader(descriptor, ended)
    if os.getppid() != pid:  # the number is another's by now
        loop.call_soon(gone)
        loop.remove_reader(descriptor)
        os.close(descriptor)
