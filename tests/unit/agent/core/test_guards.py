"""Guards against runs that keep failing: the agent's own, and those of the scheduler."""

from __future__ import annotations

import pytest

from sweepd_agent.core import events as e
from sweepd_agent.core.attempt import Outcome, StopMode
from sweepd_agent.core.lines import line
from sweepd_agent.core.machine import decide
from sweepd_agent.core.state import Settings
from unit.agent.core.play import SWEEP, Play, assignment

GUARD = e.Ineligibility(
    e.Reason.GUARD, "5 runs in a row have failed; `sweepctl agents release A` lets it go on"
)
LABELS = e.Ineligibility(e.Reason.LABELS, "it lacks gpu=a100")
OTHER = "local/demo/other"


def ends(play: Play, number: int, outcome: Outcome, tail: str = "") -> list[e.Effect]:
    """Hand out, start and end a run."""
    run = assignment(number)
    return play.happens(
        e.StartReceived(number, run),
        e.Journalled(run.key, number),
        e.ProcessStarted(run.key, number),
        e.ProcessEnded(run.key, outcome, tail),
        e.ExitReported(run.key),
        e.ExitAcked(run.key),
        e.Delivered(run.key),
    )


def noticed(play: Play, *happened: e.Event) -> list[e.LogEvent]:
    """Apply events; return the agent's log records."""
    effects: list[e.Effect] = []
    for event in happened:
        decision = decide(play.state, event, play.now)
        play.state = decision.state
        effects += decision.effects
    return [effect for effect in effects if isinstance(effect, e.LogEvent)]


def left(effects: list[e.Effect]) -> e.Leave | None:
    return next((effect for effect in effects if isinstance(effect, e.Leave)), None)


def test_failures_in_a_row_end_the_agent_and_the_last_one_is_quoted() -> None:
    """Section 11.3: a non-zero code, and a line with the guard, the exit code and the last error lines."""
    play = Play(Settings(max_failed_in_a_row=2))
    play.connected()
    assert left(ends(play, 1, Outcome(code=1))) is None
    leave = left(ends(play, 2, Outcome(code=3), "a\nTraceback:\n\n  File x\nValueError: \x1b[2J\n"))
    assert leave is not None
    assert leave.code == 9
    assert leave.error == (
        "2 runs have failed in a row (--max-consecutive-failed-runs 2); run tune-2 failed with exit code 3; "
        "its last lines: Traceback: | File x | ValueError: \\x1b[2J"
    )


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (Outcome(code=1), True),
        # Section 11.3: death by a signal is not counted as failed.
        (Outcome(signal=11), False),
        (Outcome(signal=9, out_of_memory=True), False),
        (Outcome(start_error="no such file"), True),
        (Outcome(signal=15, orphaned=True), False),
    ],
)
def test_only_failures_of_the_run_itself_count(outcome: Outcome, counts: bool) -> None:
    play = Play(Settings(max_failed_in_a_row=1))
    play.connected()
    leave = left(ends(play, 1, outcome))
    assert (leave is not None and leave.code == 9) is counts


FAST = Settings(fail_fast=True, max_initial_failures=5)


def test_flapping_is_three_failures_within_the_first_minute_of_the_agent() -> None:
    play = Play(FAST, now=100.0)
    play.connected()
    play.now = 150.0
    assert left(ends(play, 1, Outcome(code=1))) is None
    assert left(ends(play, 2, Outcome(code=0))) is None
    assert left(ends(play, 3, Outcome(code=2))) is None
    assert left(ends(play, 4, Outcome(signal=11))) is None
    play.now = 160.0
    leave = left(ends(play, 5, Outcome(code=7), "boom"))
    assert leave is not None
    assert leave.code == 9
    assert leave.error == (
        "3 runs have failed in the first 60 s (--fail-fast); run tune-5 failed with exit code 7; "
        "its last lines: boom"
    )


def test_a_failure_after_the_first_minute_is_not_flapping() -> None:
    play = Play(FAST)
    play.connected()
    assert left(ends(play, 1, Outcome(code=1))) is None
    assert left(ends(play, 2, Outcome(code=1))) is None
    play.now = 60.1
    assert left(ends(play, 3, Outcome(code=1))) is None
    # Without the flag, none is at any time.
    play = Play(Settings(max_initial_failures=5))
    play.connected()
    assert all(left(ends(play, number, Outcome(code=1))) is None for number in range(1, 5))


