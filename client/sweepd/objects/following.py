"""Waiting for a sweep or a run, and what has changed meanwhile; written once for both clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from sweepd import v1
from sweepd.calls import runs, sweeps
from sweepd.calls.following import follow, follow_run
from sweepd.calls.wire import Wire
from sweepd.cli.condition import Condition, parse_condition
from sweepd.cli.problem import Problem
from sweepd.cli.shapes import run_state, sweep_state
from sweepd.cli.states import FINAL_RUN, FINAL_SWEEP
from sweepd.errors import FailedError, InvalidError
from sweepd.objects.options import seconds_of

_GOOD_ENDS = ("finished", "stopped")


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
    sweep = await sweeps.get(wire, name)
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
    run = await runs.get(wire, name)
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
                    return await runs.get(wire, run.name) if _has_ended(changed) else changed
    raise AssertionError("following never ends by itself")


async def _wait_by_hand(
    wire: Wire, run: str, condition: Condition, *, seconds: float | None, check: bool
) -> v1.Run:
    """Ask again and again: what belongs to no sweep cannot be followed."""
    states = follow_run(wire, run, seconds=seconds)
    async with aclosing(states):
        async for live in states:
            if _run_is_over(condition, live, check=check):
                return live
    raise AssertionError("following never ends by itself")


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
