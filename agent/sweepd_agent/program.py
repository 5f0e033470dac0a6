"""Program that runs one agent: the common part of `sweep-agent` and the drain."""

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

# Number of threads for disk access, for any number of slots.
_DISK_THREADS = 2


def fail(message: str, code: int = FAILURE) -> NoReturn:
    """Print an error, and exit with `code`."""
    sys.stderr.write(f"error: {message}\n")
    sys.exit(code)


def run_program(
    folder: StateFolder, main: Callable[[Log, Executor], Coroutine[Any, Any, Leave]], *, log_as_json: bool
) -> NoReturn:
    """Run an agent on its state folder, then exit with its exit code.

    Args:
        folder: state folder of the agent, which is locked.
        main: runs the agent until it leaves; called with its log and an executor for disk access.
        log_as_json: whether the log is written as JSON lines.
    """
    log = Log(sys.stderr, as_json=log_as_json)
    log.agent = folder.agent_id

    async def run() -> Leave:
        with disk_threads(_DISK_THREADS) as disk:
            return await main(log, disk)

    leave = asyncio.run(run())
    folder.release()
    end_all()
    sys.stdout.flush()
    sys.stderr.flush()
    # Do not wait for threads of gRPC, or for threads that a hung disk blocks.
    os._exit(leave.code)
