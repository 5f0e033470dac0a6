"""Details of a run written by many processes, by killed ones, and across attempts."""

import json
import signal
from pathlib import Path

from component.sdk.programs import details, environment_of, rows, run, start, without_time


def test_children_log_rows_and_do_not_change_the_details_of_their_parent(tmp_path: Path) -> None:
    run(
        """
        import multiprocessing

        import sweepd

        def work(child):
            run = sweepd.run or sweepd.init()
            run.summary["child"] = child
            sweepd.config["child"] = child
            sweepd.log({"child": child})

        if __name__ == "__main__":
            sweepd.init(config={"lr": 0.1}, name="parent")
            sweepd.summary["best"] = 1
            with multiprocessing.get_context("fork").Pool(2) as pool:
                pool.map(work, range(4))
            sweepd.log({"child": "none"})
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    assert details(tmp_path) == {"name": "parent", "config": {"lr": 0.1}, "summary": {"best": 1}}
    assert sorted(str(row["child"]) for row in rows(tmp_path / "metrics.jsonl")) == [
        "0",
        "1",
        "2",
        "3",
        "none",
    ]


def test_a_forked_child_does_not_change_details_while_a_thread_of_its_parent_writes_them(
    tmp_path: Path,
) -> None:
    run(
        """
        import os
        import threading
        import warnings

        import sweepd

        warnings.simplefilter("ignore")
        run = sweepd.init(config={"child": "none"}, mode="offline", settings={"silent": True})
        done = threading.Event()

        def chatter():
            while not done.is_set():
                run.summary["i"] = 1
                run._details._write()

        thread = threading.Thread(target=chatter)
        thread.start()
        for child in range(30):
            pid = os.fork()
            if pid == 0:
                sweepd.log({"child": child})
                sweepd.mark_preempting()
                run.config["child"] = child
                run.name = "child"
                run.finish()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        done.set()
        thread.join()
        os._exit(0)
        """,
        cwd=tmp_path,
    )
    (folder,) = (tmp_path / "sweepd-runs").iterdir()
    assert details(folder) == {"config": {"child": "none"}, "summary": {"i": 1}}
    assert json.loads((folder / "config.json").read_text()) == {"child": "none"}
    assert "exit_code" not in json.loads((folder / "run.json").read_text())
    assert sorted(int(str(row["child"])) for row in rows(folder / "metrics.jsonl")) == list(range(30))


def test_all_processes_of_a_launcher_log_and_only_the_first_sets_details(tmp_path: Path) -> None:
    for rank in ("0", "1"):
        run(
            f"""
            import sweepd

            run = sweepd.init(config={{"rank": {rank}}})
            run.summary["rank"] = {rank}
            sweepd.log({{"rank": {rank}}})
            """,
            cwd=tmp_path,
            env=environment_of(tmp_path, RANK=rank, WORLD_SIZE="2"),
        )
    assert details(tmp_path) == {"config": {"rank": 0}, "summary": {"rank": 0}}
    assert [row["rank"] for row in rows(tmp_path / "metrics.jsonl")] == [0, 1]


def test_threads_change_the_summary_concurrently_and_the_file_is_always_complete(tmp_path: Path) -> None:
    run(
        """
        import json, os, threading
        import sweepd

        run = sweepd.init()

        def work(name):
            for i in range(300):
                run.summary[f"{name}/{i}"] = i
                sweepd.config[f"{name}/{i}"] = i
                sweepd.log({f"{name}": i})

        threads = [threading.Thread(target=work, args=(str(name),)) for name in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            json.load(open("details.json"))
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    found = details(tmp_path)
    assert len(found["summary"]) == len(found["config"]) == 1200  # type: ignore[arg-type]
    assert len(rows(tmp_path / "metrics.jsonl")) == 1200


def test_a_kill_between_any_two_lines_leaves_complete_details_and_every_row(tmp_path: Path) -> None:
    source = """
        import sweepd

        run = sweepd.init(name="n")
        sweepd.define_metric("i", summary="max")
        for i in range(10**9):
            run.summary["i2"] = i
            sweepd.log({"i": i, "group": {"x": i}})
            print(i, flush=True)
        """
    for lines in (1, 40, 700):
        folder = tmp_path / str(lines)
        folder.mkdir()
        with start(source, cwd=folder, env=environment_of(folder)) as process:
            assert process.stdout is not None
            for _ in range(lines):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            returned = lines + len(process.stdout.read().splitlines())
        assert len(rows(folder / "metrics.jsonl")) - returned in (0, 1)
        assert details(folder)["name"] == "n"


def test_a_folder_that_cannot_be_written_never_ends_a_training(tmp_path: Path) -> None:
    output, errors = run(
        """
        import sweepd

        run = sweepd.init(config={"a": 1})
        for i in range(3):
            sweepd.log({"i": i, "image": sweepd.Image([[1]])})
            run.summary["i"] = i
        print(run.checkpoint_dir.endswith("run/checkpoints"))
        run.checkpoint_saved()
        sweepd.save("program.py")
        sweepd.log_artifact("program.py")
        run.mark_preempting()
        sweepd.finish()
        print("trained", run.summary["i"])
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path / "program.py" / "run"),  # nothing can be created below a file
    )
    assert output == "True\ntrained 2\n"
    for loss in ("metrics are being lost", "details of the run", "checkpoints are not available"):
        assert errors.count(f"sweepd: {loss}") == 1


def test_the_next_attempt_begins_at_the_last_checkpointed_step(tmp_path: Path) -> None:
    source = """
        import os
        import sweepd

        run = sweepd.init()
        print(run.attempt, run.resumed, run.resume_step, run.starting_step, run.step)
        for _ in range(3):
            sweepd.log({"a": 1}, commit=False)
            sweepd.log({"b": 1})
        run.checkpoint_saved()
        sweepd.log({"a": 9})
        """
    outputs = []
    for attempt in ("1", "2"):
        folder = tmp_path / attempt
        folder.mkdir()
        kept = str(tmp_path / "kept")
        env = environment_of(folder, SWEEPD_ATTEMPT=attempt, SWEEPD_CHECKPOINT_DIR=kept)
        outputs.append(run(source, cwd=tmp_path, env=env)[0])
    assert outputs == ["1 False None 0 0\n", "2 True 2 3 3\n"]
    logged = [without_time(row) for row in rows(tmp_path / "2" / "metrics.jsonl")]
    assert [row["_step"] for row in logged] == [3, 3, 4, 4, 5, 5, 5, 6]
    assert logged[6] == {"_step": 5, "_checkpoint": 5}
    assert details(tmp_path / "2") == {"resumed_from_step": 2}


def test_a_resumed_standalone_run_counts_steps_from_its_last_row(tmp_path: Path) -> None:
    source = """
        import sweepd
        run = sweepd.init(id="a", resume="allow", mode="offline")
        print(run.resumed, run.resume_step, run.starting_step, run.step)
        for _ in range(2):
            sweepd.log({"loss": 1})
        """
    outputs = [run(source, cwd=tmp_path)[0] for _ in range(2)]
    assert outputs == ["False None 0 0\n", "True None 2 2\n"]
    (folder,) = (tmp_path / "sweepd-runs").iterdir()
    assert [row["_step"] for row in rows(folder / "metrics.jsonl")] == [0, 1, 2, 3]


def test_a_script_may_set_the_resumed_step_before_its_first_row(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "model").write_text("x")
    output, errors = run(
        """
        import sweepd

        run = sweepd.init()
        print(run.resumed, run.resume_step)
        run.resume_from(9)
        sweepd.log({"a": 1})
        run.resume_from(3)
        run.checkpoint_saved(7)
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    assert output == "True None\n"
    assert errors == "sweepd: resume_from() after the first row of this attempt has no effect\n"
    assert [row["_step"] for row in rows(tmp_path / "metrics.jsonl")] == [10, 10]
    assert details(tmp_path) == {"resumed_from_step": 9}
    assert (tmp_path / "checkpoints" / ".sweepd-step").read_text() == "7\n"


def test_a_script_can_report_preemption(tmp_path: Path) -> None:
    with start(
        """
        import signal
        import sweepd

        sweepd.init()
        sweepd.mark_preempting()
        print("said", flush=True)
        signal.pause()
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "said\n"
        assert details(tmp_path) == {"preempting": True}
        process.kill()
