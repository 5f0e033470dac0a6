"""Life cycle of runs in the agent's core: started, reported, delivered, forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sweepd_agent.core import events as e
from sweepd_agent.core.attempt import (
    Exit,
    ExitCause,
    Json,
    Outcome,
    Place,
    StopMode,
)
from sweepd_agent.core.machine import decide
from sweepd_agent.core.state import Held, Phase, Settings, State
from unit.agent.core.play import KEY, RUN, SWEEP, Play, assignment, found_unstarted


def test_an_assignment_is_journalled_then_confirmed_then_started() -> None:
    play = Play()
    assert play.connected() == [e.Offer(1)]
    assert play.happens(e.StartReceived(5, RUN)) == [e.Journal(RUN, 5), e.Offer(0)]
    assert play.happens(e.Journalled(KEY, 5)) == [e.Confirm(5), e.Launch(KEY, Place(slot=0))]
    assert play.happens(e.StartReceived(6, RUN)) == [e.Confirm(6)]
    assert play.happens(e.ProcessStarted(KEY, 77)) == [e.ReportStart(KEY)]


def test_an_ended_attempt_continues_delivering_when_its_run_is_retried_by_this_agent() -> None:
    play = Play(Settings(slots=2))
    play.running()
    play.happens(e.ProcessEnded(KEY, Outcome(code=1)), e.ExitReported(KEY), e.ExitAcked(KEY))
    again = assignment(attempt=2)
    assert e.Forget(KEY) not in play.happens(e.StartReceived(2, again), e.Journalled(again.key, 2))
    assert e.Forget(KEY) in play.happens(e.Delivered(KEY))
    assert list(play.state.held) == [again.key]


def test_a_run_is_handed_back_when_its_assignment_cannot_be_stored() -> None:
    play = Play()
    play.connected()
    play.happens(e.StartReceived(5, RUN))
    assert play.happens(e.Journalled(KEY, 5, "no space")) == [e.Confirm(5, "no space"), e.Forget(KEY)]
    assert play.happens(e.DiskSpaceChecked(enough=True)) == [e.Offer(1)]


def test_a_slot_is_offered_once_the_end_is_reported() -> None:
    play = Play()
    play.running()
    effects = play.happens(e.ProcessEnded(KEY, Outcome(code=0)))
    assert [type(effect) for effect in effects] == [e.ReportExit]
    assert play.happens(e.ExitReported(KEY)) == [e.Offer(1)]
    assert play.happens(e.ExitAcked(KEY)) == []
    assert play.happens(e.Delivered(KEY)) == [e.Forget(KEY)]


def test_reports_without_acknowledgement_are_repeated_on_the_next_stream() -> None:
    play = Play()
    play.running()
    assert play.happens(e.StreamClosed()) == []
    assert play.connected() == [e.ReportStart(KEY), e.Offer(0)]


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
    assert isinstance(leave, e.Leave)
    assert (leave.code, leave.cause, leave.error) == (code, refusal.value, "why")


def test_an_agent_without_further_work_leaves_once_everything_is_delivered() -> None:
    play = Play(Settings(count=1))
    play.running()
    play.happens(e.ProcessEnded(KEY, Outcome(code=1)), e.ExitReported(KEY), e.ExitAcked(KEY))
    assert not play.state.left
    assert play.happens(e.Delivered(KEY))[-1] == e.Leave(0, "--count 1 reached")


def test_leftover_attempts_of_another_sweep_do_not_count() -> None:
    play = Play(Settings(slots=2, count=1, fail_fast=True, max_initial_failures=1, max_failed_in_a_row=1))
    foreign = replace(found_unstarted(), phase=Phase.RUNNING, pid=7, foreign=True)
    play.state = replace(play.state, held={KEY: foreign})
    assert play.connected()[-1] == e.Offer(1)
    play.happens(
        e.ProcessEnded(KEY, Outcome(code=1)), e.ExitReported(KEY), e.ExitAcked(KEY), e.Delivered(KEY)
    )
    assert play.state.leaving is None
    assert play.state.wanted == 1


def test_an_unstarted_run_is_handed_back_if_the_agent_is_leaving() -> None:
    play = Play()
    held = {KEY: found_unstarted()}
    play.state = State(settings=Settings(), sweeps=frozenset({SWEEP}), started=0.0, held=held)
    play.happens(e.EndRequested(e.EndRequest.TERMINATE))
    effects = play.connected()
    assert [effect.exit.cause for effect in effects if isinstance(effect, e.ReportExit)] == [
        ExitCause.HANDED_BACK
    ]


def test_a_hand_out_with_the_name_of_an_attempt_from_another_server_is_refused() -> None:
    agent = Play()
    agent.running()
    other = replace(RUN, secret=b"another server has drawn it")
    (refused,) = agent.happens(e.StartReceived(9, other))
    assert refused == e.Confirm(9, "this agent still has another attempt of the same name")
    assert agent.state.held[KEY].assignment == RUN


def test_the_log_has_the_parameters_slot_and_devices_of_a_started_run() -> None:
    def logged_fields(held: Held) -> Mapping[str, Json]:
        state = State(settings=Settings(), sweeps=frozenset(), started=0.0, held={KEY: held})
        effects = decide(state, e.ProcessStarted(KEY, 77), 0.0).effects
        (record,) = [
            effect for effect in effects if isinstance(effect, e.LogEvent) and effect.event == "run_started"
        ]
        assert record.key == KEY
        return record.fields

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
    assert logged_fields(starting) == fields
    assert logged_fields(replace(starting, place=Place(slot=1))) == {**fields, "slot": 1}
    devices = Place(slot=0, gpus=("2", "3"))
    assert logged_fields(replace(starting, place=devices)) == {**fields, "slot": 0, "gpus": ["2", "3"]}


def test_the_log_has_the_outcome_of_an_ended_run() -> None:
    def logged_fields(outcome: Outcome) -> Mapping[str, Json]:
        play = Play()
        play.running()
        effects = decide(play.state, e.ProcessEnded(KEY, outcome, "a\nb\n"), 0.0).effects
        (record,) = [effect for effect in effects if isinstance(effect, e.LogEvent)]
        assert (record.event, record.key) == ("run_ended", KEY)
        return record.fields

    well: dict[str, Json] = {"cause": "exited", "exit_code": 0, "signal": None, "message": ""}
    assert logged_fields(Outcome(code=0)) == well
    assert logged_fields(Outcome(code=3)) == {**well, "exit_code": 3, "last_line": "b"}
    killed = {**well, "cause": "signaled", "exit_code": None, "signal": 9, "last_line": "b"}
    assert logged_fields(Outcome(signal=9)) == killed
    given_back = logged_fields(Outcome(signal=15, stopped=True))
    assert (given_back["cause"], "last_line" in given_back) == ("handed back", False)


def test_the_log_has_one_record_of_a_repeated_fence_and_one_of_each_stop() -> None:
    play = Play()
    play.running()
    records: list[e.LogEvent] = []
    for event in (e.Fenced(KEY), e.Fenced(KEY), e.StopReceived(1, KEY, StopMode.KILL, "cancelled")):
        decision = decide(play.state, event, 0.0)
        play.state = decision.state
        records += [effect for effect in decision.effects if isinstance(effect, e.LogEvent)]
    assert records == [
        e.LogEvent("fenced", KEY, {"message": "another attempt took over"}),
        e.LogEvent("command", KEY, {"command": "stop", "mode": "kill", "reason": "cancelled"}),
    ]


def test_a_repeated_hand_out_is_confirmed_once_it_is_on_disk() -> None:
    play = Play()
    play.connected()
    play.happens(e.StartReceived(5, RUN))
    assert play.happens(e.StartReceived(6, RUN)) == []
    assert play.happens(e.Journalled(KEY, 5)) == [e.Confirm(5), e.Launch(KEY, Place(slot=0))]
    assert play.happens(e.Journalled(KEY, 5)) == []


def test_an_agent_that_is_leaving_refuses_runs_with_the_reason() -> None:
    play = Play(Settings(slots=2))
    play.running()
    play.happens(e.EndRequested(e.EndRequest.INTERRUPT))
    refused = e.Confirm(9, "the agent is shutting down: Ctrl-C")
    assert play.happens(e.StartReceived(9, assignment(2))) == [refused]


def test_only_an_end_without_acknowledgement_is_awaited() -> None:
    """The verdict on an ended attempt determines whether its slot and its agent wait for it."""
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
        assert play.happens(opened) == [e.ReportStart(KEY)] * started + [e.Offer(free)]
        assert not play.state.held[KEY].reported
        assert play.state.held[KEY].undelivered is (verdict is not e.Verdict.UNKNOWN)


def test_only_ended_attempts_are_forgotten() -> None:
    play = Play()
    play.running()
    assert play.happens(e.Delivered(KEY)) == []
    (reported,) = play.happens(e.ProcessEnded(KEY, Outcome(code=0, time=5.0)))
    how = Exit(cause=ExitCause.EXITED, code=0, signal=None, message="", time=5.0)
    assert reported == e.ReportExit(KEY, how)
    assert play.happens(e.ProcessEnded(KEY, Outcome(code=1))) == []
    assert play.state.held[KEY].pid is None
    assert play.happens(e.Delivered(KEY)) == [e.Forget(KEY), e.Offer(1)]


def test_no_slots_are_offered_while_the_disk_is_full() -> None:
    play = Play(Settings(slots=2))
    play.running()
    assert play.happens(e.DiskSpaceChecked(enough=False)) == [e.Offer(0)]
    assert play.happens(e.DiskSpaceChecked(enough=False)) == []
    assert play.happens(e.DiskSpaceChecked(enough=True)) == [e.Offer(1)]


def test_a_count_limits_the_offer() -> None:
    play = Play(Settings(slots=4, count=2))
    assert play.connected() == [e.Offer(2)]
    assert play.happens(e.StartReceived(1, RUN))[-1] == e.Offer(1)
    second = assignment(2)
    assert play.happens(e.StartReceived(2, second))[-1] == e.Offer(0)
    play.happens(e.Journalled(KEY, 1), e.ProcessEnded(KEY, Outcome(code=0)))
    assert play.state.wanted == 0
