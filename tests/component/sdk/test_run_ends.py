"""The end that a script sets for its run, and its summary, are written to the folder immediately."""

from pathlib import Path

import pytest

from component.sdk.programs import details, environment_of, run

CATCHES = """
    import contextlib, os, sys, threading
    import sweepd

    def begin():
        return sweepd.init()

    def caught(error):
        with contextlib.suppress(BaseException), begin():
            sweepd.log({"loss": 1.0})
            raise error
"""


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("begin().finish(exit_code=3)", 3),
        ("begin(); sweepd.finish(3)", 3),
        ("begin().finish(exit_code=0)", None),
        ("begin().finish()", None),
        ("begin().finish(exit_code=256)", 1),
        ("begin().finish(exit_code=-1)", 255),
        ("caught(ValueError())", 1),
        ("caught(KeyboardInterrupt())", 130),
        ("caught(SystemExit(4))", 4),
        ("caught(SystemExit('no data'))", 1),
        ("caught(SystemExit(0))", None),
        ("caught(SystemExit())", None),
        ("begin(); sweepd.finish(3); sweepd.finish(0); sweepd.finish(exit_code=5)", 3),
        ("caught(ValueError()); begin().finish()", None),
        ("begin().finish(); caught(ValueError())", 1),
        ("begin(); t = threading.Thread(target=sweepd.finish, args=(3,)); t.start(); t.join()", 3),
        ("begin().finish(exit_code=3); os._exit(0)", 3),
        ("begin(); os.fork() or (sweepd.finish(3), os._exit(0)); os.wait()", None),
    ],
)
def test_the_code_with_which_a_script_ends_its_run_is_recorded_and_the_last_one_counts(
    tmp_path: Path, source: str, code: int | None
) -> None:
    run(f"{CATCHES}\n    {source}\n", cwd=tmp_path, env=environment_of(tmp_path))
    assert details(tmp_path).get("exit_code") == code


def test_the_module_of_wandb_records_the_same(tmp_path: Path) -> None:
    source = """
        import sweepd.compat.environment as path, sys
        sys.path[:0] = path.search_path("wandb", {})["PYTHONPATH"].split(":")
        import wandb

        try:
            with wandb.init() as run:
                wandb.log({"loss": 1.0})
                raise ValueError
        except ValueError:
            pass
        wandb.init()
        wandb.finish(exit_code=7)
    """
    run(source, cwd=tmp_path, env=environment_of(tmp_path))
    assert details(tmp_path)["exit_code"] == 7


def test_summary_values_are_recorded_before_a_process_can_vanish(tmp_path: Path) -> None:
    source = """
        import os
        import sweepd

        run = sweepd.init(config={"a": 1})
        run.summary["best"] = 0.5
        run.summary["eval"] = {"acc": 0.0}
        run.summary["eval"]["acc"] = 0.25
        run.summary.update({"last": 3, "eval": {**run.summary["eval"], "f1": 0.75}})
        os._exit(0)
    """
    run(source, cwd=tmp_path, env=environment_of(tmp_path))
    assert details(tmp_path)["summary"] == {"best": 0.5, "eval": {"acc": 0.25, "f1": 0.75}, "last": 3}


def test_statistics_of_define_metric_are_recorded_when_the_run_ends(tmp_path: Path) -> None:
    source = """
        import sweepd

        sweepd.init()
        sweepd.define_metric("loss", summary="mean,first")
        sweepd.define_metric("eval.acc", summary="best", goal="maximize")
        sweepd.define_metric("size", summary="none")
        for value in (1.0, 3.0):
            sweepd.log({"loss": value, "eval": {"acc": value}, "size": 1})
    """
    run(source, cwd=tmp_path, env=environment_of(tmp_path))
    assert details(tmp_path)["figures"] == {"loss": {"mean": 2.0, "first": 1.0}, "eval.acc": {"best": 3.0}}
