"""An agent as a program: what `sweep-agent` and the drain have in common."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, NoReturn

from sweepd_agent.context.interpreter import end_all
from sweepd_agent.core.events import Leave
from sweepd_agent.core.leaving import FAILURE
from sweepd_agent.files.state_folder import StateFolder
from sweepd_agent.files.upkeep import disk_threads
from sweepd_agent.log import Log

# Threads that wait for disks, for any number of slots.
_DISK_THREADS = 2


def fail(message: str, code: int = FAILURE) -> NoReturn:
    """End a program whose agent cannot start."""
    sys.stderr.write(f"error: {message}\n")
    sys.exit(code)


def run_program(
    folder: StateFolder, live: Callable[[Log, Executor], Coroutine[Any, Any, Leave]], *, log_as_json: bool
) -> NoReturn:
    """Let an agent live on its folder, and end the program with its exit code.

    Args:
        folder: state folder that the agent holds.
        live: runs the agent with its log and an executor that waits for disks.
        log_as_json: whether the log is for machines.
    """
    log = Log(sys.stderr, as_json=log_as_json)
    log.agent = folder.agent_id

    async def run() -> Leave:
        with disk_threads(_DISK_THREADS) as disk:
            return await live(log, disk)

    leave = asyncio.run(run())
    folder.release()
    end_all()
    sys.stdout.flush()
    sys.stderr.flush()
    # Do not wait for threads of gRPC or a hung disk.
    os._exit(leave.code)
