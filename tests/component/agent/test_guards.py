"""Agents that are ineligible or whose runs fail: what they log, and how they end."""

from __future__ import annotations

import signal
from collections.abc import Mapping

import pytest

from component.agent.agent_processes import AgentProcess, Machine
from component.agent.scripted_scheduler import SWEEP, ScriptedScheduler
from sweepd import v1
from waiting import until

GUARD = v1.Ineligible(
    sweep=SWEEP,
    reason=v1.INELIGIBLE_REASON_GUARD,
    message="5 attempts failed here in a row; release the agent",
)
LABELS = v1.Ineligible(sweep=SWEEP, reason=v1.INELIGIBLE_REASON_LABELS, message="the sweep requires gpu=a100")
AGAIN = v1.Ineligible(sweep=SWEEP)


def ineligible(agent: AgentProcess) -> list[Mapping[str, object]]:
    return [
        {name: event[name] for name in ("sweep", "reason", "message")} for event in agent.events("withheld")
    ]


def ineligible_event(message: v1.Ineligible, reason: str | None) -> Mapping[str, object]:
    return {"sweep": SWEEP, "reason": reason, "message": message.message}


def test_an_ineligible_sweep_is_logged_once_across_reconnections(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    scheduler.ineligible = [LABELS]
    agent = machine.start()
    until(lambda: agent.events("withheld"))
    scheduler.break_streams()
    scheduler.until(lambda: len(scheduler.sessions) == 2)
    scheduler.session().send(ineligible=LABELS)
    scheduler.session().send(ineligible=GUARD)
    until(lambda: len(agent.events("withheld")) == 2)
    scheduler.session().send(ineligible=AGAIN)
    until(lambda: len(agent.events("withheld")) == 3)
    assert ineligible(agent) == [
        ineligible_event(LABELS, "labels"),
        ineligible_event(GUARD, "guard"),
        ineligible_event(AGAIN, None),
    ]
    scheduler.end_sweep()
    assert agent.ended() == 0


def test_the_text_log_has_one_line_for_an_ineligible_sweep(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    scheduler.ineligible = [LABELS]
    agent = machine.start("--log-format", "text")
    scheduler.session()
    scheduler.end_sweep()
    assert agent.ended() == 0
    lines = [line for line in agent.log.read_text().splitlines() if "not eligible for runs" in line]
    assert [line.partition(" ")[2] for line in lines] == [
        "sweep tune: this agent is not eligible for runs: the sweep requires gpu=a100"
    ]


@pytest.mark.parametrize("how", ["sweep ended", "drained", "Ctrl-C"])
def test_an_agent_quarantined_by_a_guard_exits_with_its_code(
    scheduler: ScriptedScheduler, machine: Machine, how: str
) -> None:
    """C5, section 11.3: code 9, the guard, the exit code, the last error lines; Ctrl-C is always 130."""
    run = scheduler.add("sh", "-c", "echo one; echo 'ValueError: no such layer' >&2; exit 4")
    agent = machine.start()
    scheduler.ended(run)
    scheduler.session().send(ineligible=GUARD)
    until(lambda: agent.events("withheld"))
    if how == "sweep ended":
        scheduler.end_sweep()
    elif how == "drained":
        scheduler.session().send(drain=v1.Drain(command_id=77, reason="maintenance"))
    else:
        agent.ask(signal.SIGINT)
    code = agent.ended()
    (exiting,) = agent.events("exiting")
    assert exiting["exit_code"] == code
    if how == "Ctrl-C":
        assert code == 130
        assert "message" not in exiting
    else:
        assert code == 9
        assert exiting["message"] == (
            "the guard of sweep tune quarantines this agent; run tune-1 failed with exit code 4; its "
            "last lines: one | ValueError: no such layer"
        )


def test_an_agent_ends_after_failed_runs_in_a_row_and_hands_the_others_back(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    """Section 11.3: `--max-consecutive-failed-runs N`."""
    scheduler.add("sleep", "1000")
    scheduler.add("true")
    for number in range(3):
        scheduler.add("sh", "-c", f"echo failure {number} >&2; exit {number + 1}")
    flags = ("--slots", "2", "--max-consecutive-failed-runs", "2", "--log-format", "text", "--no-context")
    agent = machine.start(*flags)
    assert agent.ended() == 9
    causes = [attempt.exit.exit.cause for attempt in scheduler.attempts if attempt.exit is not None]
    assert causes == [v1.EXIT_CAUSE_HANDED_BACK, *[v1.EXIT_CAUSE_EXITED] * 3]
    assert len(scheduler.attempts) == 4, "it accepts no new runs"
    assert scheduler.session().said_goodbye
    assert not machine.processes()
    last = agent.log.read_text().splitlines()[-1]
    assert last == (
        "error: 2 runs have failed in a row (--max-consecutive-failed-runs 2); run tune-4 failed with "
        "exit code 2; its last lines: failure 1"
    )


@pytest.mark.parametrize(
    ("variables", "failures", "message"),
    [
        ({}, 3, "3 runs have failed in the first 60 s (--fail-fast); run tune-3 failed with exit code 4"),
        ({"SWEEPD_AGENT_DISABLE_FLAPPING": "true"}, 5, "5 of 5 runs have failed (--fail-fast); run tune-5 "),
        (
            {"SWEEPD_AGENT_DISABLE_FLAPPING": "true", "SWEEPD_AGENT_MAX_INITIAL_FAILURES": "2"},
            2,
            "2 of 2 runs have failed (--fail-fast); run tune-2 ",
        ),
    ],
)
def test_an_agent_with_fail_fast_ends_early_and_logs_why(
    scheduler: ScriptedScheduler,
    machine: Machine,
    variables: dict[str, str],
    failures: int,
    message: str,
) -> None:
    """Section 11.3, flapping and failing, by the reference's numbers; on request."""
    for _ in range(8):
        scheduler.add("sh", "-c", "echo 'no such layer' >&2; exit 4")
    agent = machine.start("--fail-fast", **variables)  # type: ignore[arg-type]  # variables by name
    assert agent.ended() == 9
    assert len(scheduler.attempts) == failures
    (exiting,) = agent.events("exiting")
    assert str(exiting["message"]).startswith(message)
    assert str(exiting["message"]).endswith("; its last lines: no such layer")


def test_without_fail_fast_an_agent_continues_until_the_guard_of_the_sweep_quarantines_it(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    for _ in range(8):
        scheduler.add("false")
    agent = machine.start("--count", "8")
    assert agent.ended() == 0
    assert len(scheduler.attempts) == 8


def test_a_variable_that_is_not_a_number_is_a_usage_error(machine: Machine) -> None:
    agent = machine.start("--fail-fast", SWEEPD_AGENT_MAX_INITIAL_FAILURES="many")
    assert agent.ended() == 2
    assert agent.log.read_text() == (
        "error: SWEEPD_AGENT_MAX_INITIAL_FAILURES is 'many', which is not an integer of at least 1\n"
    )


def test_runs_that_were_stopped_do_not_count(scheduler: ScriptedScheduler, machine: Machine) -> None:
    runs = [scheduler.add("sleep", "1000") for _ in range(2)]
    agent = machine.start("--max-consecutive-failed-runs", "1", "--count", "2")
    for run in runs:
        attempt = scheduler.attempt(run)
        scheduler.until(lambda attempt=attempt: attempt.pid)  # type: ignore[misc]
        scheduler.stop_run(attempt, v1.STOP_MODE_TERMINATE)
        scheduler.ended(run)
    assert agent.ended() == 0
