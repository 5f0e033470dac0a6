"""Queue that serves its flows in turn, so that no attempt waits behind the flood of another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Fair queue, filled in the event loop and emptied by one thread in portions of bounded work.

    Args:
        most_items: largest number of items of a portion.
        most_weight: largest total weight of a portion; a single item may weigh more.
    """

    def __init__(self, *, most_items: int, most_weight: int) -> None:
        self._most_items = most_items
        self._most_weight = most_weight
        self._flows: dict[Hashable, deque[tuple[Item, int]]] = {}
        self._some = threading.Condition()
        self._closed = False

    def put(self, flow: Hashable, item: Item, weight: int) -> None:
        """Add an item behind those of its flow."""
        with self._some:
            self._flows.setdefault(flow, deque()).append((item, weight))
            self._some.notify()

    def close(self) -> None:
        """End the queue: `take` no longer waits."""
        with self._some:
            self._closed = True
            self._some.notify()

    @property
    def ended(self) -> bool:
        """Whether the queue is closed and empty."""
        with self._some:
            return self._closed and not self._flows

    def take(self, timeout: float) -> list[Item]:
        """Return the next portion, one item of each flow in turn; wait for it for `timeout` s at most."""
        with self._some:
            self._some.wait_for(lambda: self._flows or self._closed, timeout)
            return self._next()

    def _next(self) -> list[Item]:
        taken: list[Item] = []
        room = self._most_weight
        while self._flows and len(taken) < self._most_items:
            name = next(iter(self._flows))
            if taken and self._flows[name][0][1] > room:
                break
            flow = self._flows.pop(name)
            item, weight = flow.popleft()
            taken.append(item)
            room -= weight
            if flow:  # behind the others: dictionaries keep the order of insertion
                self._flows[name] = flow
        return taken
