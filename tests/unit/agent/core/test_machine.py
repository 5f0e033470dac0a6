from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sweepd_agent.core import events as e
from sweepd_agent.core import events as f
from sweepd_agent.core.attempt import Assignment, AttemptKey, ExitCause, Outcome, Place, StopMode
from sweepd_agent.core.leaving import next_deadline
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


class Play:
    """An agent to which things happen one after the other."""

    def __init__(self, settings: Settings | None = None, now: float = 0.0) -> None:
        self.now = now
        self.state = State(settings=settings or Settings(), sweeps=frozenset({SWEEP}), started=now)

    def happens(self, *happened: e.Event, after: float = 0.0) -> list[f.Effect]:
        self.now += after
        effects: list[f.Effect] = []
        for event in happened:
            decision: Decision = decide(self.state, event, self.now)
            self.state = decision.state
            effects += decision.effects
        return [effect for effect in effects if not isinstance(effect, f.Say)]

    def connected(self, **verdicts: e.Verdict) -> list[f.Effect]:
        named = {key: verdicts[key.run.rpartition("-")[2]] for key in self.state.held if verdicts}
        return self.happens(e.StreamOpened(lease=30.0, verdicts=named))

    def running(self) -> None:
        self.connected()
        self.happens(e.StartReceived(1, RUN), e.Journalled(KEY, 1), e.ProcessStarted(KEY, 77))


def test_an_assignment_is_journalled_then_confirmed_then_started() -> None:
    play = Play()
    assert play.connected() == [f.Offer(1)]
    assert play.happens(e.StartReceived(5, RUN)) == [f.Journal(RUN, 5), f.Offer(0)]
    assert play.happens(e.Journalled(KEY, 5)) == [f.Confirm(5), f.Launch(KEY, Place(slot=0))]
    assert play.happens(e.StartReceived(6, RUN)) == [f.Confirm(6)]
    assert play.happens(e.ProcessStarted(KEY, 77)) == [f.ReportStart(KEY)]


def test_an_attempt_that_has_ended_continues_delivering_when_its_run_is_tried_again_here() -> None:
    play = Play(Settings(slots=2))
    play.running()
    play.happens(e.ProcessEnded(KEY, Outcome(code=1)), e.ExitReported(KEY), e.ExitAcked(KEY))
    again = assignment(attempt=2)
    assert f.Forget(KEY) not in play.happens(e.StartReceived(2, again), e.Journalled(again.key, 2))
    assert f.Forget(KEY) in play.happens(e.Delivered(KEY))
    assert list(play.state.held) == [again.key]


def test_a_disk_that_takes_nothing_gives_the_run_back() -> None:
    play = Play()
    play.connected()
    play.happens(e.StartReceived(5, RUN))
    assert play.happens(e.Journalled(KEY, 5, "no space")) == [f.Confirm(5, "no space"), f.Forget(KEY)]
    assert play.happens(e.RoomSeen(enough=True)) == [f.Offer(1)]


def test_a_slot_is_offered_once_the_end_is_reported() -> None:
    play = Play()
    play.running()
    effects = play.happens(e.ProcessEnded(KEY, Outcome(code=0)))
    assert [type(effect) for effect in effects] == [f.ReportExit]
    assert play.happens(e.ExitReported(KEY)) == [f.Offer(1)]
    assert play.happens(e.ExitAcked(KEY)) == []
    assert play.happens(e.Delivered(KEY)) == [f.Forget(KEY)]


def test_reports_that_may_be_lost_are_repeated_on_the_next_stream() -> None:
    play = Play()
    play.running()
    assert play.happens(e.StreamClosed()) == []
    assert play.connected() == [f.ReportStart(KEY), f.Offer(0)]


