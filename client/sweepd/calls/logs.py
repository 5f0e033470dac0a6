"""Calls that read the log of a run, or follow it across interruptions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from sweepd import v1
from sweepd.calls import runs
from sweepd.calls.following import TRANSIENT, OnGap, ignore, jittered, reconnect_backoff
from sweepd.calls.wire import Wire
from sweepd.errors import ClientError
from sweepd.states import has_ended

_LISTEN_SECONDS = 2.0
# Maximum delay between the end of a run and its detection.
_CHECK_SECONDS = 1.0

Piece = tuple[int, bytes]
"""Number of an attempt, and a part of its log."""


@dataclass(slots=True)
class Place:
    """Position of a reader in a log; updated while reading.

    Args:
        attempt: number of the attempt; 0: the newest, replaced by its number during reading.
        tail_bytes: start about this many bytes before the end; 0: start at `offset`.
        offset: position in the log of the attempt, in bytes.
    """

    attempt: int = 0
    tail_bytes: int = 0
    offset: int = 0


async def read(
    wire: Wire, run: str, at: Place, *, seconds: float | None = None, listen: bool = False
) -> AsyncGenerator[Piece, None]:
    """Yield a log from a position, for at most `seconds`; with `listen`, wait for parts that are appended."""
    request = v1.ReadLogRequest(
        run=run, attempt=at.attempt, offset=at.offset, tail_bytes=at.tail_bytes, follow=listen
    )
    pieces = wire.stream(request, v1.ReadLogResponse, seconds=seconds)
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                at.attempt, at.tail_bytes = piece.attempt, 0
                at.offset = piece.offset + len(piece.content)
                if piece.content:
                    yield piece.attempt, piece.content
    except ClientError as error:
        if not listen or error.code != "DEADLINE_EXCEEDED":
            raise


async def follow(
    wire: Wire,
    run: str,
    at: Place,
    *,
    one_attempt: bool,
    on_gap: OnGap = ignore,
    on_attempt: Callable[[int], None] = lambda attempt: None,
) -> AsyncGenerator[Piece, None]:
    """Yield the log of a run, including parts appended later, until the run has ended.

    Continue with the next attempt, and call `on_attempt` with its number, unless `one_attempt` is true. The
    end of a run, with the length of its log, is usually known before the rest of the log has arrived. If the
    length is unknown because the agent was lost, the log ends when no part arrives for a while; because a
    busy server may be slow, one last read without a time limit follows.
    """
    backoff = reconnect_backoff()
    while True:
        try:
            known = await runs.get(wire, run)
            at.attempt = at.attempt or max(known.attempt, 1)
            fresh = False
            is_past = known.attempt > at.attempt
            ended = is_past or has_ended(known)
            for listen in (False, True, False) if ended else (True,):
                if ended and _is_complete(known, at):
                    break
                seconds = (_LISTEN_SECONDS if ended else _CHECK_SECONDS) if listen else None
                pieces = read(wire, run, at, seconds=seconds, listen=listen)
                async with aclosing(pieces):
                    async for piece in pieces:
                        fresh = True
                        yield piece
                        if ended and _is_complete(known, at):
                            break
            backoff.reset()
        except ClientError as error:
            if error.code not in TRANSIENT | {"DEADLINE_EXCEEDED"}:
                raise
            if not backoff.delay:
                on_gap(error)
            await wire.pause(jittered(backoff.next_delay()))
            continue
        if fresh and not (ended and _is_complete(known, at)):
            continue
        if is_past and not one_attempt:
            at.attempt, at.tail_bytes, at.offset = at.attempt + 1, 0, 0
            on_attempt(at.attempt)
        elif ended:
            return


def _is_complete(run: v1.Run, at: Place) -> bool:
    """Return True if the log of the attempt was read to its known length, or the run has no such attempt."""
    return all(
        attempt.HasField("log_bytes") and at.offset >= attempt.log_bytes
        for attempt in run.attempts
        if attempt.number == at.attempt
    )
