"""Process descriptors (pidfd): identity, end and exit code of a process."""

import asyncio
import errno
import fcntl
import os
import struct
from collections.abc import Callable

from sweepd_agent.process.proc import start_ticks

# From linux/pidfd.h: the request for the exit status of a process, and the layout of `struct pidfd_info`.
_GET_INFO = 0xC040_FF0B
_SIZE = 64
_EXIT = 1 << 3
_STATUS_OFFSET = 60
# The status is available once the parent has reaped the process.
_LOOK_EVERY = 0.02
_LOOKS = 50
_NO_PROCESS = 2**31
# Errors of `pidfd_open` if no process has the id any more; the id may now belong to a thread.
_NOT_OF_PROCESS = frozenset({errno.ESRCH, errno.EINVAL, errno.ENOENT})


async def exit_code(pidfd: int) -> int | None:
    """Return the exit code of an ended process, negative for a signal; None if unknown."""
    for _ in range(_LOOKS):
        try:
            status = _status(pidfd)
        except OSError:
            return None  # this version of Linux does not report it
        if status is not None:
            return os.waitstatus_to_exitcode(status)
        await asyncio.sleep(_LOOK_EVERY)
    return None


def reports_exit_codes(pidfd: int) -> bool:
    """Return True if this system reports exit codes to processes other than the parent."""
    try:
        _status(pidfd)
    except OSError:
        return False
    return True


def _status(pidfd: int) -> int | None:
    """Return the wait status of a process; None if its parent has not reaped it yet.

    Raises:
        OSError: this system does not report the status.
    """
    info = bytearray(_SIZE)
    struct.pack_into("=Q", info, 0, _EXIT)
    fcntl.ioctl(pidfd, _GET_INFO, info)
    (given,) = struct.unpack_from("=Q", info, 0)
    (status,) = struct.unpack_from("=i", info, _STATUS_OFFSET)
    return status if given & _EXIT else None


async def readable(descriptor: int) -> None:
    """Wait until a descriptor is readable; a process descriptor is readable once the process has ended."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def open_process(pid: int, start: int | None) -> int | None:
    """Return a descriptor of the process `pid` that started at `start`, in ticks; None if it has ended."""
    if not 0 < pid < _NO_PROCESS:
        return None
    try:
        pidfd = os.pidfd_open(pid)
    except OSError as error:
        if error.errno not in _NOT_OF_PROCESS:
            raise
        return None
    # Checked while the descriptor holds the process: its id cannot be reused any more.
    if start_ticks(pid) == start:
        return pidfd
    os.close(pidfd)
    return None


def call_at_end(pidfd: int, ended: Callable[[], object]) -> None:
    """Register a callback that closes the descriptor and calls `ended` once its process has ended."""
    loop = asyncio.get_running_loop()

    def close() -> None:
        loop.remove_reader(pidfd)
        os.close(pidfd)
        ended()

    loop.add_reader(pidfd, close)


def watch_caller(pid: int, gone: Callable[[], None]) -> None:
    """Call `gone` once the parent `pid` of this process has ended, even if it has already ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        asyncio.get_running_loop().call_soon(gone)
        return
    if os.getppid() == pid:
        call_at_end(pidfd, gone)
    else:  # the id belongs to another process by now
        os.close(pidfd)
        asyncio.get_running_loop().call_soon(gone)
