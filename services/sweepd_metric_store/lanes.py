"""What waits to be stored: a lane for each attempt, so that none waits behind the flood of another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lanes(Generic[Item]):
    """Filled in the event loop, emptied by one thread, in parts that are not too much work at once.

    Args:
        most_items: how many items a part may have.
        most_weight: what they may weigh together; one item alone may weigh more.
    """

    def __init__(self, *, most_items: int, most_weight: int) -> None:
        self._most_items = most_items
        self._most_weight = most_weight
        self._lanes: dict[Hashable, deque[tuple[Item, int]]] = {}
        self._some = threading.Condition()
        self._closed = False

    def put(self, lane: Hashable, item: Item, weight: int) -> None:
        """Add an item behind those of its lane."""
        with self._some:
            self._lanes.setdefault(lane, deque()).append((item, weight))
            self._some.notify()

    def close(self) -> None:
        """Let `take` return at once from now on."""
        with self._some:
            self._closed = True
            self._some.notify()

    @property
    def over(self) -> bool:
        """Whether nothing is left, and nothing will come."""
        with self._some:
            return self._closed and not self._lanes

    def take(self, timeout: float) -> list[Item]:
        """Return what is next, one item of each lane in turn; wait for something for `timeout` s at most."""
        with self._some:
            self._some.wait_for(lambda: self._lanes or self._closed, timeout)
            return self._next()

    def _next(self) -> list[Item]:
        taken: list[Item] = []
        room = self._most_weight
        while self._lanes and len(taken) < self._most_items:
            name = next(iter(self._lanes))
            if taken and self._lanes[name][0][1] > room:
                break
            lane = self._lanes.pop(name)
            item, weight = lane.popleft()
            taken.append(item)
            room -= weight
            if lane:  # behind the others: dictionaries keep the order of insertion
                self._lanes[name] = lane
        return taken
