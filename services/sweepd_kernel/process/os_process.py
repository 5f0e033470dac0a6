"""Signals to processes, and waiting for processes to end (Linux)."""

import ctypes
import os
import select
import signal
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int) -> None:
    """Have Linux kill this process when its parent ends for any reason.

    The kill loses no data: acknowledged data is on disk. For Linux, the parent is the thread that forked,
    so that thread must live as long as its process.

    Args:
        parent: pid of the parent, read before the fork; if it has already ended, this process exits.
    """
    if _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(1)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def ends_within(pid: int, seconds: float) -> bool:
    """Return True if a process, not necessarily a child, ends within `seconds`."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        readable, _, _ = select.select([descriptor], [], [], seconds)
        return bool(readable)
    finally:
        os.close(descriptor)
