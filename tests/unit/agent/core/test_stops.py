"""Runs are stopped by commands, verdicts, fences and newer attempts."""

from __future__ import annotations

from dataclasses import replace

from sweepd_agent.core import events as e
from sweepd_agent.core.attempt import (
    Exit,
    ExitCause,
    Outcome,
    StopMode,
    StopOrder,
)
from sweepd_agent.core.leaving import next_deadline
from sweepd_agent.core.state import Settings
from unit.agent.core.play import KEY, RUN, Play, assignment, found_unstarted


def test_a_run_set_to_stop_when_disconnected_stops_a_lease_after_the_last_response() -> None:
    play = Play()
    play.state = replace(play.state, settings=replace(play.state.settings, stop_on_disconnect=True))
    play.running()
    last_seen = play.now
    assert play.happens(e.StreamClosed(last_seen), after=29.0) == []
    (stop,) = play.happens(e.Tick(), after=1.0)
    assert isinstance(stop, e.Stop)


def test_the_verdict_stop_kills_a_run_and_the_verdict_unknown_keeps_it() -> None:
    play = Play()
    play.running()
    play.happens(e.StreamClosed())
    assert play.connected(**{"1": e.Verdict.UNKNOWN}) == [e.Offer(0)]
    play.happens(e.StreamClosed())
    stop, _ = play.connected(**{"1": e.Verdict.STOP})
    assert isinstance(stop, e.Stop)
    assert stop.order.mode is StopMode.KILL
    effects = play.happens(e.ProcessEnded(KEY, Outcome(signal=9, stopped=True)))
    assert effects == [e.Forget(KEY), e.Offer(1)], "the scheduler does not want its data"


def test_a_kill_replaces_a_termination_but_not_the_reverse() -> None:
    play = Play()
    play.running()
    first, confirmed = play.happens(e.StopReceived(7, KEY, StopMode.TERMINATE, "pruned"))
    assert isinstance(first, e.Stop)
    assert confirmed == e.Confirm(7)
    assert play.happens(e.StopReceived(8, KEY, StopMode.TERMINATE, "pruned")) == [e.Confirm(8)]
    harder, _ = play.happens(e.StopReceived(9, KEY, StopMode.KILL, "cancelled"))
    assert isinstance(harder, e.Stop)
    assert (harder.order.mode, harder.order.reason) == (StopMode.KILL, "pruned")
    assert play.happens(e.StopReceived(10, KEY, StopMode.TERMINATE, "pruned")) == [e.Confirm(10)]


def test_a_stop_received_before_the_start_is_carried_out_with_the_start() -> None:
    play = Play()
    play.connected()
    play.happens(e.StartReceived(1, RUN), e.StopReceived(2, KEY, StopMode.KILL, "cancelled"))
    effects = play.happens(e.Journalled(KEY, 1))
    assert not any(isinstance(effect, e.Launch) for effect in effects)
    exits = [effect.exit for effect in effects if isinstance(effect, e.ReportExit)]
    assert [how.cause for how in exits] == [ExitCause.COMMANDED]


def test_a_newer_attempt_at_a_run_replaces_the_older_one() -> None:
    play = Play(Settings(slots=2))
    play.running()
    effects = play.happens(e.StartReceived(9, assignment(attempt=2)))
    assert [effect.key for effect in effects if isinstance(effect, e.Stop)] == [KEY]


def test_the_deadlines_of_a_termination_lie_within_the_grace_period() -> None:
    play = Play(Settings(grace=30.0))
    play.running()
    assert play.happens(e.EndRequested(e.EndRequest.TERMINATE)) == []
    stops: list[tuple[float, StopMode]] = []
    while not play.state.left:
        deadline = next_deadline(play.state, play.now)
        assert deadline is not None
        stops += [
            (deadline, effect.order.mode)
            for effect in play.happens(e.Tick(), after=deadline - play.now)
            if isinstance(effect, e.Stop)
        ]
    assert stops == [(25.0, StopMode.TERMINATE), (28.75, StopMode.KILL)]
    assert play.now == 31.0


def test_a_stop_verdict_ends_an_attempt_with_the_reason_of_the_scheduler() -> None:
    play = Play()
    play.running()
    why = "the run ended as crashed while this agent was silent"
    effects = play.happens(
        e.StreamClosed(),
        e.StreamOpened(lease=30.0, verdicts={KEY: e.Verdict.STOP}, reasons={KEY: why}),
    )
    (stopped,) = [effect for effect in effects if isinstance(effect, e.Stop)]
    assert (stopped.order.mode, stopped.order.reason) == (StopMode.KILL, why)


