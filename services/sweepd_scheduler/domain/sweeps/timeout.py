"""The end of a sweep's time: `sweep_timeout`, from its first hand-out, or anew when a person lets it go on.

The timer runs on the monotonic clock; what is left of it after a restart is worked out by the wall clock.
"""

from collections.abc import Iterator

from sweepd_scheduler.domain.decision import Steps
from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.events import TimeoutDue
from sweepd_scheduler.domain.runs.run_end import stop_sweep
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.states import FINAL_SWEEP
from sweepd_scheduler.domain.sweeps.sweep import Ending, Sweep
from sweepd_scheduler.domain.timing import ClockReading

MICROSECONDS = 1e6


def timeout_due(turn: Draft, event: TimeoutDue) -> Steps[None]:
    """Stop a sweep whose time is over. A timer from before it went on again means nothing."""
    sweep = turn.state.sweeps.get(event.sweep)
    if sweep is None or sweep.state in FINAL_SWEEP or sweep.ending is Ending.STOP:
        return
    if sweep.spec.sweep_timeout is not None and sweep.timed_from == event.timed_from:
        reason = f"sweep_timeout of {in_words(sweep.spec.sweep_timeout)} is over"
        turn.note("sweep-timeout", sweep=sweep, reason=reason)
        yield from stop_sweep(turn, event.sweep, reason)


def start_timer(turn: Draft, sweep: Sweep) -> None:
    """Set the timer of a sweep that has begun, for what is left of its time."""
    if sweep.spec.sweep_timeout is not None and sweep.timed_from:
        turn.later(_left(sweep, turn.now.wall), TimeoutDue(sweep.key, sweep.timed_from))


def first_timeouts(state: State, now: ClockReading) -> Iterator[tuple[float, TimeoutDue]]:
    """Return the timers of the sweeps that had begun before a restart."""
    for sweep in state.sweeps.values():
        if sweep.spec.sweep_timeout is not None and sweep.timed_from:
            left = _left(sweep, now.wall)
            yield now.monotonic + left, TimeoutDue(sweep.key, sweep.timed_from)


def in_words(seconds: float) -> str:
    """Return a duration as people write it: `1h30m`, `90s` as `1m30s`."""
    whole = int(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"))
    told = "".join(f"{count}{unit}" for count, unit in parts if count)
    rest = seconds - whole // 60 * 60
    return f"{told}{rest:g}s" if rest or not told else told


def _left(sweep: Sweep, wall: int) -> float:
    """Return how much of its time is left; a wall clock that was set back gives it no more than all."""
    limit = sweep.spec.sweep_timeout or 0.0
    return min(limit, max(0.0, limit - (wall - sweep.timed_from) / MICROSECONDS))
