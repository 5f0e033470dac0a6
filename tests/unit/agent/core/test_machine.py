from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sweepd_agent.core import events as e
from sweepd_agent.core import events as f
from sweepd_agent.core.attempt import (
    Assignment,
    AttemptKey,
    Exit,
    ExitCause,
    Json,
    Outcome,
    Place,
    StopMode,
    StopOrder,
)
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


def test_the_log_tells_how_a_run_was_started() -> None:
    def said(held: Held) -> Mapping[str, Json]:
        state = State(settings=Settings(), sweeps=frozenset(), started=0.0, held={KEY: held})
        effects = decide(state, e.ProcessStarted(KEY, 77), 0.0).effects
        (say,) = [effect for effect in effects if isinstance(effect, f.Say) and effect.event == "run_started"]
        assert say.key == KEY
        return say.fields

    starting = Held(assignment=RUN, phase=Phase.STARTING)
    fields = {
        "sweep": SWEEP,
        "params": {"lr": 0.1},
        "assigned_time": 0.0,
        "requeue_after_s": 120.0,
        "run_pid": 77,
        "repeat": None,
        "slot": None,
        "gpus": None,
    }
    assert said(starting) == fields
    assert said(replace(starting, place=Place(slot=1))) == {**fields, "slot": 1}
    devices = Place(slot=0, gpus=("2", "3"))
    assert said(replace(starting, place=devices)) == {**fields, "slot": 0, "gpus": ["2", "3"]}


def test_the_log_tells_how_a_run_has_ended() -> None:
    def said(outcome: Outcome) -> Mapping[str, Json]:
        play = Play()
        play.running()
        effects = decide(play.state, e.ProcessEnded(KEY, outcome, "a\nb\n"), 0.0).effects
        (say,) = [effect for effect in effects if isinstance(effect, f.Say)]
        assert (say.event, say.key) == ("run_ended", KEY)
        return say.fields

    well: dict[str, Json] = {"cause": "exited", "exit_code": 0, "signal": None, "message": ""}
    assert said(Outcome(code=0)) == well
    assert said(Outcome(code=3)) == {**well, "exit_code": 3, "last_line": "b"}
    killed = {**well, "cause": "signaled", "exit_code": None, "signal": 9, "last_line": "b"}
    assert said(Outcome(signal=9)) == killed
    given_back = said(Outcome(signal=15, stopped=True))
    assert (given_back["cause"], "last_line" in given_back) == ("handed back", False)


def test_the_log_tells_once_that_an_attempt_is_fenced_and_of_every_stop() -> None:
    play = Play()
    play.running()
    says: list[f.Say] = []
    for event in (e.Fenced(KEY), e.Fenced(KEY), e.StopReceived(1, KEY, StopMode.KILL, "cancelled")):
        decision = decide(play.state, event, 0.0)
        play.state = decision.state
        says += [effect for effect in decision.effects if isinstance(effect, f.Say)]
    assert says == [
        f.Say("fenced", KEY, {"message": "another attempt took over"}),
        f.Say("command", KEY, {"command": "stop", "mode": "kill", "reason": "cancelled"}),
    ]


def test_a_repeated_hand_out_is_confirmed_once_it_is_on_disk() -> None:
    play = Play()
    play.connected()
    play.happens(e.StartReceived(5, RUN))
    assert play.happens(e.StartReceived(6, RUN)) == []
    assert play.happens(e.Journalled(KEY, 5)) == [f.Confirm(5), f.Launch(KEY, Place(slot=0))]
    assert play.happens(e.Journalled(KEY, 5)) == []


def test_an_agent_that_is_leaving_refuses_runs_and_says_why() -> None:
    play = Play(Settings(slots=2))
    play.running()
    play.happens(e.Asked(e.Wish.INTERRUPT))
    refused = f.Confirm(9, "the agent is about to end: Ctrl-C")
    assert play.happens(e.StartReceived(9, assignment(2))) == [refused]


def test_a_hand_out_ends_only_earlier_attempts_at_its_run() -> None:
    play = Play(Settings(slots=3))
    play.connected()
    newer, other = assignment(attempt=2), assignment(2)
    for number, given in enumerate((newer, other), start=1):
        play.happens(
            e.StartReceived(number, given), e.Journalled(given.key, number), e.ProcessStarted(given.key, 7)
        )
    assert play.happens(e.StartReceived(9, RUN)) == [f.Journal(RUN, 9), f.Offer(0)]
    third = assignment(2, attempt=3)
    play.happens(e.Journalled(KEY, 9), e.ProcessStarted(KEY, 7), e.Fenced(KEY), e.Fenced(newer.key))
    play.happens(e.ProcessEnded(KEY, Outcome(signal=9, stopped=True)))
    effects = play.happens(e.StartReceived(10, third))
    assert [effect.key for effect in effects if isinstance(effect, f.Stop)] == [other.key]


def test_an_order_that_comes_while_the_process_is_starting_is_carried_out_once_it_runs() -> None:
    play = Play()
    play.connected()
    play.happens(e.StartReceived(1, RUN), e.Journalled(KEY, 1))
    assert play.happens(e.StopReceived(2, KEY, StopMode.TERMINATE, "pruned")) == [f.Confirm(2)]
    order = StopOrder(mode=StopMode.TERMINATE, cause=ExitCause.COMMANDED, reason="pruned")
    assert play.happens(e.ProcessStarted(KEY, 7)) == [f.ReportStart(KEY), f.Stop(KEY, order)]


