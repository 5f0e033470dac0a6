"""Standalone runs with claims, exits, silence and restarts in any order; each transition is in the table."""

from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.events import Heartbeat
from sweepd_scheduler.domain.names import RunName, standing_name
from sweepd_scheduler.domain.requests.requests import EndRun
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from unit.scheduler.undoing import UndoingWorld
from unit.scheduler.world import PARENT

HANDLE = 2**31
ENDS = (
    Exit(cause=ExitCause.EXITED, code=0),
    Exit(cause=ExitCause.EXITED, code=1),
    Exit(cause=ExitCause.COMMANDED, signal=15),
    Exit(cause=ExitCause.HANDED_BACK),
    Exit(cause=ExitCause.ORPHANED),
)


class StandaloneLife(RuleBasedStateMachine):
    """One script that a user starts repeatedly; `UndoingWorld` checks the invariants after each step."""

    @initialize()
    def begins(self) -> None:
        self.world = UndoingWorld()
        self.key = self.world.start_standalone("abcdefgh").key
        self.session: str | None = None
        self.ref = AttemptRef(HANDLE, 1)

    @rule(later=st.integers(0, 2))
    def is_claimed(self, later: int) -> None:
        """Claim by the same attempt, by the next one, or by one after others that were never reported."""
        attempt = self.world.run(self.key).attempt + later
        self.world.start_standalone("abcdefgh", attempt=attempt)

    @rule()
    def another_agent_claims_it(self) -> None:
        with suppress(DomainError):
            self.world.start_standalone("abcdefgh", agent="bob", attempt=9)

    @rule()
    def attaches(self) -> None:
        run = self.world.run(self.key)
        self.ref = AttemptRef(HANDLE, run.attempt)
        self.session = self.world.attach(
            run.newest.agent, None, attempts=(self.world.held(self.key, self.ref),)
        )

    @precondition(lambda self: self.session is not None)
    @rule(value=st.floats(0, 9))
    def logs(self, value: float) -> None:
        assert self.session is not None
        self.world.logs(self.session, self.ref, self.world.run(self.key).observation_row + 1, value)

    @precondition(lambda self: self.session is not None)
    @rule(how=st.sampled_from(ENDS))
    def exits(self, how: Exit) -> None:
        assert self.session is not None
        self.world.exits(self.session, self.ref, how, self.world.run(self.key).observation_row)

    @precondition(lambda self: self.session is not None)
    @rule(lives=st.booleans())
    def disconnects_or_renews_the_lease(self, lives: bool) -> None:
        assert self.session is not None
        if lives:
            self.world.state.renew_leases(self.session, self.world.now, (self.ref,))
            self.world.happens(Heartbeat(self.session, (self.ref,)))
        else:
            self.world.leaves(self.session)
            self.session = None

    @rule()
    def a_client_stops_it(self) -> None:
        name = RunName(standing_name(PARENT), self.world.run(self.key).number, "abcdefgh")
        with suppress(DomainError):
            self.world.happens(EndRun(name=name, looked_up=True, found=self.world.run(self.key)))

    @rule(seconds=st.sampled_from([6.0, 40.0, 130.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.passes(seconds)

    @rule()
    def the_scheduler_restarts(self) -> None:
        self.world.restarts()
        self.session = None


TestStandaloneLife = StandaloneLife.TestCase
TestStandaloneLife.pytestmark = [pytest.mark.lengthy]  # type: ignore[attr-defined]  # pytest reads it
TestStandaloneLife.settings = settings(stateful_step_count=30)
