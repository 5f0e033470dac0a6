"""Report of sweeps whose runs all failed."""

from __future__ import annotations

import pytest

from sweepd import v1
from sweepd.cli.show.outcome import all_failed, causes, failure_heading, memory_text, was_killed
from sweepd.views.run import run_shape
from unit.cli.messages import NAME, a_run, a_sweep


def a_failed_run(number: int, reason: str, **how: int) -> v1.Run:
    run = a_run(number, state=v1.RUN_STATE_FAILED, value=0.5)
    run.reason = reason
    cause = v1.EXIT_CAUSE_SIGNALED if "signal" in how else v1.EXIT_CAUSE_EXITED
    run.attempts[0].exit.CopyFrom(v1.Exit(cause=cause, **how))  # type: ignore[arg-type]  # code or signal
    return run


@pytest.mark.parametrize(
    ("counts", "failed"),
    [
        ({"failed": 2}, True),
        ({"failed": 1, "crashed": 1}, True),
        ({"crashed": 1}, True),
        ({}, False),
        *(
            ({"failed": 2, state: 1}, False)
            for state in ("finished", "stopped", "killed", "running", "pending")
        ),
    ],
)
def test_all_runs_have_failed_only_if_no_run_has_another_state(counts: dict[str, int], failed: bool) -> None:
    sweep = a_sweep()
    sweep.run_counts.CopyFrom(v1.RunCounts(**counts))
    assert all_failed(sweep) is failed


def test_causes_that_differ_only_in_numbers_are_counted_as_one() -> None:
    runs = [
        a_failed_run(1, "exited with code 1: ValueError: lr 0.1 is too large", code=1),
        a_failed_run(2, "exited with code 3: bye", code=3),
        a_failed_run(3, "exited with code 3: bye", code=3),
        a_failed_run(4, "exited with code 1: ValueError: lr 0.25 is too large", code=1),
        a_failed_run(5, "exited with code 3: lr 7", code=3),
        a_failed_run(6, "exited with code 1: ValueError: lr 1e-3 is too large", code=1),
        a_failed_run(7, "exited with code 2: ValueError: lr 0.5 is too large", code=2),
    ]
    assert [(cause.count, cause.run) for cause in causes(runs)] == [
        (3, f"{NAME}-1"),
        (2, f"{NAME}-2"),
        (1, f"{NAME}-5"),
        (1, f"{NAME}-7"),
    ]
    assert causes(runs)[0].reason.endswith("lr 0.1 is too large")


def test_only_a_sigkill_not_sent_by_sweepd_hints_at_a_lack_of_memory() -> None:
    killed = a_failed_run(1, "ended by SIGKILL", signal=9)
    assert was_killed(run_shape(killed))
    assert causes([killed])[0].killed
    ordered = a_failed_run(2, "stopped", signal=9)
    ordered.attempts[0].exit.cause = v1.EXIT_CAUSE_COMMANDED
    others = [ordered, a_failed_run(3, "", signal=11), a_failed_run(4, "", code=137), a_run(5)]
    assert not any(was_killed(run_shape(run)) for run in others)


def test_the_hint_shows_the_last_memory_sample_if_there_is_one() -> None:
    sampled = memory_text({"system/memory": 3 * 2**30, "system/host/memory_percent": 97.25})
    assert sampled.endswith("when last sampled, the run had 3 GiB, 97.25% of the host's memory was in use")
    assert memory_text({}).endswith("; it ended before any sample")


@pytest.mark.parametrize(("failed", "heading"), [(1, "the only run of"), (2, "all 2 runs of")])
def test_the_heading_counts_the_runs(failed: int, heading: str) -> None:
    sweep = a_sweep()
    sweep.run_counts.failed = failed
    assert failure_heading(sweep).startswith(heading)
