"""Synchronous form of `decide_in_steps`, which the owner runs step by step."""

from sweepd_scheduler.domain.decide import decide_in_steps
from sweepd_scheduler.domain.effects import Decision
from sweepd_scheduler.domain.events import ClockReading, Event
from sweepd_scheduler.domain.state import State


def decide(state: State, event: Event, now: ClockReading) -> Decision:
    """Run all steps of a decision and return it.

    Raises:
        DomainError: the event is refused.
    """
    steps = decide_in_steps(state, event, now)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            decision: Decision = end.value
            return decision
