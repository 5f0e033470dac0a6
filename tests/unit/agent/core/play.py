"""The agent's core without files and processes, driven by events from a test."""

from __future__ import annotations

from sweepd_agent.core import events as e
from sweepd_agent.core.attempt import (
    Assignment,
    AttemptKey,
)
from sweepd_agent.core.machine import Decision, decide
from sweepd_agent.core.state import Held, Phase, Settings, State

SWEEP = "local/demo/tune"


def assignment(number: int = 1, attempt: int = 1) -> Assignment:
    return Assignment(
        key=AttemptKey(f"{SWEEP}-{number}", attempt),
        sweep=SWEEP,
        number=number,
        params={"lr": 0.1},
        program="train.py",
        command=(),
        watched_keys=("loss",),
        rungs=frozenset(),
        stop_grace=30.0,
        lost_after=120.0,
        assigned_time=0.0,
    )


RUN = assignment()
KEY = RUN.key


def found_unstarted() -> Held:
    return Held(assignment=RUN, phase=Phase.READY)


class Play:
    """State of an agent, to which events are applied in order."""

    def __init__(self, settings: Settings | None = None, now: float = 0.0) -> None:
        self.now = now
        self.state = State(settings=settings or Settings(), sweeps=frozenset({SWEEP}), started=now)

    def happens(self, *happened: e.Event, after: float = 0.0) -> list[e.Effect]:
        self.now += after
        effects: list[e.Effect] = []
        for event in happened:
            decision: Decision = decide(self.state, event, self.now)
            self.state = decision.state
            effects += decision.effects
        return [effect for effect in effects if not isinstance(effect, e.LogEvent)]

    def connected(self, **verdicts: e.Verdict) -> list[e.Effect]:
        named = {key: verdicts[key.run.rpartition("-")[2]] for key in self.state.held if verdicts}
        return self.happens(e.StreamOpened(lease=30.0, verdicts=named))

    def running(self) -> None:
        self.connected()
        self.happens(e.StartReceived(1, RUN), e.Journalled(KEY, 1), e.ProcessStarted(KEY, 77))
