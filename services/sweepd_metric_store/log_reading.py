"""Where reading a log begins and how it goes on to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from sweepd_metric_store.domain.checksum import Damage
from sweepd_metric_store.notices import Notices
from sweepd_metric_store.ports import LogPart, MetricReads
from sweepd_metric_store.streams import MESSAGE_BYTES, PAUSE_SECONDS


async def first_part(reads: MetricReads, run: str, attempt: int, offset: int, tail_bytes: int) -> LogPart:
    """Return the first part to show: from `offset`, or from a line about `tail_bytes` before the end."""
    if not tail_bytes:
        return await reads.log(run, attempt, offset, MESSAGE_BYTES)
    end = (await reads.log(run, attempt, 0, 1)).end
    start = max(offset, end - tail_bytes)
    if not start:
        return await reads.log(run, attempt, 0, MESSAGE_BYTES)
    # The byte before tells whether a line begins right here.
    part = await reads.log(run, attempt, start - 1, MESSAGE_BYTES)
    if part.damaged_from is not None:
        return part
    newline = part.content.find(b"\n", 0, tail_bytes)
    skipped = newline + 1 if newline >= 0 else 1
    return LogPart(
        attempt=part.attempt, offset=start - 1 + skipped, content=part.content[skipped:], end=part.end
    )


async def parts(
    part: LogPart, run: str, reads: MetricReads, notices: Notices, *, follow: bool
) -> AsyncGenerator[LogPart]:
    """Yield `part` and what is stored behind it; with `follow` also what comes.

    A log that is not there yet is waited for; once an attempt is chosen, its log alone is read. What is
    damaged is left out, which the offset of the next part shows.

    Raises:
        DamagedError: at the end, if anything was left out; with `follow` there is no end.
    """
    is_damaged = False
    with notices.following(lambda name: name.run == run) as follower:
        while True:
            if part.damaged_from is not None:
                is_damaged = True
            elif part.content:
                yield part
            elif follow:
                await follower.taken()
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                break
            part = await reads.log(run, part.attempt, part.offset + len(part.content), MESSAGE_BYTES)
    if is_damaged:
        raise reads.damaged([Damage(run=run, attempt=part.attempt, what="log")])