def test_a_broken_or_refused_stream_ends_no_process() -> None:
    play = Play()
    play.running()
    play.happens(e.StreamClosed(), *(e.Refused(refusal, "") for refusal in list(e.Refusal)[:4]), after=1e6)
    assert play.state.held[KEY].phase is Phase.RUNNING
    assert not play.state.left


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (e.Refusal.AMBIGUOUS, 2),
        (e.Refusal.NO_SUCH_SWEEP, 3),
        (e.Refusal.SWEEP_ENDED, 1),
        (e.Refusal.BAD_TOKEN, 4),
        (e.Refusal.NO_RUN, 1),
        (e.Refusal.NO_CONTEXT, 3),
        (e.Refusal.REPLACED, 1),
    ],
)
def test_a_refused_agent_without_a_process_ends_with_the_code_of_the_reason(
    refusal: e.Refusal, code: int
) -> None:
    (leave,) = Play().happens(e.Refused(refusal, "why"))
    assert isinstance(leave, f.Leave)
    assert (leave.code, leave.cause, leave.error) == (code, refusal.value, "why")


def test_a_run_that_is_to_stop_when_cut_off_stops_a_lease_after_the_last_word() -> None:
    play = Play()
    play.state = replace(play.state, settings=replace(play.state.settings, stop_on_disconnect=True))
    play.running()
    last_seen = play.now
    assert play.happens(e.StreamClosed(last_seen), after=29.0) == []
    (stop,) = play.happens(e.Tick(), after=1.0)
    assert isinstance(stop, f.Stop)


def test_a_verdict_of_stop_kills_and_unknown_keeps() -> None:
    play = Play()
    play.running()
    play.happens(e.StreamClosed())
    assert play.connected(**{"1": e.Verdict.UNKNOWN}) == [f.Offer(0)]
    play.happens(e.StreamClosed())
    stop, _ = play.connected(**{"1": e.Verdict.STOP})
    assert isinstance(stop, f.Stop)
    assert stop.order.mode is StopMode.KILL
    effects = play.happens(e.ProcessEnded(KEY, Outcome(signal=9, stopped=True)))
    assert effects == [f.Forget(KEY), f.Offer(1)], "nobody wants to hear of it"


def test_a_kill_after_a_termination_kills_but_not_the_other_way_round() -> None:
    play = Play()
    play.running()
    first, confirmed = play.happens(e.StopReceived(7, KEY, StopMode.TERMINATE, "pruned"))
    assert isinstance(first, f.Stop)
    assert confirmed == f.Confirm(7)
    assert play.happens(e.StopReceived(8, KEY, StopMode.TERMINATE, "pruned")) == [f.Confirm(8)]
    harder, _ = play.happens(e.StopReceived(9, KEY, StopMode.KILL, "cancelled"))
    assert isinstance(harder, f.Stop)
    assert (harder.order.mode, harder.order.reason) == (StopMode.KILL, "pruned")
    assert play.happens(e.StopReceived(10, KEY, StopMode.TERMINATE, "pruned")) == [f.Confirm(10)]


def test_a_stop_that_comes_before_the_process_is_carried_out_with_its_start() -> None:
    play = Play()
    play.connected()
    play.happens(e.StartReceived(1, RUN), e.StopReceived(2, KEY, StopMode.KILL, "cancelled"))
    effects = play.happens(e.Journalled(KEY, 1))
    assert not any(isinstance(effect, f.Launch) for effect in effects)
    exits = [effect.exit for effect in effects if isinstance(effect, f.ReportExit)]
    assert [how.cause for how in exits] == [ExitCause.COMMANDED]


def test_a_newer_attempt_at_a_run_replaces_the_older_one() -> None:
    play = Play(Settings(slots=2))
    play.running()
    effects = play.happens(e.StartReceived(9, assignment(attempt=2)))
    assert [effect.key for effect in effects if isinstance(effect, f.Stop)] == [KEY]


def test_the_deadlines_of_a_termination_lie_within_the_grace() -> None:
    play = Play(Settings(grace=30.0))
    play.running()
    assert play.happens(e.Asked(e.Wish.TERMINATE)) == []
    stops: list[tuple[float, StopMode]] = []
    while not play.state.left:
        deadline = next_deadline(play.state, play.now)
        assert deadline is not None
        stops += [
            (deadline, effect.order.mode)
            for effect in play.happens(e.Tick(), after=deadline - play.now)
            if isinstance(effect, f.Stop)
        ]
    assert stops == [(25.0, StopMode.TERMINATE), (28.75, StopMode.KILL)]
    assert play.now == 31.0


