"""Following a sweep over interruptions, and waiting for it or a run; written once for both clients."""

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
from sweepd.objects.options import seconds_of
from sweepd.objects.wire import Wire

_GOOD_ENDS = ("finished", "stopped")
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


async def changes(wire: Wire, name: str) -> AsyncGenerator[v1.WatchSweepResponse, None]:
    """Yield a snapshot of a sweep in one piece, then every change, until it has ended."""
    whole: v1.WatchSweepResponse | None = None
    messages = follow(wire, name)
    async with aclosing(messages):
        async for message in messages:
            # A later part of a snapshot has no sweep: what has one begins anew, after an interruption.
            if whole is None or message.HasField("sweep"):
                whole = message
            else:
                whole.MergeFrom(message)
            if message.snapshot_continues:
                continue
            yield whole
            if whole.HasField("sweep") and sweep_state(whole.sweep) in FINAL_SWEEP:
                return
            whole = None


async def wait_for_sweep(
    wire: Wire, name: str, until: str, *, limit: float | str | None, check: bool
) -> v1.Sweep:
    """Return a sweep once it has ended or `until` holds of it.

    Raises:
        InvalidError: `until` or the time limit says nothing.
        NotYetError: the time is over.
        FailedError: with `check`: it has ended otherwise.
    """
    condition, seconds = _condition(until), seconds_of(limit)
    # Asked for first: only a server that was there is waited for, and no time at all only looks.
    sweep = await sweep_calls.get(wire, name)
    if _sweep_is_over(condition, sweep, check=check):
        return sweep
    messages = follow(wire, sweep.name, seconds=seconds)
    async with aclosing(messages):
        async for message in messages:
            if message.HasField("sweep") and _sweep_is_over(condition, message.sweep, check=check):
                return message.sweep
    raise AssertionError("following never ends by itself")


async def wait_for_run(
    wire: Wire, name: str, until: str, *, limit: float | str | None, check: bool
) -> v1.Run:
    """Return a run once it has ended or `until` holds of it; see `wait_for_sweep`."""
    condition, seconds = _condition(until), seconds_of(limit)
    run = await run_calls.get(wire, name)
    if _run_is_over(condition, run, check=check):
        return run
    if not run.sweep:
        return await _wait_by_hand(wire, run.name, condition, seconds=seconds, check=check)
    messages = follow(wire, run.sweep, seconds=seconds)
    async with aclosing(messages):
        async for message in messages:
            for changed in message.runs:
                if changed.name == run.name and _run_is_over(condition, changed, check=check):
                    # What its script told of it is not part of what is followed.
                    return await run_calls.get(wire, run.name) if _has_ended(changed) else changed
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


def _condition(text: str) -> Condition:
    try:
        return parse_condition(text)
    except Problem as problem:
        raise InvalidError(
            f"{problem.message}; write 'finished', another state, or a bound as 'best<0.1'"
        ) from problem


def _sweep_is_over(condition: Condition, sweep: v1.Sweep, *, check: bool) -> bool:
    best = sweep.best_value if sweep.HasField("best_value") else None
    state = sweep_state(sweep)
    if condition.holds(state, best):
        return True
    return state in FINAL_SWEEP and _end(condition, state, sweep.name, sweep.reason, check=check)


def _run_is_over(condition: Condition, run: v1.Run, *, check: bool) -> bool:
    value = run.value if run.HasField("value") else None
    if condition.holds(run_state(run), value):
        return True
    return _has_ended(run) and _end(condition, run_state(run), run.name, run.reason, check=check)


def _has_ended(run: v1.Run) -> bool:
    return run_state(run) in FINAL_RUN


def _end(condition: Condition, state: str, name: str, reason: str, *, check: bool) -> bool:
    """Return True: there is nothing more to wait for.

    Raises:
        FailedError: with `check`: it is not the end that was waited for.
    """
    if check and not (condition.is_end and state in _GOOD_ENDS):
        told = f"{name} has ended as {state}" + ("" if condition.is_end else " before that")
        raise FailedError(f"{told}: {reason}" if reason else told)
    return True


def _left(end: float | None) -> float | None:
    """Return the seconds that are left until a moment of the monotonic clock; None: for ever.

    Raises:
        NotYetError: none are.
    """
    if end is None:
        return None
    left = end - time.monotonic()
    if left <= 0:
        raise NotYetError("not yet: the time to wait is over")
    return left
