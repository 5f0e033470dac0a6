"""A waiting agent logs the reason: at once, and every few minutes."""

from __future__ import annotations

import pytest

from sweepd_agent.core import events as e
from sweepd_agent.core.attempt import Json
from sweepd_agent.core.leaving import next_deadline
from sweepd_agent.core.serving import LOG_EVERY
from sweepd_agent.core.state import Settings
from unit.agent.core.play import SWEEP, Play, assignment
from unit.agent.core.test_guards import OTHER, noticed

SHARED = [e.Reason.PAUSED, e.Reason.CANARY, e.Reason.ENDING, e.Reason.SUGGESTION]


def because(reason: e.Reason) -> e.EligibilityChanged:
    return e.EligibilityChanged(SWEEP, e.Ineligibility(reason, f"it is {reason.value}"))


def reasons(play: Play, *happened: e.Event) -> list[Json]:
    """Apply events; return the reported reasons."""
    return [each.fields["reason"] for each in noticed(play, *happened) if each.event == "withheld"]


def passes(play: Play, seconds: float) -> list[Json]:
    """Advance the clock from timer to timer; return the reported reasons."""
    end, logged = play.now + seconds, []
    while (due := next_deadline(play.state, play.now)) is not None and due <= end:
        play.now = due
        logged += reasons(play, e.Tick())
    play.now = end
    return logged


@pytest.mark.parametrize("reason", e.Reason)
def test_a_reason_is_logged_at_once_and_every_five_minutes_while_the_agent_waits(
    reason: e.Reason,
) -> None:
    play = Play()
    play.connected()
    first = reasons(play, because(reason))
    first += passes(play, 3.0)
    assert first == [reason.value]
    assert LOG_EVERY == 300.0
    assert passes(play, 290.0) == []
    assert passes(play, 10.0) == [reason.value]
    assert passes(play, 3_000.0) == [reason.value] * 10


def test_a_short_search_for_a_point_is_not_logged() -> None:
    play = Play()
    play.connected()
    assert reasons(play, because(e.Reason.SUGGESTION)) == []
    assert passes(play, 1.9) == []
    assert reasons(play, e.EligibilityChanged(SWEEP, None)) == []
    assert passes(play, 1_000.0) == []


def test_the_same_reason_on_a_new_stream_is_not_logged_again() -> None:
    play = Play()
    play.connected()
    paused = e.Ineligibility(e.Reason.PAUSED, "it is paused")
    assert reasons(play, because(e.Reason.PAUSED)) == ["paused"]
    play.happens(e.StreamClosed())
    assert passes(play, 400.0) == [], "without a stream no reason is known"
    opened = e.StreamOpened(lease=30.0, verdicts={}, ineligible={SWEEP: paused})
    assert reasons(play, opened) == ["paused"], "five minutes have passed"
    assert reasons(play, e.StreamClosed(), opened) == []


@pytest.mark.parametrize("reason", SHARED)
def test_a_busy_agent_does_not_wait(reason: e.Reason) -> None:
    play = Play()
    play.connected()
    run = assignment(1)
    play.happens(e.StartReceived(1, run), e.Journalled(run.key, 1), e.ProcessStarted(run.key, 1))
    assert reasons(play, because(reason)) == []
    assert passes(play, 1_000.0) == []


@pytest.mark.parametrize("reason", SHARED)
def test_a_hand_out_ends_the_reason_for_waiting(reason: e.Reason) -> None:
    play = Play(Settings(slots=2))
    play.connected()
    play.happens(because(reason))
    passes(play, 3.0)
    assert reasons(play, e.StartReceived(1, assignment(1))) == [None]
    assert passes(play, 1_000.0) == []


def test_a_reason_of_this_agent_alone_outlasts_a_hand_out_already_in_flight() -> None:
    play = Play(Settings(slots=2))
    play.connected()
    play.happens(because(e.Reason.GUARD))
    assert reasons(play, e.StartReceived(1, assignment(1))) == []
    assert passes(play, 301.0) == ["guard"]


def test_an_agent_that_is_leaving_logs_no_reason() -> None:
    play = Play()
    play.connected()
    run = assignment(1)
    play.happens(e.StartReceived(1, run), e.Journalled(run.key, 1), e.ProcessStarted(run.key, 1))
    play.happens(e.EndRequested(e.EndRequest.INTERRUPT), because(e.Reason.PAUSED))
    assert passes(play, 1_000.0) == []


def test_each_of_several_sweeps_has_its_own_reason_and_interval() -> None:
    play = Play()
    play.happens(e.SweepsNamed(frozenset({SWEEP, OTHER})))
    play.connected()
    search = e.EligibilityChanged(OTHER, e.Ineligibility(e.Reason.SUGGESTION, "it searches"))
    assert reasons(play, search, because(e.Reason.PAUSED)) == ["paused"]
    assert next_deadline(play.state, play.now) == 2.0
    assert passes(play, 2.0) == ["suggestion"]
    assert passes(play, 300.0) == ["paused", "suggestion"]


def test_a_reason_is_new_after_each_run_that_ended_the_previous_reason() -> None:
    play = Play(Settings(slots=2))
    play.connected()
    assert reasons(play, because(e.Reason.PAUSED), e.EligibilityChanged(SWEEP, None)) == ["paused", None]
    assert passes(play, 1_000.0) == []
    assert reasons(play, because(e.Reason.PAUSED), because(e.Reason.CANARY)) == ["paused", "canary"]


def test_a_reason_of_an_ended_sweep_is_not_logged_again() -> None:
    play = Play()
    play.happens(e.SweepsNamed(frozenset({SWEEP, OTHER})))
    play.connected()
    assert reasons(play, because(e.Reason.PAUSED)) == ["paused"]
    play.happens(e.SweepEnded(SWEEP, "finished", ""))
    assert passes(play, 1_000.0) == []
    opened = e.StreamOpened(lease=30.0, verdicts={})
    assert reasons(play, e.StreamClosed(), opened) == []
    assert SWEEP in play.state.ineligible, "its guard may still determine the exit code"


@pytest.mark.parametrize("reason", [e.Reason.LABELS, e.Reason.GUARD, e.Reason.OTHER])
def test_a_reason_of_this_agent_alone_is_logged_once_while_it_is_busy(reason: e.Reason) -> None:
    play = Play()
    play.running()
    assert reasons(play, because(reason)) == [reason.value]
    assert passes(play, 1_000.0) == []
    assert reasons(play, e.Tick()) == []
