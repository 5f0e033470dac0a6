"""Messages about a sweep while it is watched."""

from __future__ import annotations

from sweepd import v1
from sweepd.cli.show.progress import Progress, progress_line
from unit.cli.messages import NAME, a_run, a_sweep


def message(sweep: v1.Sweep | None = None, *runs: v1.Run, more: bool = False) -> v1.WatchSweepResponse:
    return v1.WatchSweepResponse(sweep=sweep, runs=runs, snapshot_continues=more, resume_token="t")


def texts(progress: Progress, sent: v1.WatchSweepResponse) -> list[str]:
    return [notice.text for notice in progress.apply(sent)]


def test_the_runs_of_the_first_snapshot_are_counted_but_not_reported() -> None:
    progress = Progress()
    assert texts(progress, message(a_sweep(best=(2, 0.25)), a_run(1, value=0.5), more=True)) == [
        "sweep running"
    ]
    assert texts(progress, message(None, a_run(2, value=0.25))) == []
    assert progress.ended_runs == 2
    assert progress.shown_best == 0.25
    assert progress_line(progress) == "running  2/3 runs (2 finished)  best 0.25"


def test_a_run_is_reported_when_it_starts_and_when_it_ends() -> None:
    progress = Progress()
    progress.apply(message(a_sweep()))
    started = texts(progress, message(None, a_run(1, state=v1.RUN_STATE_RUNNING)))
    assert started == ["run 1 started  lr=0.5"]
    assert list(progress.live) == [f"{NAME}-1"]
    assert texts(progress, message(a_sweep(best=(1, 0.5)), a_run(1, value=0.5))) == [
        "run 1 finished  val_loss=0.5 (best so far)"
    ]
    assert texts(progress, message(None, a_run(1, value=0.5))) == []
    assert progress.live == {}


def test_a_sweep_whose_runs_all_failed_has_no_best_run() -> None:
    progress = Progress()
    progress.apply(message(a_sweep()))
    failed = texts(progress, message(a_sweep(best=(1, 0.5)), a_run(1, state=v1.RUN_STATE_FAILED, value=0.5)))
    assert failed == ["run 1 failed  val_loss=0.5"]
    assert progress_line(progress) == "running  1/3 runs (1 failed)"
    progress.apply(message(None, a_run(2, value=0.75)))
    assert progress_line(progress) == "running  2/3 runs (1 failed, 1 finished)  best 0.5"


def test_a_worse_run_is_not_marked_as_best() -> None:
    progress = Progress()
    progress.apply(message(a_sweep(best=(1, 0.5)), a_run(1, value=0.5)))
    assert texts(progress, message(None, a_run(2, value=0.75))) == ["run 2 finished  val_loss=0.75"]
    assert progress.shown_best == 0.5


def test_of_runs_with_equal_values_one_is_marked_as_best() -> None:
    progress = Progress()
    progress.apply(message(a_sweep(best=(1, 0.5)), a_run(1, value=0.5)))
    assert texts(progress, message(None, a_run(2, value=0.5))) == ["run 2 finished  val_loss=0.5"]
    assert texts(progress, message(a_sweep(best=(3, 0.5)), a_run(3, value=0.5))) == [
        "run 3 finished  val_loss=0.5 (best so far)"
    ]


def test_of_several_better_runs_in_one_message_only_the_best_is_marked() -> None:
    progress = Progress()
    progress.apply(message(a_sweep()))
    assert texts(progress, message(a_sweep(best=(2, 0.25)), a_run(1, value=0.5), a_run(2, value=0.25))) == [
        "run 1 finished  val_loss=0.5",
        "run 2 finished  val_loss=0.25 (best so far)",
    ]


def test_an_early_stop_shows_its_rung_and_threshold() -> None:
    run = a_run(2, state=v1.RUN_STATE_STOPPED, value=0.61)
    run.verdicts.add(rule="hyperband", rung=9, value=0.61, threshold=0.55)
    progress = Progress()
    progress.apply(message(a_sweep(), a_run(1, value=0.25)))
    (text,) = texts(progress, message(None, run))
    assert text == (
        "run 2 stopped  val_loss=0.61  hyperband at iteration 9: 0.61 is worse than 0.55, "
        "the threshold of this rung"
    )


