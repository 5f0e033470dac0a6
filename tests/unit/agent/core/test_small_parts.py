from __future__ import annotations

import pytest

from sweepd_agent.core.attempt import AttemptKey, Exit, ExitCause, Json, Outcome, StopMode, StopOrder, exit_of
from sweepd_agent.core.lines import last_lines, line
from sweepd_agent.core.serving import parse_sweep_name
from sweepd_agent.options import parse_size
from sweepd_agent.wire.connection import longest_wait

STOP = StopOrder(mode=StopMode.TERMINATE, cause=ExitCause.COMMANDED, reason="worse than the rung")


@pytest.mark.parametrize(
    ("outcome", "order", "cause"),
    [
        (Outcome(code=0), None, ExitCause.EXITED),
        (Outcome(code=0), STOP, ExitCause.EXITED),
        (Outcome(code=0, stopped=True), STOP, ExitCause.COMMANDED),
        (Outcome(signal=9), None, ExitCause.SIGNALED),
        (Outcome(signal=9, out_of_memory=True), None, ExitCause.OUT_OF_MEMORY),
        (Outcome(signal=9, out_of_memory=True, stopped=True), STOP, ExitCause.COMMANDED),
        (Outcome(signal=15, orphaned=True), None, ExitCause.ORPHANED),
        (Outcome(signal=15, stopped=True), None, ExitCause.HANDED_BACK),
        (Outcome(code=143, stopped=True), None, ExitCause.HANDED_BACK),
        (Outcome(start_error="no such file"), STOP, ExitCause.START_FAILED),
        (Outcome(command_error="too long"), STOP, ExitCause.INVALID_COMMAND),
    ],
)
def test_a_process_ended_on_its_own_unless_the_agents_signal_was_first(
    outcome: Outcome, order: StopOrder | None, cause: ExitCause
) -> None:
    assert exit_of(outcome, order).cause is cause


def test_a_process_that_ends_by_sigterm_along_with_its_agent_was_ended_by_the_platform() -> None:
    terminated = Outcome(signal=15)
    assert exit_of(terminated, None, ending=True).cause is ExitCause.HANDED_BACK
    assert exit_of(terminated, None).cause is ExitCause.SIGNALED
    assert exit_of(Outcome(signal=11), None, ending=True).cause is ExitCause.SIGNALED
    assert exit_of(Outcome(code=1), None, ending=True).cause is ExitCause.EXITED


def test_the_longest_wait_between_connection_attempts_is_a_fraction_of_the_requeue_time() -> None:
    assert longest_wait(None) == 60
    assert longest_wait(20) == 5
    assert longest_wait(1) == 1
    assert longest_wait(1_000) == 60


def test_a_sweep_can_be_named_in_three_ways() -> None:
    assert parse_sweep_name("k3x").full is None
    assert parse_sweep_name("mnist/k3x").full == "local/mnist/k3x"
    assert parse_sweep_name("acme/mnist/k3x").full == "acme/mnist/k3x"
    assert parse_sweep_name("k3x").matches("acme/mnist/k3x")
    assert not parse_sweep_name("mnist/k3x").matches("acme/mnist/k3x")
    for wrong in ("", "a//b", "a/b/c/d"):
        with pytest.raises(ValueError, match="is not the name of a sweep"):
            parse_sweep_name(wrong)


def test_two_names_may_mean_one_sweep_unless_parts_that_both_have_differ() -> None:
    pairs = [
        ("k3x", "k3x"),
        ("k3x", "a/b/k3x"),
        ("a/b/k3x", "a/b/k3x"),
        ("a/b/k3x", "a/c/k3x"),
        ("k3x", "k4x"),
    ]
    may = [True, True, True, False, False]
    for (one, other), expected in zip(pairs, may, strict=True):
        names = parse_sweep_name(one), parse_sweep_name(other)
        assert (names[0].may_be(names[1]), names[1].may_be(names[0])) == (expected, expected)


