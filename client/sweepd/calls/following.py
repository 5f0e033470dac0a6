"""Calls that watch sweeps and runs across interruptions, or wait for an end, a state or a value."""

from __future__ import annotations

import operator
import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from math import isfinite

from sweepd import v1
from sweepd.backoff import Backoff
from sweepd.calls import names, runs, sweeps
from sweepd.calls.wire import Wire
from sweepd.errors import ClientError, NotYetError, invalid
from sweepd.states import FINAL_RUN, FINAL_SWEEP, has_ended, state_of

TRANSIENT = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL", "UNKNOWN", "CANCELLED"})
"""Status codes of transient errors, after which a call is retried."""
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0
_POLL_SECONDS = 1.0

OnGap = Callable[[ClientError], None]
"""Callback for the first error of each interruption."""


def reconnect_backoff() -> Backoff:
    """Return the delays between reconnects."""
    return Backoff(first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)


def jittered(delay: float) -> float:
    """Return a randomly shortened delay, to spread the load of many clients."""
    from random import uniform  # here, because it is slow to import and needed only after a failure

    return delay * uniform(0.5, 1.0)  # noqa: S311


def ignore(error: ClientError) -> None:
    """Ignore an interruption."""


async def follow(
    wire: Wire, name: str, *, seconds: float | None = None, on_gap: OnGap = ignore
) -> AsyncGenerator[v1.WatchSweepResponse, None]:
    """Yield a snapshot of a sweep, then each change to it; never end.

    Raises:
        NotYetError: the time limit has passed.
        ClientError: a permanent error, such as NOT_FOUND.
    """
    token = ""
    backoff = reconnect_backoff()
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        request = v1.WatchSweepRequest(name=name, resume_token=token)
        stream = wire.stream(request, v1.WatchSweepResponse, seconds=_left(end))
        try:
            async with aclosing(stream):
                async for message in stream:
                    backoff.reset()
                    token = message.resume_token or token
                    yield message
        except ClientError as error:
            if error.code == "DEADLINE_EXCEEDED":
                _left(end)
            elif error.code not in TRANSIENT:
                raise
            elif not backoff.delay:
                on_gap(error)
        # A server that ends the stream normally is about to restart, so reconnect in this case as well.
        await wire.pause(min(jittered(backoff.next_delay()), _left(end) or _LONGEST_PAUSE))


async def follow_run(
    wire: Wire, name: str, *, seconds: float | None = None, on_gap: OnGap = ignore
) -> AsyncGenerator[v1.Run, None]:
    """Yield a standalone run now and after each change; poll the server.

    Raises: as `follow`.
    """
    end = None if seconds is None else time.monotonic() + seconds
    known: v1.Run | None = None
    unavailable = False
    while True:
        try:
            run = await runs.get(wire, name)
            unavailable = False
        except ClientError as error:
            if error.code not in TRANSIENT:
                raise
            if not unavailable:
                on_gap(error)
            unavailable = True
        else:
            if run != known:
                known = run
                yield run
        await wire.pause(min(_POLL_SECONDS, _left(end) or _POLL_SECONDS))


def _left(end: float | None) -> float | None:
    """Return the seconds left until `end` on the monotonic clock; None if there is no limit.

    Raises:
        NotYetError: the time limit has passed.
    """
    if end is None:
        return None
    left = end - time.monotonic()
    if left <= 0:
        raise NotYetError("not yet: the time limit has passed")
    return left


_COMPARISON = re.compile(r"best\s*(<=|>=|<|>)\s*(\S+)")
_STATES = frozenset({"pending", "assigned", "running", "paused", *FINAL_SWEEP, *FINAL_RUN})
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Condition to wait for: any final state (no field set), one state, or a bound on the objective."""

    state: str | None = None
    comparison: str | None = None
    bound: float = 0.0

    @property
    def is_end(self) -> bool:
        """True if any final state fulfils the condition."""
        return self.state is None and self.comparison is None

    def holds(self, state: str, best: float | None) -> bool:
        """Return True if a state or a value fulfils the condition, unless it `is_end`."""
        if self.comparison is not None:
            return best is not None and _COMPARE[self.comparison](best, self.bound)
        return self.state is not None and state == self.state


def parse_condition(text: str) -> Condition:
    """Return the condition in `text`: `finished` (any final state), another state, or a bound: `best<0.1`.

    Raises:
        InvalidError: the text is not a condition.
    """
    if text == "finished":
        return Condition()
    if text in _STATES:
        return Condition(state=text)
    match = _COMPARISON.fullmatch(text)
    try:
        if match is not None and isfinite(float(match[2])):
            return Condition(comparison=match[1], bound=float(match[2]))
    except ValueError:
        pass
    raise invalid(
        f"not a condition to wait for: {text!r}",
        "write 'finished', another state, or a bound such as 'best<0.1'",
    )


async def sweep_until(wire: Wire, name: str, condition: Condition, *, seconds: float | None) -> v1.Sweep:
    """Return a sweep once it fulfils the condition or has ended; with 0 seconds, check only once.

    Raises:
        NotYetError: the time limit has passed.
    """
    # Read the sweep first, so that an unreachable server is an error: `follow` would retry.
    sweep = await sweeps.get(wire, name)
    if _is_settled(condition, sweep):
        return sweep
    messages = follow(wire, sweep.name, seconds=seconds)
    async with aclosing(messages):
        async for message in messages:
            if message.HasField("sweep") and _is_settled(condition, message.sweep):
                return message.sweep
    raise AssertionError("`follow` never ends")


async def run_until(
    wire: Wire, name: str, condition: Condition, *, seconds: float | None, on_gap: OnGap = ignore
) -> v1.Run:
    """Return a run once it fulfils the condition or has ended; `on_gap` is called only for standalone runs.

    Raises:
        InvalidError: the name is that of a sweep, or the condition is a comparison and the run standalone.
        NotYetError: the time limit has passed.
    """
    run = await names.get_run(wire, name)
    if condition.comparison is not None and not run.sweep:
        raise invalid(
            f"{run.name} is a standalone run, which has no objective to wait for",
            "wait for its end, or for a state",
        )
    if _is_settled(condition, run):
        return run
    if not run.sweep:
        states = follow_run(wire, run.name, seconds=seconds, on_gap=on_gap)
        async with aclosing(states):
            async for live in states:
                if _is_settled(condition, live):
                    return live
    messages = follow(wire, run.sweep, seconds=seconds)
    async with aclosing(messages):
        async for message in messages:
            for changed in message.runs:
                if changed.name == run.name and _is_settled(condition, changed):
                    # The messages lack the details that the script reported.
                    return await runs.get(wire, run.name) if has_ended(changed) else changed
    raise AssertionError("`follow` never ends")


def _is_settled(condition: Condition, found: v1.Sweep | v1.Run) -> bool:
    """Return True if the sweep or run fulfils the condition or has ended."""
    return holds(condition, found) or has_ended(found)


def holds(condition: Condition, found: v1.Sweep | v1.Run) -> bool:
    """Return True if the state or value of a sweep or run fulfils the condition, unless it `is_end`."""
    if isinstance(found, v1.Sweep):
        return condition.holds(state_of(found), found.best_value if found.HasField("best_value") else None)
    return condition.holds(state_of(found), found.value if found.HasField("value") else None)
