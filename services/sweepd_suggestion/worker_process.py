"""Service side of a worker process: started when needed, replaced when it fails.

Each frame between the service and its workers is a length and one pickled object. Both ends of the private
pipe are this program; no external data is ever unpickled.
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
    """Request to a worker to load its libraries before the first question."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Answer of a worker to `WarmUp`."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Answer of a worker when an exception was raised; `why` is the traceback."""

    why: str


WorkerQuestion = Question | ImportanceQuestion
WorkerAnswer = tuple[Proposal, ...] | Importance
ToWorker = WorkerQuestion | WarmUp
FromWorker = WorkerAnswer | Ready | Failed


def encoded(message: ToWorker | FromWorker) -> bytes:
    """Encode a message as a frame."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


def decoded_message(body: bytes) -> ToWorker:
    """Decode a message from the service."""
    message: ToWorker = pickle.loads(body)  # noqa: S301 (our own, see above)
    return message


def decoded_answer(body: bytes) -> FromWorker:
    """Decode an answer from a worker."""
    message: FromWorker = pickle.loads(body)  # noqa: S301 (our own, see above)
    return message


# One core per fit, since fits run in parallel, and sums must not depend on the number of cores.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class WorkerDiedError(Exception):
    """The process could not be started, or it ended or was killed before it answered."""


class WorkerProcess:
    """Handle of a worker process that answers one question at a time."""

    def __init__(self, limit: float, log: logging.Logger) -> None:
        """Create a handle; a process that does not answer within `limit` seconds is killed."""
        self._limit = limit
        self._log = log
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """Id of the process, or None if there is no process."""
        return None if self._process is None else self._process.pid

    async def ask(self, message: ToWorker) -> FromWorker:
        """Return the answer to a message, starting a process if needed.

        Raises:
            WorkerDiedError: the process did not answer; the next call starts a new one.
        """
        frame = encoded(message)
        try:
            process = self._process or await self._started()
            return await asyncio.wait_for(_exchange(process, frame), self._limit)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            pid, code = self.pid, await self.end()
            self._log.warning("a worker did not answer", extra={"pid": pid, "exit_code": code})
            raise WorkerDiedError(f"process {pid}, exit code {code}") from error
        except asyncio.CancelledError:
            await self.end()  # otherwise its answer would be taken for the next question's
            raise

    async def end(self) -> int | None:
        """Kill the process and return its exit code; None if there is no process."""
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
    return decoded_answer(await process.stdout.readexactly(length))
