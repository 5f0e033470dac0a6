"""Verdicts of the core at each value, compared with the definition applied to all values so far.

Values of any number of runs arrive in any order:one by one, batched, repeated, with gaps; runs end,
are handed out again, are retried; the scheduler restarts from its database.
"""

from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sweepd.spec.point import Json
from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.effects import StartRun
from sweepd_scheduler.domain.runs.run import Exit, ExitCause
from sweepd_scheduler.domain.transitions import FINAL_RUN, RunState
from unit.scheduler.client_requests import retry
from unit.scheduler.reference_rules import ExpectedStop, History, ReferenceRules
from unit.scheduler.world import EXIT_0, RANDOM, World

SLOTS = 5
ETAS = st.sampled_from([3, 2, 1.5, 4])
RULES = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("hyperband"), "min_iter": st.integers(1, 3), "eta": ETAS, "strict": st.booleans()}
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("hyperband"),
            "max_iter": st.integers(6, 20),
            "s": st.integers(1, 3),
            "eta": st.sampled_from([2, 1.5, 3]),
            "strict": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("asha"), "min_iter": st.integers(1, 3), "eta": ETAS},
        optional={"max_iter": st.integers(4, 8)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("median"), "min_iter": st.integers(1, 3)},
        optional={"interval": st.integers(1, 3), "min_runs": st.integers(1, 3)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("patience"), "iterations": st.integers(1, 4)},
        optional={"min_delta": st.sampled_from([0, 1, 0.5])},
    ),
    st.fixed_dictionaries(
        {"type": st.just("threshold"), "at": st.integers(1, 6), "value": st.integers(-3, 3)}
    ),
)
VALUES = st.lists(
    st.integers(-6, 6).map(lambda each: each / 2) | st.sampled_from([float("nan"), float("inf"), -1e300]),
    min_size=1,
    max_size=9,
)
RETURNED = (Exit(cause=ExitCause.HANDED_BACK), Exit(cause=ExitCause.ORPHANED))
ENDS = (EXIT_0, Exit(cause=ExitCause.EXITED, code=1), *RETURNED)


class ReferenceComparison(RuleBasedStateMachine):
    """An agent with some slots that takes every run it can get."""

    @initialize(
        rules=st.lists(RULES, min_size=1, max_size=3),
        goal=st.sampled_from(["minimize", "maximize"]),
        repeats=st.sampled_from([1, 1, 2]),
    )
    def begins(self, rules: list[dict[str, Json]], goal: str, repeats: int) -> None:
        self.world, self.reference = World(), ReferenceRules(list(rules), goal)
        self.world.create(
            {
                **RANDOM,
                "metric": {"name": "loss", "goal": goal},
                "early_terminate": rules,
                "repeats": repeats,
                "guard": {"agent": 1_000},
                "retry": {"failure": 1},
            }
        )
        self.session = self.world.attach(slots=SLOTS)
        self.given: dict[int, AttemptRef] = {}
        self.seen: list[ExpectedStop] = []
        self.take()

    def take(self) -> None:
        """Fill all free slots with runs, new or returned."""
        while len(self.given) < SLOTS:
            starts = self.world.offer(self.session, 1)
            if not starts:
                return
            self.begin(starts[0])

    def begin(self, start: StartRun) -> None:
        self.world.confirms(self.session, start)
        self.given[start.run.number] = start.ref
        self.reference.runs[start.run.number] = History()

    def one(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.given)))

    def agree(self, expected: list[ExpectedStop]) -> None:
        """Compare the verdicts since the last check, and the stop commands, with those of the reference."""
        self.seen += expected
        stops: dict[int, list[ExpectedStop]] = {}
        for stop in self.seen:
            stops.setdefault(stop.run, []).append(stop)
        for number in self.reference.runs:
            run = self.world.run((1, number))
            verdicts = [
                ExpectedStop(number, v.rule, v.rung, v.value, v.threshold, v.rank, v.compared)
                for v in run.verdicts
            ]
            assert verdicts == stops.get(number, [])
            if run.state is RunState.RUNNING:
                assert (run.stop is not None) == self.reference.runs[number].stop_sent

    @precondition(lambda self: self.given)
    @rule(data=st.data(), values=VALUES, batched=st.booleans(), twice=st.booleans(), skew=st.integers(0, 2))
    def logs(self, data: st.DataObject, values: list[float], batched: bool, twice: bool, skew: int) -> None:
        """A report that repeats older rows adds the new ones; one that leaves a gap adds nothing."""
        number = self.one(data)
        history, ref = self.reference.runs[number], self.given[number]
        if skew == 2:
            self.world.logs(self.session, ref, len(history.logged) + 2, *values)
            self.agree([])
        for message in [values] if batched else [[value] for value in values]:
            before = history.logged[-skew:] if skew == 1 else []
            first = len(history.logged) + 1 - len(before)
            expected = [stop for value in message for stop in self.reference.arrives(number, value)]
            for _ in range(1 + twice):
                self.world.logs(self.session, ref, first, *before, *message)
            self.agree(expected)

    @precondition(lambda self: self.given)
    @rule(data=st.data(), how=st.sampled_from(ENDS))
    def ends(self, data: st.DataObject, how: Exit) -> None:
        """A stopped process ends by its signal, any other arbitrarily; a returned run is handed out again."""
        number = self.one(data)
        history, ref = self.reference.runs[number], self.given.pop(number)
        exit_ = Exit(cause=ExitCause.COMMANDED, signal=15) if history.stop_sent and how in RETURNED else how
        history.running = False
        self.world.exits(self.session, ref, exit_, len(history.logged))
        run = self.world.run((1, number))
        if history.stop_sent:
            assert run.state in FINAL_RUN
            assert (run.state is RunState.STOPPED) == (exit_.cause is ExitCause.COMMANDED)
        self.agree([])
        self.take()

    @rule(data=st.data())
    def a_client_retries(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.reference.runs)))
        with suppress(DomainError):
            retry(self.world, number)
            self.seen = [stop for stop in self.seen if stop.run != number]
        self.agree([])
        self.take()

    @rule()
    def the_scheduler_restarts(self) -> None:
        self.world.restarts()
        held = tuple(self.world.held((1, number), ref) for number, ref in self.given.items())
        self.session = self.world.attach(slots=SLOTS, attempts=held)
        self.agree([])
        self.take()

    @rule()
    def the_agent_reconnects_after_an_outage(self) -> None:
        """The runs continue; the agent receives their stop commands when it reattaches."""
        self.world.leaves(self.session)
        self.world.passes(20.0)
        before = len(self.world.stops())
        held = tuple(self.world.held((1, number), ref) for number, ref in self.given.items())
        self.session = self.world.attach(slots=SLOTS, attempts=held)
        assert len(self.world.stops()) - before == sum(
            self.reference.runs[each].stop_sent for each in self.given
        )
        self.agree([])
        self.take()


TestReferenceComparison = ReferenceComparison.TestCase
TestReferenceComparison.pytestmark = [pytest.mark.lengthy]  # type: ignore[attr-defined]  # pytest reads it
TestReferenceComparison.settings = settings(stateful_step_count=25)
