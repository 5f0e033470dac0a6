"""Reading what a run has printed, and following it over interruptions; written once for both clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from sweepd import v1
from sweepd.calls import methods, runs
from sweepd.calls.following import PASSING, Pauses
from sweepd.calls.states import run_state
from sweepd.calls.wire import Wire
from sweepd.errors import ClientError
from sweepd.states import FINAL_RUN

_LISTEN_SECONDS = 2.0


async def log_pieces(
    wire: Wire, run: str, *, attempt: int = 0, tail_bytes: int = 0, follow: bool = False
) -> AsyncGenerator[tuple[int, bytes], None]:
    """Yield pieces of a log, each with its attempt; with `follow` those to come, too.

    Following goes on from attempt to attempt until the run has ended, unless one attempt was asked for. The
    end of a run is known before the rest of its log has arrived: only silence tells that this is all.
    """
    at = _Place(attempt, tail_bytes)
    if not follow:
        pieces = _read(wire, run, at, listen=None)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
        return
    pauses = Pauses()
    while True:
        try:
            known = await runs.get(wire, run)
            at.attempt = at.attempt or max(known.attempt, 1)
            fresh = False
            pieces = _read(wire, known.name, at, listen=_LISTEN_SECONDS)
            async with aclosing(pieces):
                async for piece in pieces:
                    fresh = True
                    yield piece
            pauses.reset()
        except ClientError as error:
            if error.code not in PASSING | {"DEADLINE_EXCEEDED"}:
                raise
            await wire.pause(pauses.next())
            continue
        if fresh:
            continue
        if known.attempt > at.attempt and not attempt:
            at.attempt, at.offset = at.attempt + 1, 0
        elif known.attempt > at.attempt or run_state(known) in FINAL_RUN:
            return


async def log_lines(
    wire: Wire, run: str, *, attempt: int = 0, tail_bytes: int = 0, follow: bool = False
) -> AsyncGenerator[str, None]:
    """Yield the lines of a log, without their ends; what is not UTF-8 is shown as U+FFFD."""
    pieces = log_pieces(wire, run, attempt=attempt, tail_bytes=tail_bytes, follow=follow)
    rest, before = b"", 0
    async with aclosing(pieces):
        async for number, content in pieces:
            if rest and number != before:
                yield _decoded(rest)
                rest = b""
            before = number
            *lines, rest = (rest + content).split(b"\n")
            for line in lines:
                yield _decoded(line)
    if rest:
        yield _decoded(rest)


async def log_text(wire: Wire, run: str, *, attempt: int, tail_bytes: int) -> str:
    """Return a log as it stands."""
    pieces = [piece async for _, piece in log_pieces(wire, run, attempt=attempt, tail_bytes=tail_bytes)]
    return b"".join(pieces).decode("utf-8", "replace")


def _decoded(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")


class _Place:
    """Where reading a log has got to."""

    def __init__(self, attempt: int, tail_bytes: int) -> None:
        self.attempt = attempt
        self.offset = 0
        self.tail_bytes = tail_bytes


async def _read(
    wire: Wire, run: str, at: _Place, *, listen: float | None
) -> AsyncGenerator[tuple[int, bytes], None]:
    request = v1.ReadLogRequest(
        run=run, attempt=at.attempt, offset=at.offset, tail_bytes=at.tail_bytes, follow=listen is not None
    )
    stream = wire.stream(methods.READ_LOG, request, seconds=listen)
    try:
        async with aclosing(stream):
            async for piece in stream:
                at.attempt, at.tail_bytes = piece.attempt, 0
                at.offset = piece.offset + len(piece.content)
                if piece.content:
                    yield piece.attempt, piece.content
    except ClientError as error:
        if listen is None or error.code != "DEADLINE_EXCEEDED":
            raise
