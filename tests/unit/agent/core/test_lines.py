"""Text form of log records: one line per event, whatever it contains."""

from __future__ import annotations

import pytest

from sweepd_agent.core.attempt import AttemptKey, Exit, ExitCause
from sweepd_agent.core.leaving import guard_line
from sweepd_agent.core.lines import Fields, how_ended, last_lines, line, short_name
from sweepd_agent.core.state import Failure

KEY = AttemptKey("local/demo/tune-3", 1)
SWEEP = "local/demo/tune"


@pytest.mark.parametrize(
    ("event", "fields", "expected"),
    [
        ("disconnected", {}, "the stream ended"),
        ("disconnected", {"message": "reset", "runs": 0, "wait_s": 3}, "reset"),
        (
            "disconnected",
            {"message": "reset", "runs": 2, "wait_s": 1.25},
            "reset; runs continue; retrying in 1.2 s",
        ),
        ("claimed", {"run": "a/b/c", "server": "host:1"}, "run a/b/c is registered at host:1"),
        ("notice", {"message": "the disk\nis full"}, "the disk\\nis full"),
        ("withheld", {"sweep": SWEEP, "reason": None}, "sweep tune: this agent is eligible for runs again"),
        (
            "withheld",
            {"sweep": SWEEP, "reason": "paused", "message": "it is paused"},
            "sweep tune: this agent is not eligible for runs: it is paused",
        ),
        ("draining", {"cause": "SIGTERM", "runs": 0, "message": "m"}, "SIGTERM: taking no new runs"),
        ("draining", {"cause": "SIGTERM", "runs": 1, "message": "m"}, "SIGTERM: taking no new runs; m"),
        ("exiting", {"cause": "Ctrl-C", "exit_code": 130}, "done: Ctrl-C"),
        ("exiting", {"cause": "bad token", "message": "no"}, "error: no"),
        ("unknown", {}, None),
    ],
)
def test_an_event_of_the_agent_is_one_line(event: str, fields: Fields, expected: str | None) -> None:
    assert line(event, None, fields) == expected


@pytest.mark.parametrize(
    ("event", "fields", "expected"),
    [
        ("run_started", {"params": {}}, "started"),
        ("run_started", {}, "started"),
        (
            "run_started",
            {"params": {"a\n": "x" * 60, "b": "y" * 61}},
            f"started: a\\n={'x' * 60} b={'y' * 59}…",
        ),
        ("run_started", {"params": {"s": ["ü", None], "f": 1e-9}}, 'started: s=["ü", null] f=1e-09'),
        ("run_adopted", {}, "continues, adopted by this agent"),
        ("fenced", {"message": "another took\nover"}, "another took\\nover; ending its process here"),
        ("run_ended", {"cause": "exited", "exit_code": 0}, "finished"),
        ("run_ended", {"cause": "commanded", "message": "pruned"}, "stopped by the scheduler: pruned"),
        (
            "run_ended",
            {"cause": "signaled", "signal": 9, "last_line": "epoch 3"},
            "failed by signal 9, often because memory ran out: epoch 3; full log: sweepctl logs tune-3",
        ),
    ],
)
def test_an_event_of_a_run_is_one_line(event: str, fields: Fields, expected: str) -> None:
    between = ": " if event == "fenced" else " "
    assert line(event, KEY, fields) == f"run tune-3{between}{expected}"


def test_a_line_about_a_run_names_it() -> None:
    assert line("notice", KEY, {"message": "no data"}) == "run tune-3: no data"


@pytest.mark.parametrize(
    ("cause", "code", "signal", "expected"),
    [
        (ExitCause.EXITED, 0, None, "finished"),
        (ExitCause.EXITED, 1, None, "failed with exit code 1"),
        (ExitCause.SIGNALED, None, 9, "failed by signal 9, often because memory ran out"),
        (ExitCause.SIGNALED, None, 11, "failed by signal 11"),
        (ExitCause.START_FAILED, None, None, "failed to start"),
        (ExitCause.INVALID_COMMAND, None, None, "failed: its command cannot be run"),
        (ExitCause.COMMANDED, None, 15, "stopped by the scheduler"),
        (ExitCause.OUT_OF_MEMORY, None, 9, "out of memory"),
        (ExitCause.HANDED_BACK, None, 15, "handed back"),
    ],
)
def test_each_cause_of_an_end_has_its_wording(
    cause: ExitCause, code: int | None, signal: int | None, expected: str
) -> None:
    assert how_ended(cause, code, signal) == expected


def test_an_attempt_is_named_by_its_run_and_from_the_second_on_by_its_number() -> None:
    second = AttemptKey("local/demo/tune-3", 2)
    assert [short_name(key) for key in (None, KEY, second)] == ["", "tune-3", "tune-3 (attempt 2)"]
    assert [str(KEY), str(second)] == ["local/demo/tune-3", "local/demo/tune-3 (attempt 2)"]


def test_the_last_lines_are_the_last_non_empty_ones_truncated() -> None:
    log = "first\n  second  \n\n\nthird\x07\n   \n" + "x" * 201 + "\n"
    assert last_lines(log, 3) == ["second", "third\\x07", "x" * 200]
    assert last_lines(log, 1) == ["x" * 200]


def test_the_line_of_a_guard_has_the_failure_of_the_last_run() -> None:
    how = Exit(cause=ExitCause.START_FAILED, code=None, signal=None, message="x" * 201, time=0.0)
    failure = Failure(key=KEY, exit=how, log_tail="a\nb\nc\nd\n")
    assert guard_line("it trips", None) == "it trips"
    expected = f"it trips; run tune-3 failed to start: {'x' * 200}; its last lines: b | c | d"
    assert guard_line("it trips", failure) == expected
