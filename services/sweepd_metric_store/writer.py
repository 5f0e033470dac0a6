"""Writer thread: group commit of arrivals from a fair queue; answers are released after the commit."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DamagedError, DomainError, Status
from sweepd_metric_store.ports import Arrival, Listener, MetricWrites, PointsArrived, Stored

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Fair queue, filled in the event loop and drained by one thread in portions of bounded weight.

    Args:
        max_items: maximum number of items per portion.
        max_weight: maximum total weight per portion; a single item may exceed it.
    """

    def __init__(self, *, max_items: int, max_weight: int) -> None:
        self._max_items = max_items
        self._max_weight = max_weight
        self._flows: dict[Hashable, deque[tuple[Item, int]]] = {}
        self._changed = threading.Condition()
        self._closed = False

    def put(self, flow: Hashable, item: Item, weight: int) -> None:
        """Append an item to the queue of its flow."""
        with self._changed:
            self._flows.setdefault(flow, deque()).append((item, weight))
            self._changed.notify()

    def close(self) -> None:
        """Close the queue, so that `take` no longer waits."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def ended(self) -> bool:
        """True if the queue is closed and empty."""
        with self._changed:
            return self._closed and not self._flows

    def take(self, timeout: float) -> list[Item]:
        """Return a portion, round-robin over the flows; empty if no item arrives within `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._flows or self._closed, timeout)
            return self._next()

    def _next(self) -> list[Item]:
        portion: list[Item] = []
        room = self._max_weight
        while self._flows and len(portion) < self._max_items:
            name = next(iter(self._flows))
            if portion and self._flows[name][0][1] > room:
                break
            flow = self._flows.pop(name)
            item, weight = flow.popleft()
            portion.append(item)
            room -= weight
            if flow:  # move to the end: dictionaries keep insertion order
                self._flows[name] = flow
        return portion


MAX_QUEUED = 256
"""Maximum number of arrivals waiting for a commit; then `submit` waits, and flow control slows the sender."""
COMMIT_WEIGHT = 1024 * 1024
"""Maximum weight of a commit in bytes; such a commit takes tens of milliseconds, while others wait."""
POINT_WEIGHT = 64
"""Weight of a point in bytes, higher than its size because of the work per point."""
_COMPACT_EVERY = 10.0
_COMPACT_AGAIN = 0.2
"""Seconds until the next round of compaction: after a round without work, and after a round with work."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Queued arrival and the future of its answer."""

    arrival: Arrival
    answer: asyncio.Future[Stored]


class Writer:
    """Bridge that passes arrivals from the event loop to the writer thread, and answers back."""

    def __init__(self, store: MetricWrites, clock: Clock, log: logging.Logger, listener: Listener) -> None:
        """Create the writer; from `start` on, its thread owns the store.

        Args:
            store: the storage.
            clock: clock that times compaction.
            log: log of failures.
            listener: called in the event loop after each commit, with the outcomes that stored anything new.
        """
        self._store = store
        self._clock = clock
        self._log = log
        self._listener = listener
        self._queue: FairQueue[_Waiting] = FairQueue(max_items=MAX_QUEUED, max_weight=COMMIT_WEIGHT)
        self._room = asyncio.Semaphore(MAX_QUEUED)
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failing = False
        self._ended: DomainError | None = None

    def start(self) -> None:
        """Start the thread; called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self, error: DomainError) -> None:
        """Store queued arrivals, then end the thread; `submit` raises `error` from now on."""
        self._ended = error
        self._queue.close()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)

    async def submit(self, arrival: Arrival) -> asyncio.Future[Stored]:
        """Queue an arrival once there is room; return the future of its outcome, set after the commit.

        If the commit fails, the future raises DomainError; if damage prevents it, the outcome is a refusal.

        Raises:
            DomainError: the writer was stopped.
        """
        await self._room.acquire()
        if self._ended is not None:
            self._room.release()
            raise self._ended
        answer: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda _: self._room.release())
        self._queue.put((arrival.name.run, arrival.name.attempt), _Waiting(arrival, answer), weight(arrival))
        return answer

    def _work(self) -> None:
        compact_at = self._clock.monotonic() + _COMPACT_EVERY
        while not self._queue.ended:
            waiting = self._queue.take(max(0.0, compact_at - self._clock.monotonic()))
            if waiting:
                self._commit(waiting)
            if self._ended is None and self._clock.monotonic() >= compact_at:
                compact_at = self._clock.monotonic() + (
                    _COMPACT_AGAIN if self._compacted() else _COMPACT_EVERY
                )
        self._store.close()

    def _commit(self, waiting: Sequence[_Waiting]) -> None:
        try:
            stored = self._store.commit([each.arrival for each in waiting])
        except DamagedError as error:
            self._log_failure(error)
            if not self._committed_singly(waiting):
                refused = Stored(
                    name=waiting[0].arrival.name, cursor=0, rejection=error.message, refused=True
                )
                self._release(waiting, [refused])
        except DomainError as error:
            self._log_failure(error)
            self._release(waiting, error)
        except Exception:  # noqa: BLE001 (one arrival must not stop the others)
            if not self._committed_singly(waiting):
                self._log.exception("storing an arrival failed")
                message = "internal error; see the server's log"
                self._release(waiting, DomainError(message, status=Status.INTERNAL))
        else:
            self._failing = False
            self._release(waiting, stored)

    def _committed_singly(self, waiting: Sequence[_Waiting]) -> bool:
        """Store several arrivals one by one to isolate failing ones; return False for a single arrival."""
        if len(waiting) == 1:
            return False
        for each in waiting:
            self._commit([each])
        return True

    def _compacted(self) -> bool:
        """Compact; return True if there may be more to do."""
        try:
            return self._store.compact()
        except DomainError as error:
            self._log_failure(error)
        except Exception:  # noqa: BLE001 (storing continues without compaction)
            self._log.exception("compaction failed")
        return False

    def _log_failure(self, error: DomainError) -> None:
        if not self._failing:
            self._log.error("arrivals cannot be stored", extra={"why": error.message})
        self._failing = True

    def _release(self, waiting: Sequence[_Waiting], outcome: Sequence[Stored] | DomainError) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._answer, waiting, outcome)

    def _answer(self, waiting: Sequence[_Waiting], outcome: Sequence[Stored] | DomainError) -> None:
        """Resolve the futures of one commit; called in the event loop."""
        if isinstance(outcome, DomainError):
            for each in waiting:
                if not each.answer.done():
                    each.answer.set_exception(outcome)
                    each.answer.exception()  # marks it as retrieved, in case nobody waits
            return
        for each, stored in zip(waiting, outcome, strict=True):
            if not each.answer.done():
                each.answer.set_result(stored)
        self._listener([stored for stored in outcome if stored.fresh])


def weight(arrival: Arrival) -> int:
    """Return the cost of storing an arrival, in bytes."""
    if isinstance(arrival, PointsArrived):
        return POINT_WEIGHT * sum(len(column.values) for column in arrival.batch.columns)
    return len(arrival.content)