def test_an_agent_whose_work_is_done_leaves_once_everything_is_delivered() -> None:
    play = Play(Settings(count=1))
    play.running()
    play.happens(e.ProcessEnded(KEY, Outcome(code=1)), e.ExitReported(KEY), e.ExitAcked(KEY))
    assert not play.state.left
    assert play.happens(e.Delivered(KEY))[-1] == f.Leave(0, "--count 1 reached")


def test_what_an_earlier_agent_has_left_of_another_sweep_counts_for_nothing() -> None:
    play = Play(Settings(slots=2, count=1, fail_fast=True, max_initial_failures=1, max_failed_in_a_row=1))
    foreign = replace(found_unstarted(), phase=Phase.RUNNING, pid=7, foreign=True)
    play.state = replace(play.state, held={KEY: foreign})
    assert play.connected()[-1] == f.Offer(1)
    play.happens(
        e.ProcessEnded(KEY, Outcome(code=1)), e.ExitReported(KEY), e.ExitAcked(KEY), e.Delivered(KEY)
    )
    assert play.state.leaving is None
    assert play.state.wanted == 1


def test_an_attempt_that_counts_no_more_is_ended_with_the_reason_of_the_scheduler() -> None:
    play = Play()
    play.running()
    why = "the run has ended as crashed while this agent was silent"
    effects = play.happens(
        e.StreamClosed(),
        e.StreamOpened(lease=30.0, verdicts={KEY: e.Verdict.STOP}, reasons={KEY: why}),
    )
    (stopped,) = [effect for effect in effects if isinstance(effect, f.Stop)]
    assert (stopped.order.mode, stopped.order.reason) == (StopMode.KILL, why)


def test_a_run_that_was_found_unstarted_goes_back_if_the_agent_is_leaving() -> None:
    play = Play()
    held = {KEY: found_unstarted()}
    play.state = State(settings=Settings(), sweeps=frozenset({SWEEP}), started=0.0, held=held)
    play.happens(e.Asked(e.Wish.TERMINATE))
    effects = play.connected()
    assert [effect.exit.cause for effect in effects if isinstance(effect, f.ReportExit)] == [
        ExitCause.HANDED_BACK
    ]


def found_unstarted() -> Held:
    return Held(assignment=RUN, phase=Phase.READY)


def test_a_hand_out_under_the_name_of_an_attempt_that_it_holds_from_elsewhere_is_refused() -> None:
    agent = Play()
    agent.running()
    other = replace(RUN, secret=b"another server has drawn it")
    (refused,) = agent.happens(e.StartReceived(9, other))
    assert refused == f.Confirm(9, "this agent still holds another attempt of that name")
    assert agent.state.held[KEY].assignment == RUN


class AgentLife(RuleBasedStateMachine):
    """Anything may happen in any order, early, late or repeated."""

    def __init__(self) -> None:
        super().__init__()
        self.play = Play(Settings(slots=2, count=4, gpus=(("0",), ("1",))))
        self.launched: list[AttemptKey] = []
        self.confirmed = 0
        self.may_stop = False

    keys = st.builds(AttemptKey, st.sampled_from([f"{SWEEP}-{n}" for n in (1, 2, 3)]), st.integers(1, 2))

    def happens(self, event: e.Event, after: float = 0.0) -> None:
        for effect in self.play.happens(event, after=after):
            if isinstance(effect, f.Launch):
                assert effect.key not in self.launched, "no attempt is started twice"
                self.launched.append(effect.key)
            elif isinstance(effect, f.Stop):
                assert self.may_stop, "only commands, verdicts and wishes end a process"

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
    @rule(wish=st.sampled_from(e.Wish))
    def ask(self, wish: e.Wish) -> None:
        self.may_stop = True
        self.happens(e.Asked(wish))

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
