"""Queue of fits: few workers, many sweeps, one fit of each in turn."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Coroutine, Hashable
from dataclasses import dataclass

from sweepd_kernel.errors import DomainError, Status
from sweepd_suggestion.worker_process import (
    Answered,
    Asked,
    Failed,
    Ready,
    WarmUp,
    WorkerDiedError,
    WorkerProcess,
)

FIT_LIMIT = 60.0
"""Seconds after which a worker without an answer is replaced; a fit of the largest model takes a few."""

_MOST_WAITING = 1_000
_TRIES = 2


@dataclass(eq=False, slots=True)
class Fit:
    """Answer to a question; dropped before it starts once no caller waits for it."""

    answer: asyncio.Future[Answered]
    waiting: int = 0

    @property
    def is_lost(self) -> bool:
        """True if there will be no answer."""
        return self.answer.cancelled() or (self.answer.done() and self.answer.exception() is not None)

    async def awaited(self) -> Answered:
        """Return the answer. A caller that gives up leaves it to the others.

        Raises:
            DomainError: there is none.
        """
        self.waiting += 1
        try:
            return await asyncio.shield(self.answer)
        finally:
            self.waiting -= 1

    def fail(self, error: DomainError) -> None:
        """Fail all who wait for the answer."""
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # counts as seen, even if everybody has gone


@dataclass(eq=False, slots=True)
class _Queued:
    """A question that waits. It may have many megabytes: only its answer is kept."""

    line: Hashable
    question: Asked
    fit: Fit
    tries: int = 0


class Fits:
    """Runs fits in worker processes, taking their lines in turn, as one for each sweep, each line in order.

    A process takes seconds to load what fitting needs. So a question goes to one that has, and only while all
    of those are busy is another made ready.
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
        """End the workers and drop the fits under way."""
        self._cold.clear()  # nothing is started any more
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

    def submit(self, line: Hashable, question: Asked) -> Fit:
        """Queue a question behind earlier ones of its line; callers that wait for it count as `waiting`.

        Raises:
            DomainError: RESOURCE_EXHAUSTED; far too many wait already.
        """
        if sum(len(queue) for queue in self._waiting.values()) >= _MOST_WAITING:
            raise DomainError("too many fits are waiting", status=Status.RESOURCE_EXHAUSTED, retry_after=5.0)
        fit = Fit(asyncio.get_running_loop().create_future())
        self._waiting.setdefault(line, deque()).append(_Queued(line, question, fit))
        # Once the caller waits: a question without a waiting caller would be dropped.
        asyncio.get_running_loop().call_soon(self._dispatch)
        return fit

    def _dispatch(self) -> None:
        while self._idle and (queued := self._next()) is not None:
            self._begin(self._answer(self._idle.pop(), queued))
        if self._waiting:
            self._warm_another()

    def _next(self) -> _Queued | None:
        while self._waiting:
            line, queue = self._waiting.popitem(last=False)
            queued = queue.popleft()
            if queue:
                self._waiting[line] = queue  # to the end: the others come first
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
            self._again(queued)
        else:
            self._idle.append(worker)
            fit = queued.fit
            if isinstance(answer, Failed | Ready):
                self._log.error("a fit failed", extra={"answer": answer})
                fit.fail(DomainError("the model could not be fitted", status=Status.INTERNAL))
            elif not fit.answer.done():
                fit.answer.set_result(answer)
        self._dispatch()

    def _again(self, queued: _Queued) -> None:
        if queued.tries >= _TRIES:
            queued.fit.fail(_unavailable("the process that fits the model died twice"))
            return
        self._waiting.setdefault(queued.line, deque()).appendleft(queued)
        self._waiting.move_to_end(queued.line, last=False)

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
        if len(self._cold) == len(self._all):  # no worker is left to answer what waits
            while (queued := self._next()) is not None:
                queued.fit.fail(_unavailable("no process that fits models can be started"))

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _unavailable(why: str) -> DomainError:
    return DomainError(why, status=Status.UNAVAILABLE, retry_after=1.0)