def test_a_failure_shows_its_reason() -> None:
    run = a_run(1, state=v1.RUN_STATE_FAILED)
    run.attempts[0].exit.CopyFrom(v1.Exit(cause=v1.EXIT_CAUSE_EXITED, code=3))
    progress = Progress()
    progress.apply(message(a_sweep()))
    (notice,) = progress.apply(message(None, run))
    assert notice.text == "run 1 failed  exit code 3"
    assert notice.kind == "warning"


def test_a_run_that_was_lost_is_shown_as_waiting() -> None:
    progress = Progress()
    progress.apply(message(a_sweep(), a_run(1, state=v1.RUN_STATE_RUNNING)))
    assert texts(progress, message(None, a_run(1, state=v1.RUN_STATE_PENDING))) == [
        "run 1 waits to be handed out again"
    ]


def test_a_missing_objective_is_reported_immediately_and_once() -> None:
    progress = Progress()
    progress.apply(message(a_sweep()))
    sweep = a_sweep()
    sweep.objective_missing.CopyFrom(v1.ObjectiveMissing(consecutive_runs=1, logged_keys=["acc", "loss"]))
    text = "your script logged `acc`, `loss`; the sweep optimises `val_loss`"
    assert texts(progress, message(sweep)) == [text]
    sweep.objective_missing.consecutive_runs = 2
    assert texts(progress, message(sweep)) == []


def test_a_missing_objective_that_a_run_reports_is_not_shown_again() -> None:
    text = "your script logged `acc`; the sweep optimises `val_loss`"
    run, other, sweep = a_run(1), a_run(2), a_sweep()
    run.reason, other.reason = text, "the same in other words"
    sweep.objective_missing.CopyFrom(v1.ObjectiveMissing(consecutive_runs=1, logged_keys=["acc"]))
    progress = Progress()
    progress.apply(message(a_sweep()))
    assert texts(progress, message(sweep, run)) == [f"run 1 finished  {text}"]
    paused = a_sweep(state=v1.SWEEP_STATE_PAUSED)
    paused.objective_missing.CopyFrom(v1.ObjectiveMissing(consecutive_runs=2, logged_keys=["acc"]))
    paused.pause_cause = v1.PAUSE_CAUSE_OBJECTIVE_MISSING
    paused.reason = f"2 runs in a row finished without the objective: {text}; fix the script"
    assert texts(progress, message(paused, other)) == [
        "run 2 finished",
        "sweep paused: 2 runs in a row finished without the objective; fix the script",
    ]
    assert texts(Progress(), message(paused)) == [f"sweep paused: {paused.reason}"]


def test_the_end_of_the_sweep_is_reported() -> None:
    progress = Progress()
    progress.apply(message(a_sweep()))
    ending = a_sweep()
    ending.ending, ending.reason = v1.SWEEP_ENDING_CAP, "run_cap is reached"
    assert texts(progress, message(ending)) == ["no new runs: run_cap is reached"]
    finished = a_sweep(state=v1.SWEEP_STATE_FINISHED)
    finished.ending, finished.reason = v1.SWEEP_ENDING_CAP, "run_cap is reached"
    assert texts(progress, message(finished)) == ["sweep finished"]


def test_a_pause_shows_its_reason_and_names_are_escaped() -> None:
    progress = Progress()
    progress.apply(message(a_sweep()))
    sweep = a_sweep(state=v1.SWEEP_STATE_PAUSED)
    sweep.reason = "no \x1b[1mobjective"
    assert texts(progress, message(sweep)) == ["sweep paused: no \\x1b[1mobjective"]


def test_a_second_snapshot_reports_the_changes_since_the_first() -> None:
    progress = Progress()
    progress.apply(message(a_sweep(), a_run(1, state=v1.RUN_STATE_RUNNING)))
    assert texts(progress, message(a_sweep(best=(2, 0.25)), a_run(1, value=0.5), a_run(2, value=0.25))) == [
        "run 1 finished  val_loss=0.5",
        "run 2 finished  val_loss=0.25 (best so far)",
    ]
