"""Waiting for a sweep or a run, and the changes meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from sweepd import v1
from sweepd.calls.condition import Condition, parse_condition
from sweepd.calls.following import follow
from sweepd.calls.states import run_state, sweep_state
from sweepd.calls.waiting import has_ended, holds, run_until, sweep_until
from sweepd.calls.wire import Wire
from sweepd.errors import FailedError
from sweepd.objects.options import seconds_of
from sweepd.states import GOOD_ENDS


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
            if whole.HasField("sweep") and has_ended(whole.sweep):
                return
            whole = None


async def wait_for_sweep(
    wire: Wire, name: str, until: str, *, limit: float | str | None, check: bool
) -> v1.Sweep:
    """Return a sweep once it has ended or `until` holds of it.

    Raises:
        InvalidError: `until` or the time limit is not valid.
        NotYetError: the time is over.
        FailedError: with `check`: it has ended otherwise.
    """
    condition = parse_condition(until)
    sweep = await sweep_until(wire, name, condition, seconds=seconds_of(limit))
    if check:
        _check(condition, sweep, sweep_state(sweep))
    return sweep


async def wait_for_run(
    wire: Wire, name: str, until: str, *, limit: float | str | None, check: bool
) -> v1.Run:
    """Return a run once it has ended or `until` holds of it; see `wait_for_sweep`."""
    condition = parse_condition(until)
    run = await run_until(wire, name, condition, seconds=seconds_of(limit))
    if check:
        _check(condition, run, run_state(run))
    return run


def _check(condition: Condition, found: v1.Sweep | v1.Run, state: str) -> None:
    """Refuse an end that is not the one that was waited for.

    Raises:
        FailedError: it is another one.
    """
    if holds(condition, found) or (condition.is_end and state in GOOD_ENDS):
        return
    told = f"{found.name} has ended as {state}" + ("" if condition.is_end else " before that")
    raise FailedError(f"{told}: {found.reason}" if found.reason else told)
