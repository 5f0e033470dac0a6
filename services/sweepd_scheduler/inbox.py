"""What the owner has before it in a turn."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sweepd_scheduler.domain.decision import Decision
from sweepd_scheduler.domain.events import Event
from sweepd_scheduler.domain.requests.remembered import Repeatable
from sweepd_scheduler.domain.requests.requests import Answer


@dataclass(frozen=True, slots=True)
class Response:
    """The bytes that a request is answered with; `repeated`: what was kept of those of the first."""

    content: bytes
    repeated: bool = False


NO_RESPONSE = Response(b"")


@dataclass(slots=True, kw_only=True)
class Item:
    """Something to be decided, and who waits for it."""

    event: Event
    encode: Callable[[Answer], bytes] | None = None
    shorten: Callable[[bytes], bytes] = bytes
    repeatable: Repeatable | None = None
    answer: "asyncio.Future[Response] | None" = None
    done: Callable[[], None] | None = None


@dataclass(slots=True)
class Decided:
    """What was decided about an item, and what it is answered."""

    item: Item
    decision: Decision
    answer: Response = NO_RESPONSE
    refusal: Exception | None = None


def finish(item: Item, answer: Response, refusal: Exception | None) -> None:
    """Tell whoever waits for an item."""
    if item.done is not None:
        item.done()
    if item.answer is None or item.answer.done():  # a caller that has hung up wants no answer
        return
    if refusal is not None:
        item.answer.set_exception(refusal)
    else:
        item.answer.set_result(answer)