@pytest.mark.parametrize(
    ("codes", "trips"),
    [
        ([1, 1, 1, 1], False),
        ([1, 1, 1, 1, 1], True),
        ([0, 1, 1, 1, 1, 1], True),
        # Finished ones are counted without the one that has just failed.
        ([0, 0, 1, 1, 1, 1, 1], False),
        ([0, 1, 1, 1, 1, 0, 1], False),
        ([1, 1, 1, 1, 0, 1], True),
    ],
)
def test_failing_means_at_least_five_failures_and_as_many_as_other_ended_runs(
    codes: list[int], trips: bool
) -> None:
    """Section 11.3: failed >= 5, and failed >= finished, which counts every ended run but this one."""
    play = Play(FAST)
    play.connected()
    play.now = 1_000.0
    last = None
    for number, code in enumerate(codes, start=1):
        assert last is None
        last = left(ends(play, number, Outcome(code=code)))
    assert (last is not None) is trips
    if last is not None:
        assert last.code == 9
        assert last.error.startswith(
            f"5 of {len(codes)} runs have failed (--fail-fast); run tune-{len(codes)} "
        )


def test_a_success_resets_the_count_and_a_stopped_run_does_not_change_it() -> None:
    play = Play(Settings(max_failed_in_a_row=2))
    play.connected()
    ends(play, 1, Outcome(code=1))
    ends(play, 2, Outcome(code=0))
    ends(play, 3, Outcome(code=1))
    stopped = assignment(4)
    play.happens(
        e.StartReceived(4, stopped),
        e.Journalled(stopped.key, 4),
        e.ProcessStarted(stopped.key, 4),
        e.StopReceived(9, stopped.key, StopMode.TERMINATE, "pruned"),
        e.ProcessEnded(stopped.key, Outcome(signal=15, stopped=True)),
        e.ExitReported(stopped.key),
        e.ExitAcked(stopped.key),
        e.Delivered(stopped.key),
    )
    assert play.state.failed_in_a_row == 1
    assert not play.state.left
    assert left(ends(play, 5, Outcome(code=1))) is not None


def test_a_guard_that_trips_ends_the_other_runs_and_hands_them_back() -> None:
    play = Play(Settings(slots=2, max_failed_in_a_row=1))
    play.running()
    effects = ends(play, 2, Outcome(code=1))
    (stop,) = [effect for effect in effects if isinstance(effect, e.Stop)]
    assert (stop.key, stop.order.mode) == (assignment().key, StopMode.TERMINATE)
    assert play.state.wanted == 0
    key = assignment().key
    effects = play.happens(e.ProcessEnded(key, Outcome(signal=15, stopped=True)))
    (exit_,) = [effect.exit for effect in effects if isinstance(effect, e.ReportExit)]
    assert exit_.cause.value == "handed back"
    leave = left(play.happens(e.ExitReported(key), e.ExitAcked(key), e.Delivered(key)))
    assert leave is not None
    assert leave.code == 9
    assert "run tune-2 failed" in leave.error


def test_an_ineligible_sweep_is_logged_once_until_it_changes() -> None:
    play = Play()
    opened = e.StreamOpened(lease=30.0, verdicts={}, ineligible={SWEEP: LABELS})
    (first,) = noticed(play, opened)
    assert first.fields == {"sweep": SWEEP, "reason": "labels", "message": LABELS.message}
    assert noticed(play, opened, e.StreamClosed(), opened, e.EligibilityChanged(SWEEP, LABELS)) == []
    (second,) = noticed(play, e.EligibilityChanged(SWEEP, GUARD))
    assert second.fields["reason"] == "guard"
    (third,) = noticed(play, e.EligibilityChanged(SWEEP, None))
    assert third.fields["reason"] is None
    assert noticed(play, e.EligibilityChanged(SWEEP, None), e.StreamOpened(lease=30.0, verdicts={})) == []


def test_a_release_while_the_stream_was_broken_is_logged() -> None:
    play = Play()
    noticed(play, e.StreamOpened(lease=30.0, verdicts={}, ineligible={SWEEP: GUARD}))
    (released,) = noticed(play, e.StreamClosed(), e.StreamOpened(lease=30.0, verdicts={}))
    assert line(released.event, None, released.fields) == "sweep tune: this agent is eligible for runs again"


