"""Queue of fits of many sweeps, served round-robin by a few workers."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Coroutine, Hashable
from dataclasses import dataclass

from sweepd_kernel.errors import DomainError, Status
from sweepd_suggestion.worker_process import (
    Failed,
    Ready,
    WarmUp,
    WorkerAnswer,
    WorkerDiedError,
    WorkerProcess,
    WorkerQuestion,
)

FIT_LIMIT = 60.0
"""Seconds after which a worker without an answer is replaced; the largest fit takes a few seconds."""

_MAX_WAITING = 1_000
_MAX_TRIES = 2


@dataclass(eq=False, slots=True)
class Fit:
    """Answer to a queued question; the question is dropped if no caller waits when its turn comes."""

    answer: asyncio.Future[WorkerAnswer]
    waiting: int = 0

    @property
    def is_failed(self) -> bool:
        """True if the fit was cancelled or has failed."""
        return self.answer.cancelled() or (self.answer.done() and self.answer.exception() is not None)

    async def result(self) -> WorkerAnswer:
        """Wait for the answer; a cancelled caller does not cancel it for others.

        Raises:
            DomainError: the fit failed.
        """
        self.waiting += 1
        try:
            return await asyncio.shield(self.answer)
        finally:
            self.waiting -= 1

    def fail(self, error: DomainError) -> None:
        """Fail the fit for all waiting callers."""
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # marks it as retrieved, in case nobody waits


@dataclass(eq=False, slots=True)
class _Queued:
    """Queued question. A question may take many megabytes, so it is not kept with its answer."""

    queue_key: Hashable
    question: WorkerQuestion
    fit: Fit
    tries: int = 0


class Fits:
    """Scheduler of fits in worker processes: round-robin over queues; each queue is first in, first out.

    A process takes seconds to load its libraries. So questions go to loaded processes, and another process is
    loaded only while all loaded ones are busy.
    """

    def __init__(self, workers: int, log: logging.Logger) -> None:
        self._log = log
        self._waiting: OrderedDict[Hashable, deque[_Queued]] = OrderedDict()
        self._cold = [WorkerProcess(FIT_LIMIT, log) for _ in range(workers)]
        self._idle: list[WorkerProcess] = []
        self._all = tuple(self._cold)
        self._warming = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """End the workers and drop all pending fits."""
        self._cold.clear()  # no worker starts from now on
        self._idle.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for worker in self._all:
            await worker.end()
        for queue in self._waiting.values():
            for queued in queue:
                queued.fit.fail(_unavailable("the service is stopping"))

    def warm_up(self) -> None:
        """Start loading a worker unless one is loaded or loading."""
        if len(self._cold) == len(self._all):
            self._warm_another()

    def submit(self, queue_key: Hashable, question: WorkerQuestion) -> Fit:
        """Append a question to a queue; the caller must await the returned fit.

        Raises:
            DomainError: RESOURCE_EXHAUSTED; too many questions are waiting.
        """
        if sum(len(queue) for queue in self._waiting.values()) >= _MAX_WAITING:
            raise DomainError("too many fits are waiting", status=Status.RESOURCE_EXHAUSTED, retry_after=5.0)
        fit = Fit(asyncio.get_running_loop().create_future())
        self._waiting.setdefault(queue_key, deque()).append(_Queued(queue_key, question, fit))
        # Dispatch later, once the caller waits: a question without a waiting caller is dropped.
        asyncio.get_running_loop().call_soon(self._dispatch)
        return fit

    def _dispatch(self) -> None:
        while self._idle and (queued := self._next()) is not None:
            self._begin(self._answer(self._idle.pop(), queued))
        if self._waiting:
            self._warm_another()

    def _next(self) -> _Queued | None:
        while self._waiting:
            queue_key, queue = self._waiting.popitem(last=False)
            queued = queue.popleft()
            if queue:
                self._waiting[queue_key] = queue  # move to the end: the other queues come first
            if queued.fit.waiting > 0:
                return queued
            queued.fit.answer.cancel()
        return None

    async def _answer(self, worker: WorkerProcess, queued: _Queued) -> None:
        queued.tries += 1
        try:
            answer = await worker.ask(queued.question)
        except WorkerDiedError:
            self._cold.append(worker)
            self._retry(queued)
        else:
            self._idle.append(worker)
            fit = queued.fit
            if isinstance(answer, Failed | Ready):
                self._log.error("a fit failed", extra={"answer": answer})
                fit.fail(DomainError("the model could not be fitted", status=Status.INTERNAL))
            elif not fit.answer.done():
                fit.answer.set_result(answer)
        self._dispatch()

    def _retry(self, queued: _Queued) -> None:
        if queued.tries >= _MAX_TRIES:
            queued.fit.fail(_unavailable("the process that fits the model died twice"))
            return
        self._waiting.setdefault(queued.queue_key, deque()).appendleft(queued)
        self._waiting.move_to_end(queued.queue_key, last=False)

    def _warm_another(self) -> None:
        if self._cold and not self._warming:
            self._warming = True
            self._begin(self._warm(self._cold.pop()))

    async def _warm(self, worker: WorkerProcess) -> None:
        try:
            answer = await worker.ask(WarmUp())
            ready = isinstance(answer, Ready)
            if isinstance(answer, Failed):
                self._log.error("a worker cannot load the model", extra={"answer": answer})
        except WorkerDiedError:
            ready = False
        self._warming = False
        if ready:
            self._idle.append(worker)
            self._dispatch()
            return
        self._cold.append(worker)
        if len(self._cold) == len(self._all):  # no worker is left for the waiting questions
            while (queued := self._next()) is not None:
                queued.fit.fail(_unavailable("no process that fits models can be started"))

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _unavailable(why: str) -> DomainError:
    return DomainError(why, status=Status.UNAVAILABLE, retry_after=1.0)
