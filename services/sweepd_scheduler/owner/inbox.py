"""Inbox of the owner: events to decide, responses to callers, and timers."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.message import Message

from sweepd_scheduler.domain.effects import Decision
from sweepd_scheduler.domain.events import Event, Timer
from sweepd_scheduler.domain.requests.remembered import Repeatable
from sweepd_scheduler.domain.requests.requests import Answer


@dataclass(frozen=True, slots=True)
class Repeated:
    """Response to a duplicate request: the stored response to the first request, serialised."""

    kept: bytes


Response: TypeAlias = Message | Repeated | None
"""Response to a request; None if the caller waits only for the commit."""


def whole(message: Message) -> bytes:
    """Serialise a response without shortening it."""
    return message.SerializeToString()


@dataclass(slots=True, kw_only=True)
class Item:
    """Event to decide, and its caller.

    Args:
        event: the event.
        encode: converts the core's answer to the response; None: the caller needs no response.
        shorten: converts the response to the bytes stored for duplicates.
        repeatable: identity by which a duplicate is recognised; None: the request has no id.
        answer: future on which the caller waits for the response; None: no caller waits.
        done: called once the changes are stored, or the event is refused.
    """

    event: Event
    encode: Callable[[Answer], Message] | None = None
    shorten: Callable[[Message], bytes] = whole
    repeatable: Repeatable | None = None
    answer: "asyncio.Future[Response] | None" = None
    done: Callable[[], None] | None = None


@dataclass(slots=True)
class Decided:
    """Decision about an item, with the response to its caller or the error."""

    item: Item
    decision: Decision
    answer: Response = None
    refusal: Exception | None = None


def finish(item: Item, answer: Response, refusal: Exception | None) -> None:
    """Pass the response, or the error `refusal`, to the caller of an item."""
    if item.done is not None:
        item.done()
    if item.answer is None or item.answer.done():  # no caller waits, or it was cancelled
        return
    if refusal is not None:
        item.answer.set_exception(refusal)
    else:
        item.answer.set_result(answer)


class Timers:
    """Timers, ordered by time, and at equal times by the order in which they were set.

    Args:
        is_moot: returns True for a timer that can no longer have an effect; such timers are dropped.
    """

    def __init__(self, is_moot: Callable[[Timer], bool]) -> None:
        self._is_moot = is_moot
        self._set: list[tuple[float, int, Timer]] = []
        self._tie = itertools.count()

    def set(self, at: float, event: Timer) -> None:
        """Set a timer that fires with `event` at the time `at`, in monotonic seconds."""
        heapq.heappush(self._set, (at, next(self._tie), event))

    @property
    def next_at(self) -> float | None:
        """Time at which the next timer fires; None if none is set."""
        while self._set and self._is_moot(self._set[0][2]):
            heapq.heappop(self._set)
        return self._set[0][0] if self._set else None

    def due(self, now: float) -> list[Timer]:
        """Remove and return the timers that are due."""
        due = []
        while (at := self.next_at) is not None and at <= now:
            due.append(heapq.heappop(self._set)[2])
        return due
