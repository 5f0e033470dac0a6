"""Any order of events, early, late or repeated, with agents that vanish and a scheduler that restarts."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sweepd.spec.point import Json
from sweepd_kernel.errors import DomainError
from sweepd_scheduler.domain.agents.agent import AttemptRef
from sweepd_scheduler.domain.effects import AttemptVerdict, Fate, StartRun, Unsupported, Welcome
from sweepd_scheduler.domain.events import (
    Answered,
    Heartbeat,
    StaleDelivery,
    SuggestionsArrived,
    SuggestionsFailed,
)
from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.requests.requests import CancelSweep, PauseSweep, ResumeSweep, StopSweep
from sweepd_scheduler.domain.runs.run import Exit, ExitCause, RunKey
from unit.scheduler.client_requests import end_run, enqueue, release, retry, set_cap
from unit.scheduler.drain import drain, suggestion
from unit.scheduler.specs import LABELS, Document, documents
from unit.scheduler.undoing import UndoingWorld
from unit.scheduler.world import PARENT

AGENTS = ("ann", "bob", "cat")
POINTS: tuple[dict[str, Json], ...] = ({"x": 0.25}, {"a": 1, "b": 2}, {"a": 3}, {"x": 7.0}, {})
ENDS = (
    Exit(cause=ExitCause.EXITED, code=0),
    Exit(cause=ExitCause.EXITED, code=1),
    Exit(cause=ExitCause.COMMANDED, signal=15),
    Exit(cause=ExitCause.HANDED_BACK),
    Exit(cause=ExitCause.ORPHANED),
    Exit(cause=ExitCause.START_FAILED, message="no train.py"),
)


class SweepLife(RuleBasedStateMachine):
    """Agents remember their attempts, as in their state folders, and report them after a reconnect."""

    @initialize(document=documents())
    def begins(self, document: Document) -> None:
        self.world = UndoingWorld()
        self.world.create(document)
        self.sessions: dict[str, str] = {}
        self.given: dict[str, dict[tuple[RunKey, int], AttemptRef]] = {agent: {} for agent in AGENTS}
        self.seen = 0

    def remember(self) -> None:
        for session, command in self.world.sent[self.seen :]:
            if isinstance(command, StartRun):
                agent = next((a for a, s in self.sessions.items() if s == session), None)
                if agent is not None:
                    self.given[agent][(command.run.key, command.ref.attempt)] = command.ref
                    if command.command % 3:  # one in three confirmations is lost
                        self.world.happens(Answered(session, command.command, ""))
        self.seen = len(self.world.sent)

    def teardown(self) -> None:
        """Whatever has happened, the sweep can be run to its end."""
        drain(self.world)

    @rule(agent=st.sampled_from(AGENTS), remembers=st.booleans(), slots=st.integers(1, 3))
    def attaches(self, agent: str, remembers: bool, slots: int) -> None:
        if not remembers:
            self.given[agent].clear()
        held = []
        renumbered: dict[tuple[RunKey, int], AttemptRef] = {}
        for handle, ((key, attempt), _) in enumerate(self.given[agent].items(), start=1):
            renumbered[(key, attempt)] = ref = AttemptRef(handle, attempt)
            held.append(self.world.held(key, ref))
        with suppress(DomainError):
            labels = {} if agent == "cat" else LABELS
            self.sessions[agent] = self.world.attach(agent, slots=slots, attempts=tuple(held), labels=labels)
            self.given[agent] = renumbered
            self.world.offer(self.sessions[agent], slots)
        self.remember()

    @rule(agent=st.sampled_from(AGENTS), other=st.sampled_from(AGENTS), slots=st.integers(1, 3))
    def a_copied_folder_is_used_by_another(self, agent: str, other: str, slots: int) -> None:
        """Both agents can prove that they own the attempts in it."""
        self.given[other] = {**self.given[agent], **self.given[other]}
        self.attaches(other, True, slots)
        open_ = self.world.state.sessions
        self.sessions = {agent: session for agent, session in self.sessions.items() if session in open_}

    @precondition(lambda self: self.world.secrets)
    @rule(data=st.data(), agent=st.sampled_from(("eve", *AGENTS)), how=st.sampled_from(ENDS))
    def an_agent_claims_an_attempt_without_its_secret(
        self, data: st.DataObject, agent: str, how: Exit
    ) -> None:
        """An agent without the secret of an attempt changes nothing, whatever it reports."""
        world = self.world
        key, attempt = data.draw(st.sampled_from(sorted(world.secrets)))
        ref = AttemptRef(2**31, attempt)
        if agent in self.sessions:
            world.leaves(self.sessions.pop(agent))
        session = world.attach(agent, attempts=(world.held(key, ref, secret=b"guessed"),))
        verdict = world.last_sent(Welcome).verdicts[0]
        assert verdict == AttemptVerdict(ref=ref, fate=Fate.UNKNOWN)
        changes, sent = len(world.changes), len(world.sent)
        world.resumes(session, ref, 3)
        world.logs(session, ref, world.run(key).observation_row + 1, -1e9)
        world.describes(session, ref)
        world.happens(StaleDelivery(session, ref))
        world.happens(Heartbeat(session, (ref,)))
        world.exits(session, ref, how, world.run(key).observation_row)
        assert world.changes[changes:] == []
        assert {(to, type(command)) for to, command in world.sent[sent:]} == {(session, Unsupported)}
        world.leaves(session)

    @rule(agent=st.sampled_from(AGENTS))
    def vanishes(self, agent: str) -> None:
        if agent in self.sessions:
            self.world.leaves(self.sessions.pop(agent))

    @rule(agent=st.sampled_from(AGENTS), wanted=st.integers(0, 4))
    def offers(self, agent: str, wanted: int) -> None:
        if agent in self.sessions:
            self.world.offer(self.sessions[agent], wanted)
            self.remember()

    def agent_with_a_run(self) -> list[tuple[str, RunKey, AttemptRef]]:
        given = ((agent, key, ref) for agent in AGENTS for (key, _), ref in self.given[agent].items())
        return [each for each in given if each[0] in self.sessions]

    @precondition(lambda self: self.agent_with_a_run())
    @rule(data=st.data(), loss=st.floats(0, 9), skew=st.sampled_from([1, 1, 1, 0, 2]))
    def logs(self, data: st.DataObject, loss: float, skew: int) -> None:
        agent, key, ref = data.draw(st.sampled_from(self.agent_with_a_run()))
        first = max(1, self.world.run(key).observation_row + skew)
        self.world.logs(self.sessions[agent], ref, first, loss, loss / 2)
        self.remember()

    @precondition(lambda self: self.agent_with_a_run())
    @rule(data=st.data(), how=st.sampled_from(ENDS), freed=st.booleans())
    def exits(self, data: st.DataObject, how: Exit, freed: bool) -> None:
        agent, key, ref = data.draw(st.sampled_from(self.agent_with_a_run()))
        self.world.exits(self.sessions[agent], ref, how, self.world.run(key).observation_row, ("acc",))
        if freed:
            self.world.offer(self.sessions[agent], 1)
        self.remember()

    @rule(agent=st.sampled_from(AGENTS))
    def lives(self, agent: str) -> None:
        if agent in self.sessions:
            refs = tuple(self.given[agent].values())
            self.world.state.renew_leases(self.sessions[agent], self.world.now, refs)
            self.world.happens(Heartbeat(self.sessions[agent], refs))

    @rule(seconds=st.sampled_from([0.3, 6.0, 40.0, 130.0]), silent=st.booleans())
    def time_passes(self, seconds: float, silent: bool) -> None:
        self.world.passes(seconds, silent=silent)
        self.remember()

    @rule(command=st.sampled_from([PauseSweep, ResumeSweep, ResumeSweep]))
    def a_client_pauses_or_resumes(self, command: type[PauseSweep | ResumeSweep]) -> None:
        with suppress(DomainError):
            self.world.happens(command(SweepName(PARENT, "s")))
        self.remember()

    @precondition(lambda self: self.world.sweep().counts.total > 2)
    @rule(command=st.sampled_from([StopSweep, CancelSweep]), really=st.integers(0, 4))
    def a_client_ends_it(self, command: type[StopSweep | CancelSweep], really: int) -> None:
        if not really:
            with suppress(DomainError):
                self.world.happens(command(SweepName(PARENT, "s")))
            self.remember()

    @precondition(lambda self: self.world.sweep().counts.ended)
    @rule(data=st.data(), every=st.booleans())
    def a_client_retries(self, data: st.DataObject, every: bool) -> None:
        total = self.world.sweep().counts.total
        numbers = () if every else (data.draw(st.integers(1, total)),)
        with suppress(DomainError):
            retry(self.world, *numbers)
        self.remember()

    @rule(point=st.sampled_from(POINTS), first=st.booleans())
    def a_client_enqueues(self, point: dict[str, Json], first: bool) -> None:
        with suppress(DomainError):
            enqueue(self.world, point, first=first)
        self.remember()

    @precondition(lambda self: self.world.sweep().counts.unfinished)
    @rule(data=st.data())
    def a_client_stops_a_run(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.world.sweep().counts.total))
        with suppress(DomainError):
            end_run(self.world, number)
        self.remember()

    @rule(agent=st.sampled_from(AGENTS))
    def a_client_releases_an_agent(self, agent: str) -> None:
        with suppress(DomainError):
            release(self.world, agent)
        self.remember()

    @rule(run_cap=st.one_of(st.none(), st.integers(1, 8)))
    def a_client_edits_the_cap(self, run_cap: int | None) -> None:
        with suppress(DomainError):
            set_cap(self.world, run_cap)
        self.remember()

    @precondition(lambda self: self.world.sweep().spec.method.name == "bayes")
    @rule(stale=st.integers(0, 3), answers=st.booleans(), inside=st.integers(0, 3))
    def the_search_answers(self, stale: int, answers: bool, inside: int) -> None:
        sweep = self.world.sweep()
        point = suggestion(sweep, max(0, sweep.observations - stale))
        point = point if inside else replace(point, point={"x": -0.5})
        self.world.happens(
            SuggestionsArrived(sweep=1, suggestions=(point,), exhausted=False)
            if answers
            else SuggestionsFailed(1, "away")
        )
        self.remember()

    @rule()
    def the_scheduler_restarts(self) -> None:
        self.world.restarts()
        self.sessions.clear()


def test_a_stop_after_a_restart_clears_older_waiting_reasons() -> None:
    """Commands sent when the agent attached are obsolete, although nothing has changed since."""
    life = SweepLife()
    life.begins(
        document={
            "method": "list",
            "runs": [{"a": 1, "b": 2}, {"a": 1}, {"a": 1, "b": 2}],
            "sweep_timeout": "2m",
            "requires": {"gpu": "a100"},
        }
    )
    life.a_copied_folder_is_used_by_another(agent="ann", other="ann", slots=1)
    life.a_copied_folder_is_used_by_another(agent="ann", other="ann", slots=2)
    life.a_client_edits_the_cap(run_cap=1)
    life.the_scheduler_restarts()
    life.a_copied_folder_is_used_by_another(agent="ann", other="ann", slots=1)
    life.a_client_ends_it(command=StopSweep, really=0)
    life.teardown()


pytestmark = pytest.mark.timeout(1_800)  # with --long, on a loaded machine
TestSweepLife = SweepLife.TestCase
TestSweepLife.pytestmark = [pytest.mark.lengthy]  # type: ignore[attr-defined]  # pytest reads it
TestSweepLife.settings = settings(stateful_step_count=30)
