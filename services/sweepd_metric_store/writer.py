"""The one thread that writes: takes some of what has queued, commits it at once, then lets the answers go."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DamagedError, DomainError, Status
from sweepd_metric_store.lanes import Lanes
from sweepd_metric_store.ports import Arrival, Listener, MetricWrites, PointsArrived, Stored

MAX_QUEUED = 256
"""Arrivals that may wait for a commit; whoever brings more waits, and flow control tells the sender."""
COMMIT_WEIGHT = 1024 * 1024
"""Bytes that one commit may take: tens of milliseconds, for which everybody else waits."""
POINT_WEIGHT = 64
"""A point is more work than its bytes."""
_TIDY_EVERY = 10.0
_TIDY_AGAIN = 0.2
"""Seconds between rounds of joining small pieces: when there were none, and while there are more."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An arrival and who waits for what becomes of it."""

    arrival: Arrival
    answer: asyncio.Future[Stored]


class Writer:
    """Hands arrivals from the event loop to the thread, and the answers back."""

    def __init__(self, store: MetricWrites, clock: Clock, log: logging.Logger, listener: Listener) -> None:
        """Take the store, which from `start` on belongs to the thread.

        Args:
            store: where things are stored.
            clock: paces the joining of small pieces.
            log: where trouble is written down.
            listener: called in the event loop with what each commit has stored.
        """
        self._store = store
        self._clock = clock
        self._log = log
        self._listener = listener
        self._lanes: Lanes[_Waiting] = Lanes(most_items=MAX_QUEUED, most_weight=COMMIT_WEIGHT)
        self._room = asyncio.Semaphore(MAX_QUEUED)
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failing = False
        self._ended: DomainError | None = None

    def start(self) -> None:
        """Begin to write; called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self, error: DomainError) -> None:
        """Write what has queued, then end; whoever comes later is told `error`."""
        self._ended = error
        self._lanes.close()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)

    async def submit(self, arrival: Arrival) -> asyncio.Future[Stored]:
        """Queue an arrival, once there is room; the future gives what became of it, after its commit.

        The future raises DomainError if nothing of it was stored.

        Raises:
            DomainError: the writer has ended.
        """
        await self._room.acquire()
        if self._ended is not None:
            self._room.release()
            raise self._ended
        answer: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda _: self._room.release())
        self._lanes.put((arrival.name.run, arrival.name.attempt), _Waiting(arrival, answer), weight(arrival))
        return answer

    def _work(self) -> None:
        tidy_at = self._clock.monotonic() + _TIDY_EVERY
        while not self._lanes.over:
            waiting = self._lanes.take(max(0.0, tidy_at - self._clock.monotonic()))
            if waiting:
                self._commit(waiting)
            if self._ended is None and self._clock.monotonic() >= tidy_at:
                tidy_at = self._clock.monotonic() + (_TIDY_AGAIN if self._tidied() else _TIDY_EVERY)
        self._store.close()

    def _commit(self, waiting: Sequence[_Waiting]) -> None:
        try:
            stored = self._store.commit([each.arrival for each in waiting])
        except DamagedError as error:
            self._commit_undamaged(waiting, error)
        except DomainError as error:
            self._note_failure(error)
            self._release(waiting, error)
        except Exception as error:  # noqa: BLE001 (whatever one arrival does, others must go on)
            self._commit_apart(waiting, error)
        else:
            self._failing = False
            self._release(waiting, stored)

    def _commit_apart(self, waiting: Sequence[_Waiting], error: Exception) -> None:
        """After a fault of ours, store arrivals one by one, so that only the one at fault fails."""
        if len(waiting) > 1:
            for each in waiting:
                self._commit([each])
            return
        self._log.error("an arrival cannot be stored", exc_info=error)
        self._release(
            waiting, DomainError("internal error; the server's log says more", status=Status.INTERNAL)
        )

    def _commit_undamaged(self, waiting: Sequence[_Waiting], error: DamagedError) -> None:
        """Store arrivals one by one, so that only those fail whose place in the database is damaged."""
        self._note_failure(error)
        if len(waiting) > 1:
            for each in waiting:
                self._commit([each])
            return
        name = waiting[0].arrival.name
        self._release(waiting, [Stored(name=name, cursor=0, rejection=error.message, refused=True)])

    def _tidied(self) -> bool:
        """Join small pieces; tell whether there may be more."""
        try:
            return self._store.tidy()
        except DomainError as error:
            self._note_failure(error)
        except Exception:  # noqa: BLE001 (storing goes on without it)
            self._log.exception("small pieces cannot be joined")
        return False

    def _note_failure(self, error: DomainError) -> None:
        if not self._failing:
            self._log.error("nothing can be stored", extra={"why": error.message})
        self._failing = True

    def _release(self, waiting: Sequence[_Waiting], outcome: Sequence[Stored] | DomainError) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._answer, waiting, outcome)

    def _answer(self, waiting: Sequence[_Waiting], outcome: Sequence[Stored] | DomainError) -> None:
        """Let the answers of one commit go; runs in the event loop."""
        if isinstance(outcome, DomainError):
            for each in waiting:
                if not each.answer.done():
                    each.answer.set_exception(outcome)
                    # Whoever waited may be gone; that is no fault worth a line in the log.
                    each.answer.exception()
            return
        for each, stored in zip(waiting, outcome, strict=True):
            if not each.answer.done():
                each.answer.set_result(stored)
        self._listener([stored for stored in outcome if stored.fresh])


def weight(arrival: Arrival) -> int:
    """Return how much work it is to store an arrival, in bytes."""
    if isinstance(arrival, PointsArrived):
        return POINT_WEIGHT * sum(len(column.values) for column in arrival.batch.columns)
    return len(arrival.content)
