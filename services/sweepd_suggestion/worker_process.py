"""Worker process as the service holds it: started when needed, replaced when it fails.

Frames between the service and its workers have one pickled object each, its length before it. Both ends are
this program, started by itself over a private pipe; nothing from outside is ever unpickled.
"""

import asyncio
import logging
import os
import pickle
import struct
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass

from sweepd_suggestion.domain.questions import Importance, ImportanceQuestion, Proposal, Question

HEADER = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Request to a worker to load what fitting needs, before the first question."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Answer of a worker that has loaded it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A question that a worker could not answer, and the traceback."""

    why: str


Asked = Question | ImportanceQuestion
Answered = tuple[Proposal, ...] | Importance
ToWorker = Asked | WarmUp
FromWorker = Answered | Ready | Failed


def packed(message: ToWorker | FromWorker) -> bytes:
    """Return a message as a frame."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


def to_worker(body: bytes) -> ToWorker:
    """Return what the service sent."""
    message: ToWorker = pickle.loads(body)  # noqa: S301 (our own, see above)
    return message


def from_worker(body: bytes) -> FromWorker:
    """Return what a worker answered."""
    message: FromWorker = pickle.loads(body)  # noqa: S301 (our own, see above)
    return message


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
