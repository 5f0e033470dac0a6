"""Invariants of the agent, checked after any sequence of events."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sweepd_agent.core import events as e
from sweepd_agent.core.attempt import (
    AttemptKey,
    Outcome,
    StopMode,
)
from sweepd_agent.core.leaving import next_deadline
from sweepd_agent.core.state import Phase, Settings
from unit.agent.core.play import SWEEP, Play, assignment


class AgentLife(RuleBasedStateMachine):
    """Events in any order, early, late or repeated."""

    def __init__(self) -> None:
        super().__init__()
        self.play = Play(Settings(slots=2, count=4, gpus=(("0",), ("1",))))
        self.launched: list[AttemptKey] = []
        self.confirmed = 0
        self.may_stop = False

    keys = st.builds(AttemptKey, st.sampled_from([f"{SWEEP}-{n}" for n in (1, 2, 3)]), st.integers(1, 2))

    def happens(self, event: e.Event, after: float = 0.0) -> None:
        for effect in self.play.happens(event, after=after):
            if isinstance(effect, e.Launch):
                assert effect.key not in self.launched, "no attempt is started twice"
                self.launched.append(effect.key)
            elif isinstance(effect, e.Stop):
                assert self.may_stop, "only commands, verdicts and requests to end stop a process"

    @rule(number=st.integers(1, 3), attempt=st.integers(1, 2))
    def start(self, number: int, attempt: int) -> None:
        self.may_stop |= attempt > 1
        known = {key for key in self.launched if key == AttemptKey(f"{SWEEP}-{number}", attempt)}
        if not known or known & self.play.state.held.keys():
            self.happens(e.StartReceived(1, assignment(number, attempt)))

    @rule(key=keys, error=st.sampled_from(["", "", "disk full"]))
    def journalled(self, key: AttemptKey, error: str) -> None:
        self.happens(e.Journalled(key, 1, error))

    @rule(key=keys)
    def started(self, key: AttemptKey) -> None:
        held = self.play.state.held.get(key)
        if held is not None and held.phase is Phase.STARTING:
            self.happens(e.ProcessStarted(key, 7))

    @rule(key=keys, code=st.integers(0, 1))
    def ended(self, key: AttemptKey, code: int) -> None:
        held = self.play.state.held.get(key)
        if held is not None and held.phase in {Phase.STARTING, Phase.RUNNING}:
            self.happens(e.ProcessEnded(key, Outcome(code=code)))

    @rule(key=keys, kind=st.sampled_from([e.ExitReported, e.ExitAcked, e.Delivered]))
    def reported(self, key: AttemptKey, kind: type[e.ExitReported | e.ExitAcked | e.Delivered]) -> None:
        self.happens(kind(key))

    @rule(key=keys, mode=st.sampled_from(StopMode))
    def stop(self, key: AttemptKey, mode: StopMode) -> None:
        self.may_stop = True
        self.happens(e.StopReceived(3, key, mode, "told so"))

    @rule(key=keys)
    def fence(self, key: AttemptKey) -> None:
        self.may_stop = True
        self.happens(e.Fenced(key))

    @rule(verdict=st.sampled_from(e.Verdict))
    def connect(self, verdict: e.Verdict) -> None:
        self.may_stop |= verdict is e.Verdict.STOP
        self.happens(e.StreamOpened(lease=30.0, verdicts=dict.fromkeys(self.play.state.held, verdict)))

    @rule()
    def disconnect(self) -> None:
        self.happens(e.StreamClosed())

    @rule(refusal=st.sampled_from(e.Refusal))
    def refuse(self, refusal: e.Refusal) -> None:
        self.happens(e.Refused(refusal, "no"))

    @rule(pause=st.floats(0.1, 100))
    def wait(self, pause: float) -> None:
        self.happens(e.Tick(), after=pause)

    @precondition(lambda self: self.play.now > 300)
    @rule(request=st.sampled_from(e.EndRequest))
    def ask(self, request: e.EndRequest) -> None:
        self.may_stop = True
        self.happens(e.EndRequested(request))

    @invariant()
    def what_was_offered_is_what_is_wanted(self) -> None:
        state = self.play.state
        assert 0 <= state.wanted <= state.settings.slots
        if state.connected and not state.left:
            assert state.offered == state.wanted

    @invariant()
    def no_two_live_attempts_share_a_slot_or_a_device(self) -> None:
        places = [held.place for held in self.play.state.held.values() if held.has_process]
        slots = [place.slot for place in places if place is not None]
        gpus = [gpu for place in places if place is not None for gpu in place.gpus or ()]
        assert len(slots) == len(set(slots)) == len(places)
        assert len(gpus) == len(set(gpus)) == len(places)

    @invariant()
    def time_is_waited_for_only_if_it_lies_ahead(self) -> None:
        deadline = next_deadline(self.play.state, self.play.now)
        assert deadline is None or deadline > self.play.now


AgentLife.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAgentLife = AgentLife.TestCase
TestAgentLife.pytestmark = [pytest.mark.lengthy]  # type: ignore[attr-defined]  # pytest reads it