def test_a_hand_out_ends_only_earlier_attempts_at_its_run() -> None:
    play = Play(Settings(slots=3))
    play.connected()
    newer, other = assignment(attempt=2), assignment(2)
    for number, given in enumerate((newer, other), start=1):
        play.happens(
            e.StartReceived(number, given), e.Journalled(given.key, number), e.ProcessStarted(given.key, 7)
        )
    assert play.happens(e.StartReceived(9, RUN)) == [e.Journal(RUN, 9), e.Offer(0)]
    third = assignment(2, attempt=3)
    play.happens(e.Journalled(KEY, 9), e.ProcessStarted(KEY, 7), e.Fenced(KEY), e.Fenced(newer.key))
    play.happens(e.ProcessEnded(KEY, Outcome(signal=9, stopped=True)))
    effects = play.happens(e.StartReceived(10, third))
    assert [effect.key for effect in effects if isinstance(effect, e.Stop)] == [other.key]


def test_a_stop_received_while_the_process_is_starting_is_carried_out_once_it_runs() -> None:
    play = Play()
    play.connected()
    play.happens(e.StartReceived(1, RUN), e.Journalled(KEY, 1))
    assert play.happens(e.StopReceived(2, KEY, StopMode.TERMINATE, "pruned")) == [e.Confirm(2)]
    order = StopOrder(mode=StopMode.TERMINATE, cause=ExitCause.COMMANDED, reason="pruned")
    assert play.happens(e.ProcessStarted(KEY, 7)) == [e.ReportStart(KEY), e.Stop(KEY, order)]


def test_a_stop_of_an_unknown_attempt_is_confirmed_as_such() -> None:
    stop = e.StopReceived(2, KEY, StopMode.KILL, "cancelled")
    assert Play().happens(stop) == [e.Confirm(2, "this agent does not have the attempt")]


def test_an_unstarted_run_ends_without_a_process_when_it_is_stopped() -> None:
    play = Play()
    play.state = replace(play.state, held={KEY: found_unstarted()})
    how = Exit(cause=ExitCause.COMMANDED, code=None, signal=None, message="cancelled", time=0.0)
    stop = e.StopReceived(2, KEY, StopMode.KILL, "cancelled")
    assert play.happens(stop) == [e.ReportExit(KEY, how), e.Confirm(2)]
    assert play.happens(stop) == [e.Confirm(2)]
    assert play.state.held[KEY].exit == how


def test_a_fenced_attempt_is_dropped_unless_it_has_a_process() -> None:
    play = Play()
    play.state = replace(play.state, held={KEY: found_unstarted()})
    assert play.happens(e.Fenced(KEY)) == [e.Forget(KEY)]
    assert play.happens(e.Fenced(KEY)) == []
    play.connected()
    play.happens(e.StartReceived(1, RUN))
    assert play.happens(e.Fenced(KEY)) == []
    assert play.happens(e.Journalled(KEY, 1)) == [e.Confirm(1), e.Forget(KEY), e.Offer(1)]


def test_a_stop_from_the_scheduler_replaces_that_of_the_agent() -> None:
    play = Play()
    play.running()
    play.happens(e.EndRequested(e.EndRequest.INTERRUPT), e.EndRequested(e.EndRequest.INTERRUPT))
    order = StopOrder(mode=StopMode.TERMINATE, cause=ExitCause.COMMANDED, reason="pruned")
    stop = e.StopReceived(2, KEY, StopMode.TERMINATE, "pruned")
    assert play.happens(stop) == [e.Stop(KEY, order), e.Confirm(2)]
    killed = replace(order, mode=StopMode.KILL)
    assert play.happens(e.EndRequested(e.EndRequest.INTERRUPT)) == [e.Stop(KEY, killed)]
    assert play.happens(e.Fenced(KEY)) == []


def test_a_run_that_ends_by_sigterm_is_handed_back_only_if_its_agent_received_sigterm_too() -> None:
    for asked, cause in (
        ([], ExitCause.SIGNALED),
        ([e.EndRequest.INTERRUPT], ExitCause.SIGNALED),
        ([e.EndRequest.TERMINATE], ExitCause.HANDED_BACK),
    ):
        play = Play()
        play.running()
        play.happens(*map(e.EndRequested, asked))
        (reported, *_) = play.happens(e.ProcessEnded(KEY, Outcome(signal=15)))
        assert isinstance(reported, e.ReportExit)
        assert reported.exit.cause is cause
