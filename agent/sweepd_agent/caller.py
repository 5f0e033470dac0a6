"""Watches the process that an agent works for, as that of a notebook: with it the agent ends."""

import asyncio
import os
from collections.abc import Callable


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