@pytest.mark.parametrize(
    ("outcome", "code", "message"),
    [
        (Outcome(code=0, reported_code=3), 3, "the script ended the run with exit code 3"),
        (Outcome(signal=9, reported_code=3, message="killed"), None, "killed"),
        (Outcome(code=1, message="m"), 1, "m"),
        (Outcome(start_error="no such file", command_error="too long"), None, "no such file"),
        (Outcome(command_error="too long"), None, "too long"),
    ],
)
def test_an_end_has_the_most_informative_code_and_message(
    outcome: Outcome, code: int | None, message: str
) -> None:
    how = exit_of(outcome, None)
    assert (how.code, how.message) == (code, message)


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (Outcome(signal=9, preempting=True), ExitCause.HANDED_BACK),
        (Outcome(code=1, preempting=True), ExitCause.HANDED_BACK),
        (Outcome(code=0, preempting=True), ExitCause.EXITED),
        (Outcome(code=0, reported_code=1, preempting=True), ExitCause.HANDED_BACK),
        (Outcome(signal=15, orphaned=True, preempting=True), ExitCause.HANDED_BACK),
    ],
)
def test_a_run_that_fails_during_preemption_is_handed_back(outcome: Outcome, cause: ExitCause) -> None:
    assert exit_of(outcome, None).cause is cause


def test_responsibility_for_an_end_and_what_guards_count_follow_from_its_cause() -> None:
    def judgement(cause: ExitCause, code: int | None) -> tuple[bool, bool, bool, bool]:
        how = Exit(cause=cause, code=code, signal=None, message="", time=0.0)
        return how.succeeded, how.charged, how.guarded, how.failed

    failed = {cause: judgement(cause, 1) for cause in ExitCause}
    assert judgement(ExitCause.EXITED, 0) == (True, False, False, False)
    assert judgement(ExitCause.COMMANDED, 0) == (False, False, False, False)
    assert failed == {
        ExitCause.EXITED: (False, True, True, True),
        ExitCause.SIGNALED: (False, True, False, True),
        ExitCause.OUT_OF_MEMORY: (False, True, False, True),
        ExitCause.COMMANDED: (False, False, False, False),
        ExitCause.START_FAILED: (False, True, True, True),
        ExitCause.HANDED_BACK: (False, False, False, False),
        ExitCause.ORPHANED: (False, False, False, True),
        ExitCause.INVALID_COMMAND: (False, True, True, True),
    }


def test_sizes_have_units() -> None:
    assert parse_size("2GiB") == 2**31
    assert parse_size("1.5kB") == 1500
    with pytest.raises(ValueError, match="is not a size"):
        parse_size("many")


def test_each_event_is_logged_as_one_line() -> None:
    key = AttemptKey("local/demo/tune-3", 2)
    started = line("run_started", key, {"params": {"lr": 0.1, "name": "x" * 100}})
    assert started is not None
    assert started.startswith("run tune-3 (attempt 2) started: lr=0.1 name=xxx")
    assert len(started) < 120
    params: dict[str, Json] = {"lr": 0.123456, "n": 100_000, "flag": True, "layers": [1, 2]}
    rounded = line("run_started", AttemptKey("local/demo/tune-3", 1), {"params": params})
    assert rounded == "run tune-3 started: lr=0.1235 n=100000 flag=true layers=[1, 2]"
    steering = line("run_started", AttemptKey("local/demo/tune-3", 1), {"params": {"s": "\x1b[2Jü"}})
    assert steering == "run tune-3 started: s=\\x1b[2Jü"
    direct: dict[str, Json] = {"server": "127.0.0.1:7333", "way": "direct"}
    assert line("connected", None, direct) == "connected to 127.0.0.1:7333 (direct)"
    assert line("connected", None, {**direct, "way": "door"}) == "connected to 127.0.0.1:7333"
    ended: dict[str, Json] = {"cause": "exited", "exit_code": 3, "message": ""}
    assert line("run_ended", key, ended) == "run tune-3 (attempt 2) failed with exit code 3"
    text = line("run_ended", key, {**ended, "last_line": "ValueError: no such layer"})
    assert text is not None
    assert text.removeprefix("run tune-3 (attempt 2) failed with exit code 3") == (
        ": ValueError: no such layer; full log: sweepctl logs tune-3"
    )
    assert line("metrics_acked", key, {}) is None


def test_lines_printed_by_the_sdk_are_not_the_last_line_of_a_run() -> None:
    log = "ValueError: no such layer\n\nsweepd: watch() has no effect\n"
    assert last_lines(log, 1) == ["ValueError: no such layer"]
    assert last_lines("sweepd: watch() has no effect\n", 3) == []
