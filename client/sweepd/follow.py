"""Following a sweep over whatever interrupts it: restarts, broken links, a reader that was too slow."""

import random
import time
from collections.abc import Callable, Iterator

from sweepd import v1
from sweepd.client import Client
from sweepd.errors import ClientError

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0
PASSING = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL", "UNKNOWN", "CANCELLED"})
"""Statuses that a later attempt may get past."""


class Pauses:
    """How long to wait before each further attempt: twice as long each time, a bit less by chance."""

    def __init__(self) -> None:
        self._longest = _FIRST_PAUSE

    @property
    def fresh(self) -> bool:
        """Whether nothing has failed since the last good word."""
        return self._longest == _FIRST_PAUSE

    def reset(self) -> None:
        """Take note of a good word."""
        self._longest = _FIRST_PAUSE

    def next(self) -> float:
        """Return the seconds to wait now."""
        pause = self._longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
        self._longest = min(self._longest * 2, _LONGEST_PAUSE)
        return pause


class FollowTimeout(Exception):  # noqa: N818 - not an error of the call
    """The time given to `follow_sweep` is over."""


def follow_sweep(
    client: Client,
    name: str,
    *,
    seconds: float | None = None,
    on_gap: Callable[[ClientError], None] = lambda error: None,
) -> Iterator[v1.WatchSweepResponse]:
    """Yield the snapshot of a sweep and every change, for as long as the caller reads.

    Args:
        client: the server.
        name: full name of the sweep.
        seconds: for how long; None for ever.
        on_gap: called once for each interruption that is being got over.

    Raises:
        FollowTimeout: the time is over.
        ClientError: an error that no patience cures, as NOT_FOUND.
    """
    token = ""
    pauses = Pauses()
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        try:
            for message in client.watch_sweep(name, resume_token=token, seconds=_left(end)):
                pauses.reset()
                token = message.resume_token or token
                yield message
        except ClientError as error:
            if error.code == "DEADLINE_EXCEEDED" and end is not None and time.monotonic() >= end:
                raise FollowTimeout from error
            if error.code not in PASSING:
                raise
            if pauses.fresh:
                on_gap(error)
        # A server that ends the stream in order is about to restart; it is asked again, too.
        pause = pauses.next()
        time.sleep(min(pause, _left(end) or pause))


def _left(end: float | None) -> float | None:
    if end is None:
        return None
    left = end - time.monotonic()
    if left <= 0:
        raise FollowTimeout
    return left