def test_the_text_log_has_the_reason_why_there_are_no_runs() -> None:
    fields = {"sweep": SWEEP, "reason": "labels", "message": "it lacks\n gpu=a100"}
    assert line("withheld", None, fields) == (
        "sweep tune: this agent is not eligible for runs: it lacks\\n gpu=a100"
    )


def ineligible_line() -> Play:
    play = Play()
    play.connected()
    ends(play, 1, Outcome(code=2), "boom\n")
    play.happens(e.EligibilityChanged(SWEEP, GUARD))
    return play


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (e.SweepEnded(SWEEP, "finished", "run_cap reached"), 9),
        (e.DrainReceived(5, "maintenance"), 9),
        (e.EndRequested(e.EndRequest.TERMINATE), 9),
        (e.Refused(e.Refusal.SWEEP_ENDED, "it has ended"), 9),
        (e.EndRequested(e.EndRequest.INTERRUPT), 130),
    ],
)
def test_an_agent_that_ends_while_quarantined_exits_with_the_guards_code(event: e.Event, code: int) -> None:
    """C5: the exit code identifies the cause of the end."""
    leave = left(ineligible_line().happens(event))
    assert leave is not None
    assert leave.code == code
    expected = (
        "the guard of sweep tune quarantines this agent; run tune-1 failed with exit code 2; its last "
        "lines: boom"
    )
    assert leave.error == (expected if code == 9 else "")


def test_a_guard_of_one_sweep_of_two_or_a_missing_label_does_not_set_the_code() -> None:
    play = Play()
    play.happens(e.SweepsNamed(frozenset({SWEEP, OTHER})))
    play.happens(e.StreamOpened(lease=30.0, verdicts={}, ineligible={SWEEP: GUARD, OTHER: LABELS}))
    play.happens(e.SweepEnded(SWEEP, "finished", ""))
    leave = left(play.happens(e.SweepEnded(OTHER, "finished", "")))
    assert leave is not None
    assert (leave.code, leave.error) == (0, "")


def test_sweeps_that_ended_earlier_do_not_hide_the_guard_of_the_last_one() -> None:
    play = Play()
    play.happens(e.SweepsNamed(frozenset({SWEEP, OTHER})))
    play.connected()
    play.happens(e.SweepEnded(OTHER, "finished", ""), e.EligibilityChanged(SWEEP, GUARD))
    leave = left(play.happens(e.SweepEnded(SWEEP, "finished", "")))
    assert leave is not None
    assert (leave.code, leave.error) == (9, "the guard of sweep tune quarantines this agent")


def test_a_released_agent_exits_with_code_0() -> None:
    play = ineligible_line()
    play.happens(e.EligibilityChanged(SWEEP, None))
    leave = left(play.happens(e.SweepEnded(SWEEP, "finished", "")))
    assert leave is not None
    assert leave.code == 0


def test_each_kind_of_end_counts_for_the_guards_according_to_its_cause() -> None:
    play = Play(now=100.0)
    play.connected()
    outcomes = [
        Outcome(code=0),
        Outcome(code=1),
        Outcome(signal=11),
        Outcome(signal=15, stopped=True),
        Outcome(start_error="no such file"),
    ]
    for number, outcome in enumerate(outcomes, start=1):
        ends(play, number, outcome, f"log {number}")
    state = play.state
    assert (state.ended, state.succeeded, state.failed) == (5, 1, 3)
    assert (state.guarded, state.guarded_early, state.failed_in_a_row) == (2, 2, 2)
    assert state.last_failure is not None
    assert (state.last_failure.key, state.last_failure.log_tail) == (assignment(5).key, "log 5")
    play.now = 160.0
    ends(play, 6, Outcome(code=1))
    play.now = 160.1
    ends(play, 7, Outcome(code=1))
    assert (play.state.guarded, play.state.guarded_early, play.state.failed_in_a_row) == (4, 3, 4)


def test_a_fenced_run_has_ended_but_has_not_failed() -> None:
    play = Play()
    play.running()
    play.happens(e.Fenced(assignment().key), e.ProcessEnded(assignment().key, Outcome(code=1)))
    assert (play.state.ended, play.state.failed, play.state.guarded) == (1, 0, 0)
