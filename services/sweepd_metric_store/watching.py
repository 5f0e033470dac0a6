"""Follows histories: what is stored first, then what comes, and an end for readers that stall."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from sweepd_kernel.errors import DomainError, Reason, Status
from sweepd_metric_store.domain.checksum import Damage
from sweepd_metric_store.notices import Notices
from sweepd_metric_store.ports import AttemptName, MetricReads, Selection
from sweepd_metric_store.streams import PAUSE_SECONDS, grouped

STALL_SECONDS = 30.0
"""A reader that takes no message for this long is let go."""


class SlowReaderError(DomainError):
    """The reader of a stream does not take its messages."""

    def __init__(self) -> None:
        super().__init__(
            f"no message was taken for {STALL_SECONDS:g} s",
            status=Status.RESOURCE_EXHAUSTED,
            reason=Reason.SLOW_READER,
        )


async def send(write: Callable[[bytes], Awaitable[None]], message: bytes) -> None:
    """Send one message.

    Raises:
        SlowReaderError: the reader has stalled.
    """
    try:
        # Not `wait_for`, which loses a cancellation that comes as the write ends (CPython 3.11).
        async with asyncio.timeout(STALL_SECONDS):
            await write(message)
    except TimeoutError:
        raise SlowReaderError from None


async def history(
    selection: Selection, reads: MetricReads, notices: Notices
) -> AsyncGenerator[tuple[list[bytes], Sequence[Damage]]]:
    """Yield groups of series, each a message: all that is stored, then what is added, each point once.

    With a group comes what is damaged, which is left out.

    Only the row reached is kept for each attempt: a reader that is late gets more at once, and costs nothing.
    """
    with notices.following(selection.covers) as follower:
        rows: dict[AttemptName, int] = {}
        unread = set(await reads.attempts(selection))
        while True:
            growth = await reads.growth(unread or await follower.taken(), rows, selection.keys)
            rows.update(growth.rows)
            unread = set(growth.unread)
            damages = growth.damaged
            for group in grouped(growth.series):
                yield group, damages
                damages = ()
            if damages:
                yield [], damages
            if not unread:
                await asyncio.sleep(PAUSE_SECONDS)