def test_a_stop_of_what_is_not_held_is_confirmed_as_such() -> None:
    stop = e.StopReceived(2, KEY, StopMode.KILL, "cancelled")
    assert Play().happens(stop) == [f.Confirm(2, "this agent does not hold the attempt")]


def test_what_was_found_unstarted_ends_without_a_process_when_it_is_stopped() -> None:
    play = Play()
    play.state = replace(play.state, held={KEY: found_unstarted()})
    how = Exit(cause=ExitCause.COMMANDED, code=None, signal=None, message="cancelled", time=0.0)
    stop = e.StopReceived(2, KEY, StopMode.KILL, "cancelled")
    assert play.happens(stop) == [f.ReportExit(KEY, how), f.Confirm(2)]
    assert play.happens(stop) == [f.Confirm(2)]
    assert play.state.held[KEY].exit == how


def test_a_fenced_attempt_is_dropped_unless_it_has_a_process() -> None:
    play = Play()
    play.state = replace(play.state, held={KEY: found_unstarted()})
    assert play.happens(e.Fenced(KEY)) == [f.Forget(KEY)]
    assert play.happens(e.Fenced(KEY)) == []
    play.connected()
    play.happens(e.StartReceived(1, RUN))
    assert play.happens(e.Fenced(KEY)) == []
    assert play.happens(e.Journalled(KEY, 1)) == [f.Confirm(1), f.Forget(KEY), f.Offer(1)]


def test_the_order_of_the_scheduler_replaces_that_of_the_agent() -> None:
    play = Play()
    play.running()
    play.happens(e.Asked(e.Wish.INTERRUPT), e.Asked(e.Wish.INTERRUPT))
    order = StopOrder(mode=StopMode.TERMINATE, cause=ExitCause.COMMANDED, reason="pruned")
    stop = e.StopReceived(2, KEY, StopMode.TERMINATE, "pruned")
    assert play.happens(stop) == [f.Stop(KEY, order), f.Confirm(2)]
    killed = replace(order, mode=StopMode.KILL)
    assert play.happens(e.Asked(e.Wish.INTERRUPT)) == [f.Stop(KEY, killed)]
    assert play.happens(e.Fenced(KEY)) == []


def test_only_an_end_that_is_not_stored_is_awaited() -> None:
    """The verdict on an attempt that has ended decides what its slot and its agent wait for."""
    ended = Held(assignment=RUN, phase=Phase.ENDED, pid=7)
    stored = frozenset({KEY})
    for verdict, exited, started, free in (
        (e.Verdict.KEEP, frozenset(), True, 0),
        (e.Verdict.KEEP, stored, False, 1),
        (e.Verdict.DELIVER, frozenset(), False, 1),
        (e.Verdict.UNKNOWN, stored, False, 1),
    ):
        play = Play()
        play.state = replace(play.state, held={KEY: replace(ended, reported=True)})
        opened = e.StreamOpened(lease=30.0, verdicts={KEY: verdict}, exited=exited)
        assert play.happens(opened) == [f.ReportStart(KEY)] * started + [f.Offer(free)]
        assert not play.state.held[KEY].reported
        assert play.state.held[KEY].undelivered is (verdict is not e.Verdict.UNKNOWN)


def test_a_process_that_ends_by_sigterm_goes_back_only_if_the_agent_got_it_too() -> None:
    for asked, cause in (
        ([], ExitCause.SIGNALED),
        ([e.Wish.INTERRUPT], ExitCause.SIGNALED),
        ([e.Wish.TERMINATE], ExitCause.HANDED_BACK),
    ):
        play = Play()
        play.running()
        play.happens(*map(e.Asked, asked))
        (reported, *_) = play.happens(e.ProcessEnded(KEY, Outcome(signal=15)))
        assert isinstance(reported, f.ReportExit)
        assert reported.exit.cause is cause


def test_what_is_forgotten_is_only_what_has_ended() -> None:
    play = Play()
    play.running()
    assert play.happens(e.Delivered(KEY)) == []
    (reported,) = play.happens(e.ProcessEnded(KEY, Outcome(code=0, time=5.0)))
    how = Exit(cause=ExitCause.EXITED, code=0, signal=None, message="", time=5.0)
    assert reported == f.ReportExit(KEY, how)
    assert play.happens(e.ProcessEnded(KEY, Outcome(code=1))) == []
    assert play.state.held[KEY].pid is None
    assert play.happens(e.Delivered(KEY)) == [f.Forget(KEY), f.Offer(1)]


def test_a_full_disk_is_no_room_for_runs() -> None:
    play = Play(Settings(slots=2))
    play.running()
    assert play.happens(e.RoomSeen(enough=False)) == [f.Offer(0)]
    assert play.happens(e.RoomSeen(enough=False)) == []
    assert play.happens(e.RoomSeen(enough=True)) == [f.Offer(1)]


def test_a_count_bounds_the_offer() -> None:
    play = Play(Settings(slots=4, count=2))
    assert play.connected() == [f.Offer(2)]
    assert play.happens(e.StartReceived(1, RUN))[-1] == f.Offer(1)
    second = assignment(2)
    assert play.happens(e.StartReceived(2, second))[-1] == f.Offer(0)
    play.happens(e.Journalled(KEY, 1), e.ProcessEnded(KEY, Outcome(code=0)))
    assert play.state.wanted == 0


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
TestAgentLife.pytestmark = [pytest.mark.lengthy]  # type: ignore[attr-defined]  # pytest reads it
