"""What a run has printed, as lines or as one text; written once for both clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from sweepd.calls import logs
from sweepd.calls.logs import Place
from sweepd.calls.wire import Wire


async def log_lines(
    wire: Wire, run: str, *, attempt: int = 0, tail_bytes: int = 0, follow: bool = False
) -> AsyncGenerator[str, None]:
    """Yield the lines of a log, without their ends; what is not UTF-8 is shown as U+FFFD."""
    at = Place(attempt, tail_bytes)
    pieces = logs.follow(wire, run, at, one_attempt=attempt > 0) if follow else logs.read(wire, run, at)
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
    pieces = [piece async for _, piece in logs.read(wire, run, Place(attempt, tail_bytes))]
    return b"".join(pieces).decode("utf-8", "replace")


def _decoded(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
