"""Signals to processes, and their ends (Linux)."""

import ctypes
import os
import select
import signal
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the one that started it ends, in whatever way.

    Nothing is lost by the kill: what was acknowledged is on disk. To the kernel the parent is the thread that
    forked, so that must be one that lasts as long as its process.

    Args:
        parent: pid of the parent, taken before the fork; if it is gone already, this process ends here.
    """
    if _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os._exit(1)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def ends_within(pid: int, seconds: float) -> bool:
    """Return whether the process `pid`, not necessarily a child, ends within `seconds`."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        readable, _, _ = select.select([descriptor], [], [], seconds)
        return bool(readable)
    finally:
        os.close(descriptor)
