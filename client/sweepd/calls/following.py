"""Watching of a sweep or a standalone run across server restarts, broken connections and slow readers."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from sweepd import v1
from sweepd.backoff import Backoff
from sweepd.calls import runs
from sweepd.calls.wire import Wire
from sweepd.errors import ClientError, NotYetError

PASSING = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL", "UNKNOWN", "CANCELLED"})
"""Transient statuses, which are retried."""
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0
_ASK_AGAIN_SECONDS = 1.0

OnGap = Callable[[ClientError], None]
"""Callback for the first error of each interruption."""


def pauses() -> Backoff:
    """Return the delays between reconnects."""
    return Backoff(first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)


def jittered(delay: float) -> float:
    """Return a randomly shortened delay, to spread the load of many clients."""
    from random import uniform  # here, because it is slow to import and needed only after a failure

    return delay * uniform(0.5, 1.0)  # noqa: S311


def ignored(error: ClientError) -> None:
    """Ignore an interruption."""


async def follow(
    wire: Wire, name: str, *, seconds: float | None = None, on_gap: OnGap = ignored
) -> AsyncGenerator[v1.WatchSweepResponse, None]:
    """Yield the snapshot of a sweep and then every change, without end.

    Raises:
        NotYetError: the time limit has passed.
        ClientError: a permanent error, such as NOT_FOUND.
    """
    token = ""
    backoff = pauses()
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        request = v1.WatchSweepRequest(name=name, resume_token=token)
        stream = wire.stream(request, v1.WatchSweepResponse, seconds=_left(end))
        try:
            async with aclosing(stream):
                async for message in stream:
                    backoff.reset()
                    token = message.resume_token or token
                    yield message
        except ClientError as error:
            if error.code == "DEADLINE_EXCEEDED":
                _left(end)
            elif error.code not in PASSING:
                raise
            elif not backoff.delay:
                on_gap(error)
        # A server that ends the stream normally is about to restart, so reconnect, too.
        await wire.pause(min(jittered(backoff.next_delay()), _left(end) or _LONGEST_PAUSE))


async def follow_run(
    wire: Wire, name: str, *, seconds: float | None = None, on_gap: OnGap = ignored
) -> AsyncGenerator[v1.Run, None]:
    """Yield a run now and after each change, by polling; for standalone runs.

    Raises: as `follow`.
    """
    end = None if seconds is None else time.monotonic() + seconds
    known: v1.Run | None = None
    unavailable = False
    while True:
        try:
            run = await runs.get(wire, name)
            unavailable = False
        except ClientError as error:
            if error.code not in PASSING:
                raise
            if not unavailable:
                on_gap(error)
            unavailable = True
        else:
            if run != known:
                known = run
                yield run
        await wire.pause(min(_ASK_AGAIN_SECONDS, _left(end) or _ASK_AGAIN_SECONDS))


def _left(end: float | None) -> float | None:
    """Return the seconds left until `end` on the monotonic clock; None if there is no limit.

    Raises:
        NotYetError: the time limit has passed.
    """
    if end is None:
        return None
    left = end - time.monotonic()
    if left <= 0:
        raise NotYetError("not yet: the time limit has passed")
    return left
