"""Whose fit is next: few workers, many sweeps, one fit each in turn."""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field

from sweepd_kernel.errors import DomainError, Status
from sweepd_suggestion.domain.proposal import Proposal, Question
from sweepd_suggestion.frames import Failed, Ready, WarmUp
from sweepd_suggestion.worker_process import WorkerDiedError, WorkerProcess

FIT_LIMIT = 60.0
"""Seconds after which a worker without an answer is replaced; a fit of the largest model takes a few."""

_MOST_WAITING = 1_000
_TRIES = 2

Proposals = tuple[Proposal, ...]


@dataclass(eq=False, slots=True)
class Fit:
    """One question on its way; given up before it starts if nobody waits for it any more."""

    question: Question | WarmUp
    answer: asyncio.Future[Proposals]
    waiting: int = 0


@dataclass(slots=True)
class _Lane:
    worker: WorkerProcess
    task: asyncio.Task[None] | None = field(default=None)


class Fits:
    """Runs fits in worker processes, taking the sweeps in turn, each sweep's fits in order."""

    def __init__(self, workers: int, log: logging.Logger) -> None:
        self._log = log
        self._waiting: OrderedDict[Hashable, deque[Fit]] = OrderedDict()
        self._arrived = asyncio.Event()
        self._lanes = [_Lane(WorkerProcess(FIT_LIMIT, log)) for _ in range(workers)]

    @property
    def worker_pids(self) -> list[int]:
        """The processes that are there."""
        return [lane.worker.pid for lane in self._lanes if lane.worker.pid is not None]

    def start(self) -> None:
        """Begin to take fits; processes start with the first of them."""
        for lane in self._lanes:
            lane.task = asyncio.create_task(self._run(lane.worker))

    async def stop(self) -> None:
        """End the workers; fits under way are given up."""
        tasks = [lane.task for lane in self._lanes if lane.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for lane in self._lanes:
            await lane.worker.end()
        for queue in self._waiting.values():
            for fit in queue:
                fit.answer.cancel()

    def warm_up(self) -> None:
        """See to it that there is a worker with everything loaded, or soon will be."""
        if not self.worker_pids and not self._waiting:
            self.submit("", WarmUp()).waiting += 1

    def submit(self, sweep: Hashable, question: Question | WarmUp) -> Fit:
        """Queue a question of a sweep behind that sweep's earlier ones.

        Raises:
            DomainError: RESOURCE_EXHAUSTED; far too many wait already.
        """
        if sum(len(queue) for queue in self._waiting.values()) >= _MOST_WAITING:
            raise DomainError("too many fits are waiting", status=Status.RESOURCE_EXHAUSTED, retry_after=5.0)
        fit = Fit(question, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(sweep, deque()).append(fit)
        self._arrived.set()
        return fit

    async def _run(self, worker: WorkerProcess) -> None:
        while True:
            fit = await self._next()
            try:
                proposals = await self._fitted(worker, fit.question)
            except DomainError as error:
                if not fit.answer.done():
                    fit.answer.set_exception(error)
                    fit.answer.exception()  # seen, even if everybody has gone
            else:
                if not fit.answer.done():
                    fit.answer.set_result(proposals)

    async def _next(self) -> Fit:
        while True:
            while self._waiting:
                sweep, queue = self._waiting.popitem(last=False)
                fit = queue.popleft()
                if queue:
                    self._waiting[sweep] = queue  # to the end: the others come first
                if fit.waiting > 0:
                    return fit
                fit.answer.cancel()
            self._arrived.clear()
            await self._arrived.wait()

    async def _fitted(self, worker: WorkerProcess, question: Question | WarmUp) -> Proposals:
        for _ in range(_TRIES):
            with suppress(WorkerDiedError):
                match await worker.ask(question):
                    case Failed(why=why):
                        self._log.error("a fit failed", extra={"why": why})
                        raise DomainError("the model could not be fitted", status=Status.INTERNAL)
                    case Ready():
                        return ()
                    case proposals:
                        return proposals
        raise DomainError(
            "the process that fits the model died twice", status=Status.UNAVAILABLE, retry_after=1.0
        )
