"""Following a sweep, or the log of a run, over whatever interrupts it; written once for both clients."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from sweepd import v1
from sweepd.cli.condition import Condition, parse_condition
from sweepd.cli.problem import Problem
from sweepd.cli.shapes import run_state, sweep_state
from sweepd.cli.states import FINAL_RUN, FINAL_SWEEP
from sweepd.errors import ClientError, FailedError, InvalidError, NotYetError
from sweepd.follow import PASSING, Pauses
from sweepd.objects import methods, run_calls, sweep_calls
from sweepd.objects.wire import Wire

_GOOD_ENDS = ("finished", "stopped")
_LISTEN_SECONDS = 2.0
_ASK_AGAIN_SECONDS = 1.0


async def follow(
    wire: Wire, name: str, *, seconds: float | None = None
) -> AsyncGenerator[v1.WatchSweepResponse, None]:
    """Yield the snapshot of a sweep and every change; what interrupts it is got over.

    Raises:
        NotYetError: so many seconds are over.
    """
    token = ""
    pauses = Pauses()
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        request = v1.WatchSweepRequest(name=name, resume_token=token)
        stream = wire.stream(methods.WATCH_SWEEP, request, seconds=_left(end))
        try:
            async with aclosing(stream):
                async for message in stream:
                    pauses.reset()
                    token = message.resume_token or token
                    yield message
        except ClientError as error:
            if error.code == "DEADLINE_EXCEEDED":
                _left(end)
            elif error.code not in PASSING:
                raise
        await wire.pause(min(pauses.next(), _left(end) or 60.0))


async def wait(
    wire: Wire, sweep: str, run: str | None, until: str, *, seconds: float | None, check: bool
) -> v1.Sweep | v1.Run:
    """Return the sweep, or its run if one is named, once it has ended or `until` holds of it.

    Raises:
        NotYetError: so many seconds are over.
        FailedError: with `check`: it has ended otherwise.
    """
    condition = _condition(until)
    # Asked for first: only a server that was there is waited for, and no time at all only looks.
    if run is None:
        found = await sweep_calls.get(wire, sweep)
        if _sweep_is_over(condition, found, check=check):
            return found
    else:
        live = await run_calls.get(wire, run)
        if _run_is_over(condition, live, check=check):
            return live
    if not sweep:
        assert run is not None
        return await _wait_by_hand(wire, run, condition, seconds=seconds, check=check)
    messages = follow(wire, sweep, seconds=seconds)
    async with aclosing(messages):
        async for message in messages:
            about_it = run is None and message.HasField("sweep")
            if about_it and _sweep_is_over(condition, message.sweep, check=check):
                return message.sweep
            for changed in message.runs:
                if changed.name == run and _run_is_over(condition, changed, check=check):
                    return changed
    raise AssertionError("following never ends by itself")


async def _wait_by_hand(
    wire: Wire, run: str, condition: Condition, *, seconds: float | None, check: bool
) -> v1.Run:
    """Ask again and again: what belongs to no sweep cannot be followed."""
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        await wire.pause(min(_ASK_AGAIN_SECONDS, _left(end) or _ASK_AGAIN_SECONDS))
        try:
            live = await run_calls.get(wire, run)
        except ClientError as error:
            if error.code not in PASSING:
                raise
            continue
        if _run_is_over(condition, live, check=check):
            return live


async def changes(wire: Wire, name: str) -> AsyncGenerator[v1.WatchSweepResponse, None]:
    """Yield a snapshot of a sweep in one piece, then every change, until it has ended."""
    whole: v1.WatchSweepResponse | None = None
    messages = follow(wire, name)
    async with aclosing(messages):
        async for message in messages:
            if whole is None:
                whole = message
            else:
                whole.MergeFrom(message)
            if message.snapshot_continues:
                continue
            yield whole
            if whole.HasField("sweep") and sweep_state(whole.sweep) in FINAL_SWEEP:
                return
            whole = None


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
            known = await run_calls.get(wire, run)
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


def _condition(text: str) -> Condition:
    try:
        return parse_condition(text)
    except Problem as problem:
        raise InvalidError(
            f"{problem.message}; write 'finished', another state, or a bound as 'best<0.1'"
        ) from problem


def _sweep_is_over(condition: Condition, sweep: v1.Sweep, *, check: bool) -> bool:
    best = sweep.best_value if sweep.HasField("best_value") else None
    return _is_over(condition, sweep_state(sweep), best, sweep.name, sweep.reason, check=check)


def _run_is_over(condition: Condition, run: v1.Run, *, check: bool) -> bool:
    value = run.value if run.HasField("value") else None
    return _is_over(condition, run_state(run), value, run.name, run.reason, check=check)


def _is_over(
    condition: Condition, state: str, best: float | None, name: str, reason: str, *, check: bool
) -> bool:
    """Tell whether there is nothing more to wait for."""
    if condition.holds(state, best):
        return True
    if state not in FINAL_SWEEP and state not in FINAL_RUN:
        return False
    good = condition.is_end and state in _GOOD_ENDS
    if check and not good:
        told = f"{name} has ended as {state}" + ("" if condition.is_end else " before that")
        raise FailedError(f"{told}: {reason}" if reason else told)
    return True


def _left(end: float | None) -> float | None:
    if end is None:
        return None
    left = end - time.monotonic()
    if left <= 0:
        raise NotYetError("not yet: the time to wait is over")
    return left
