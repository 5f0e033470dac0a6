"""End of an agent: its cause, log records, exit code and message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sweepd_agent.core import events as e
from sweepd_agent.core.attempt import ExitCause, Outcome, StopMode
from sweepd_agent.core.leaving import next_deadline
from sweepd_agent.core.state import Held, Phase, Settings, State
from unit.agent.core.play import KEY, RUN, SWEEP, Play, assignment
from unit.agent.core.test_guards import GUARD, LABELS, OTHER, left, noticed

CTRL_C, SIGTERM = e.EndRequested(e.EndRequest.INTERRUPT), e.EndRequested(e.EndRequest.TERMINATE)
FAILED = e.ProcessEnded(KEY, Outcome(code=1))
STAYS = (
    "the server has not acknowledged all data of one run; the next agent with this --state will send the rest"
)


def a_running_agent(settings: Settings | None = None) -> Play:
    play = Play(settings)
    play.running()
    return play


def begins(play: Play, number: int) -> None:
    """Hand out and start a run."""
    run = assignment(number)
    play.happens(
        e.StartReceived(number, run), e.Journalled(run.key, number), e.ProcessStarted(run.key, number)
    )


def stops(effects: list[e.Effect]) -> list[tuple[StopMode, ExitCause, str]]:
    orders = [effect.order for effect in effects if isinstance(effect, e.Stop)]
    return [(order.mode, order.cause, order.reason) for order in orders]


def exited_undelivered(play: Play) -> None:
    play.happens(FAILED, e.ExitReported(KEY), e.ExitAcked(KEY))


def test_each_request_to_end_is_logged_with_its_effect_on_the_runs() -> None:
    def drain_records(settings: Settings, *wishes: e.Event) -> list[tuple[object, object, object]]:
        drains = noticed(a_running_agent(settings), *wishes)
        return [
            (drain.fields["cause"], drain.fields["runs"], drain.fields["message"])
            for drain in drains
            if drain.event == "draining"
        ]

    assert drain_records(Settings(), CTRL_C, CTRL_C, CTRL_C, CTRL_C) == [
        ("Ctrl-C", 1, "waiting for runs to end; Ctrl-C again terminates them"),
        ("Ctrl-C", 1, "terminating runs; Ctrl-C again kills them"),
        ("Ctrl-C", 1, "killing runs"),
        ("Ctrl-C", 1, "killing runs"),
    ]
    assert drain_records(Settings(grace=12.5), SIGTERM, SIGTERM) == [
        ("SIGTERM", 1, "runs have up to 12.5 s to end before they are handed back"),
        ("SIGTERM", 1, "handing runs back now"),
    ]
    drained = ("drained by the scheduler", 1, "runs continue to their end")
    assert drain_records(Settings(), e.DrainReceived(1, ""), e.DrainReceived(2, "again")) == [drained]
    assert drain_records(Settings(), e.DrainReceived(1, "maintenance")) == [("maintenance", *drained[1:])]
    tripped = "1 run has failed (--max-consecutive-failed-runs 1)"
    assert drain_records(Settings(max_failed_in_a_row=1), FAILED) == [
        (tripped, 0, "ending the other runs and handing them back")
    ]


def test_runs_are_terminated_at_the_second_ctrl_c_and_killed_at_the_third() -> None:
    play = a_running_agent()
    reason = "the agent is shutting down: Ctrl-C"
    assert stops(play.happens(CTRL_C)) == []
    assert stops(play.happens(CTRL_C)) == [(StopMode.TERMINATE, ExitCause.HANDED_BACK, reason)]
    assert stops(play.happens(CTRL_C)) == [(StopMode.KILL, ExitCause.HANDED_BACK, reason)]
    assert stops(play.happens(CTRL_C)) == []


def test_one_ctrl_c_waits_for_acknowledgements_and_two_do_not() -> None:
    play = a_running_agent()
    exited_undelivered(play)
    assert left(play.happens(CTRL_C)) is None
    assert left(play.happens(CTRL_C)) == e.Leave(130, "Ctrl-C", STAYS)


def test_two_ctrl_c_wait_for_processes() -> None:
    play = a_running_agent()
    assert left(play.happens(CTRL_C, CTRL_C)) is None
    assert next_deadline(play.state, play.now) is None
    exited_undelivered(play)
    assert left(play.happens(CTRL_C)) == e.Leave(130, "Ctrl-C", STAYS)


@pytest.mark.parametrize(
    ("asked", "deadlines"),
    [
        # The agent reserves half of a short grace period, and no more than five seconds of a long one.
        (1, [(5.0, StopMode.TERMINATE), (8.75, StopMode.KILL), (11.0, None)]),
        (2, [(0.0, StopMode.TERMINATE), (2.0, StopMode.KILL), (4.0, None)]),
        (3, [(0.0, StopMode.KILL), (2.0, None)]),
    ],
)
def test_each_sigterm_shortens_the_deadlines(
    asked: int, deadlines: list[tuple[float, StopMode | None]]
) -> None:
    play = a_running_agent(Settings(grace=10.0))
    for _ in range(asked - 1):
        play.state = decided_without_stop(play)
    happened: list[tuple[float, StopMode | None]] = []
    effects = play.happens(SIGTERM)
    while True:
        happened += [(play.now, mode) for mode, _, _ in stops(effects)]
        if (leave := left(effects)) is not None:
            happened.append((play.now, None))
            break
        due = next_deadline(play.state, play.now)
        assert due is not None
        effects = play.happens(e.Tick(), after=due - play.now)
    assert happened == deadlines
    assert (leave.code, leave.cause) == (1, "SIGTERM")


def decided_without_stop(play: Play) -> State:
    """Return the state after a SIGTERM, as if its stop had not been sent yet."""
    play.happens(SIGTERM)
    return replace(play.state, held={key: replace(held, order=None) for key, held in play.state.held.items()})


def test_data_not_acknowledged_within_the_grace_period_stays_for_the_next_agent() -> None:
    play = a_running_agent(Settings(grace=20.0))
    exited_undelivered(play)
    play.happens(e.DrainReceived(1, "maintenance"))
    assert next_deadline(play.state, play.now) == 20.0
    assert play.happens(e.Tick(), after=19.0) == []
    assert left(play.happens(e.Tick(), after=1.0)) == e.Leave(1, "maintenance", STAYS)


def test_the_grace_period_for_acknowledgements_begins_when_the_last_run_ends() -> None:
    play = Play(Settings(slots=2, grace=20.0))
    play.running()
    begins(play, 2)
    play.happens(e.DrainReceived(1, "maintenance"))
    exited_undelivered(play)
    assert next_deadline(play.state, play.now) is None
    play.happens(e.ProcessEnded(assignment(2).key, Outcome(code=0)), after=100.0)
    assert next_deadline(play.state, play.now) == 120.0
    leave = left(play.happens(e.Tick(), after=20.0))
    assert leave is not None
    assert leave.error.startswith("the server has not acknowledged all data of 2 runs;")


def test_an_agent_that_reaches_no_server_ends_after_its_wait() -> None:
    play = Play(Settings(wait=5.0), now=100.0)
    assert play.happens(e.Tick()) == []
    assert next_deadline(play.state, play.now) == 105.0
    assert play.happens(e.Tick(), after=4.9) == []
    why = "no server answered within 5 s"
    assert play.happens(e.Tick(), after=0.1) == [e.Leave(6, "no server", why)]
    assert Play(Settings(wait=None)).happens(e.Tick(), after=1e6) == []


def test_an_agent_that_has_been_connected_or_has_a_process_waits_indefinitely() -> None:
    play = Play(Settings(wait=5.0))
    play.connected()
    play.happens(e.StreamClosed())
    assert next_deadline(play.state, play.now) is None
    assert play.happens(e.Tick(), after=1e6) == []
    play = Play(Settings(wait=5.0))
    play.state = replace(play.state, held={KEY: Held(assignment=RUN, phase=Phase.RUNNING, pid=7)})
    assert play.happens(e.Tick(), after=1e6) == []


def test_an_ended_sweep_is_an_error_only_for_an_agent_that_started_after_its_end() -> None:
    refused = e.Refused(e.Refusal.SWEEP_ENDED, "it has ended")
    assert left(Play().happens(refused)) == e.Leave(1, "sweep ended", "it has ended")
    play = Play()
    play.connected()
    assert left(play.happens(e.StreamClosed(), refused)) == e.Leave(0, "the sweep has ended")
    assert left(a_running_agent().happens(refused)) is None


def test_a_replaced_agent_ends_at_once_even_with_live_runs() -> None:
    refused = e.Refused(e.Refusal.REPLACED, "another has its name")
    assert left(a_running_agent().happens(refused)) == e.Leave(1, "replaced", "another has its name")


def test_an_agent_ends_with_the_last_of_its_sweeps() -> None:
    play = Play()
    play.happens(e.SweepsNamed(frozenset({SWEEP, OTHER})))
    play.connected()
    assert left(play.happens(e.SweepEnded("local/demo/unknown", "finished", ""))) is None
    assert left(play.happens(e.SweepEnded(SWEEP, "finished", ""))) is None
    assert left(play.happens(e.SweepEnded(SWEEP, "finished", ""))) is None
    assert left(play.happens(e.SweepEnded(OTHER, "finished", ""))) == e.Leave(0, "the sweep has ended")


def test_the_end_of_a_sweep_is_logged_once() -> None:
    play = a_running_agent()
    (ended, _) = noticed(play, *[e.SweepEnded(SWEEP, "stopped", "by a person")] * 2)
    assert ended == e.LogEvent(
        "command",
        None,
        {"command": "sweep ended", "sweep": SWEEP, "state": "stopped", "reason": "by a person"},
    )


def test_a_count_is_reached_once_all_runs_have_ended() -> None:
    play = Play(Settings(slots=2, count=2))
    play.running()
    begins(play, 2)
    assert play.state.wanted == 0
    exited_undelivered(play)
    assert not play.state.leaving
    assert play.state.wanted == 0
    second = assignment(2).key
    play.happens(e.ProcessEnded(second, Outcome(code=0)), e.ExitReported(second), e.ExitAcked(second))
    assert play.happens(e.Delivered(KEY)) == [e.Forget(KEY)]
    assert left(play.happens(e.Delivered(second))) == e.Leave(0, "--count 2 reached")


def test_an_agent_that_has_left_ignores_events() -> None:
    play = Play()
    assert left(play.happens(CTRL_C)) == e.Leave(130, "Ctrl-C")
    assert play.happens(e.StreamOpened(lease=30.0, verdicts={}), e.StartReceived(1, RUN), SIGTERM) == []


def test_the_end_is_logged_with_its_cause_its_code_and_its_message() -> None:
    assert noticed(Play(), CTRL_C)[-1] == e.LogEvent("exiting", None, {"cause": "Ctrl-C", "exit_code": 130})
    (refused,) = noticed(Play(), e.Refused(e.Refusal.BAD_TOKEN, "no"))
    assert refused == e.LogEvent("exiting", None, {"cause": "bad token", "exit_code": 4, "message": "no"})


def test_the_message_names_the_guards_of_all_sweeps() -> None:
    play = Play()
    play.happens(e.SweepsNamed(frozenset({SWEEP, OTHER})))
    play.happens(e.StreamOpened(lease=30.0, verdicts={}, ineligible={SWEEP: GUARD, OTHER: GUARD}))
    leave = left(play.happens(SIGTERM))
    assert leave == e.Leave(9, "SIGTERM", "the guard of sweeps other, tune quarantines this agent")


@pytest.mark.parametrize("other", [{OTHER: LABELS}, {}])
def test_one_sweep_without_a_guard_is_enough_for_exit_code_0(other: dict[str, e.Ineligibility]) -> None:
    play = Play()
    play.happens(e.SweepsNamed(frozenset({SWEEP, OTHER})))
    play.happens(e.StreamOpened(lease=30.0, verdicts={}, ineligible={SWEEP: GUARD, **other}))
    assert left(play.happens(SIGTERM)) == e.Leave(0, "SIGTERM")


def test_a_guard_and_undelivered_data_are_reported_in_one_message() -> None:
    play = a_running_agent(Settings(max_failed_in_a_row=1, grace=20.0))
    why = "1 run has failed (--max-consecutive-failed-runs 1)"
    play.happens(e.ProcessEnded(KEY, Outcome(start_error="no such\nfile")))
    leave = left(play.happens(e.Tick(), after=20.0))
    failed = "run tune-1 failed to start: no such\\nfile"
    assert leave == e.Leave(9, why, f"{why}; {failed}; {STAYS}")


def test_an_unstarted_run_is_handed_back_only_once_the_scheduler_is_connected() -> None:
    play = Play()
    play.state = replace(play.state, held={KEY: Held(assignment=RUN, phase=Phase.READY)})
    assert play.happens(e.DrainReceived(1, "maintenance")) == [e.Confirm(1)]
    (reported, offer) = play.connected()
    assert isinstance(reported, e.ReportExit)
    assert (reported.exit.cause, reported.exit.message) == (ExitCause.HANDED_BACK, "maintenance")
    assert offer == e.Offer(0)


def test_a_run_unknown_to_the_scheduler_is_neither_handed_back_nor_waited_for() -> None:
    play = Play()
    play.state = replace(play.state, held={KEY: Held(assignment=RUN, phase=Phase.READY)})
    play.connected(**{"1": e.Verdict.UNKNOWN})
    assert left(play.happens(e.DrainReceived(1, "maintenance"))) == e.Leave(0, "maintenance")
    assert KEY in play.state.held


CUT_OFF = Settings(slots=2, stop_on_disconnect=True)


def test_only_an_agent_set_to_stop_when_disconnected_has_a_deadline_for_it() -> None:
    for given, due in ((CUT_OFF, 30.0), (Settings(), None)):
        play = a_running_agent(given)
        assert next_deadline(play.state, play.now) is None
        play.happens(e.StreamClosed())
        assert next_deadline(play.state, play.now) == due
    idle = Play(CUT_OFF)
    idle.connected()
    idle.happens(e.StreamClosed())
    assert next_deadline(idle.state, idle.now) is None


def test_attempts_to_connect_do_not_prolong_the_lease() -> None:
    play = a_running_agent(CUT_OFF)
    play.happens(e.StreamClosed())
    assert play.happens(e.StreamClosed(), e.StreamClosed(20.0), after=29.0) == []
    why = "the lease expired while the scheduler was unreachable"
    assert stops(play.happens(e.Tick(), after=1.0)) == [(StopMode.TERMINATE, ExitCause.HANDED_BACK, why)]
    assert next_deadline(play.state, play.now) is None
    assert play.happens(e.Tick(), after=100.0) == []


def test_a_run_that_never_started_outlasts_the_lease() -> None:
    play = Play(CUT_OFF)
    play.state = replace(play.state, held={KEY: Held(assignment=RUN, phase=Phase.READY)})
    assert play.happens(e.Tick(), after=1_000.0) == []
    assert play.state.held[KEY].phase is Phase.READY
