"""Worker process as the service holds it: started when needed, replaced when it fails."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from sweepd_suggestion.frames import HEADER, FromWorker, ToWorker, from_worker, packed

# One fit uses one core: parallelism is for sweeps, and sums come out the same everywhere.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class WorkerDiedError(Exception):
    """The process ended, or was ended, before it answered."""


class WorkerProcess:
    """Asks one question at a time."""

    def __init__(self, limit: float, log: logging.Logger) -> None:
        """Give the seconds after which a process without an answer is ended."""
        self._limit = limit
        self._log = log
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return None if self._process is None else self._process.pid

    async def ask(self, message: ToWorker) -> FromWorker:
        """Return the answer, from a fresh process if need be.

        Raises:
            WorkerDiedError: there is none; the next call starts a new process.
        """
        frame = packed(message)
        try:
            process = self._process or await self._started()
            return await asyncio.wait_for(_exchange(process, frame), self._limit)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            pid, code = self.pid, await self.end()
            self._log.warning("a worker has not answered", extra={"pid": pid, "exit_code": code})
            raise WorkerDiedError(f"process {pid}, exit code {code}") from error
        except asyncio.CancelledError:
            await self.end()  # its answer would be taken for that of the next question
            raise

    async def end(self) -> int | None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is None:
            return None
        with suppress(ProcessLookupError):
            process.kill()
        return await process.wait()

    async def _started(self) -> Process:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "sweepd_suggestion.worker",
            str(os.getpid()),
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, **_ONE_THREAD},
        )
        return self._process


async def _exchange(process: Process, frame: bytes) -> FromWorker:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(frame)
    await process.stdin.drain()
    (length,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
    return from_worker(await process.stdout.readexactly(length))
