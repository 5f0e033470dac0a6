"""Reading what a run has printed, and following it over interruptions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from sweepd import v1
from sweepd.calls import metrics, runs
from sweepd.calls.following import PASSING, OnGap, ignored, jittered, pauses
from sweepd.calls.wire import Wire
from sweepd.errors import ClientError
from sweepd.states import has_ended

_LISTEN_SECONDS = 2.0
# So late it may be noticed that a run has ended.
_LOOK_SECONDS = 1.0

Piece = tuple[int, bytes]
"""The number of an attempt, and some of what it has printed."""


@dataclass(slots=True)
class Place:
    """Position of a reader in a log; it is kept up to date.

    Args:
        attempt: 0 for the newest, until something has been read.
        tail_bytes: about so many bytes at the end are to be read first; 0: all.
        offset: bytes of the attempt that have been read.
    """

    attempt: int = 0
    tail_bytes: int = 0
    offset: int = 0

    def turn_to(self, attempt: int) -> None:
        """Continue with the beginning of another attempt."""
        self.attempt, self.tail_bytes, self.offset = attempt, 0, 0


async def read(
    wire: Wire, run: str, at: Place, *, seconds: float | None = None, listen: bool = False
) -> AsyncGenerator[Piece, None]:
    """Yield what is there of a log from a place on, for so many seconds at most; `listen`: and what comes."""
    pieces = metrics.read_log(
        wire,
        run,
        attempt=at.attempt,
        offset=at.offset,
        tail_bytes=at.tail_bytes,
        follow=listen,
        seconds=seconds,
    )
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
    on_gap: OnGap = ignored,
    on_attempt: Callable[[int], None] = lambda attempt: None,
) -> AsyncGenerator[Piece, None]:
    """Yield what is there and what comes until the run has ended.

    It continues from attempt to attempt, calling `on_attempt` with each, unless `one_attempt` is wanted. The
    end of a run is known before the rest of its log has arrived, and with it the length of the log. Where it
    is not, as of an agent that was lost, only silence means that this is all; as a busy server is silent,
    too, it is then asked for what it has, however long that takes.
    """
    backoff = pauses()
    while True:
        try:
            known = await runs.get(wire, run)
            at.attempt = at.attempt or max(known.attempt, 1)
            fresh = False
            is_past = known.attempt > at.attempt
            ended = is_past or has_ended(known)
            for listen in (False, True, False) if ended else (True,):
                if ended and _is_whole(known, at):
                    break
                seconds = (_LISTEN_SECONDS if ended else _LOOK_SECONDS) if listen else None
                pieces = read(wire, run, at, seconds=seconds, listen=listen)
                async with aclosing(pieces):
                    async for piece in pieces:
                        fresh = True
                        yield piece
                        if ended and _is_whole(known, at):
                            break
            backoff.reset()
        except ClientError as error:
            if error.code not in PASSING | {"DEADLINE_EXCEEDED"}:
                raise
            if not backoff.delay:
                on_gap(error)
            await wire.pause(jittered(backoff.next_delay()))
            continue
        if fresh and not (ended and _is_whole(known, at)):
            continue
        if is_past and not one_attempt:
            at.turn_to(at.attempt + 1)
            on_attempt(at.attempt)
        elif ended:
            return


def _is_whole(run: v1.Run, at: Place) -> bool:
    """Return True if all of an attempt's log was read, as far as that is known; what never began has none."""
    return all(
        attempt.HasField("log_bytes") and at.offset >= attempt.log_bytes
        for attempt in run.attempts
        if attempt.number == at.attempt
    )
