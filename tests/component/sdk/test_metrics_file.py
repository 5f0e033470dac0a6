"""Many writers of one metrics file: threads, forks, children, shells, and killed processes."""

import json
import os
import resource
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from component.sdk.programs import environment_of, rows, run, start, without_time
from sweepd.metrics_file import MetricsFile, closed_segments


def test_rows_for_which_log_returned_survive_a_kill(tmp_path: Path) -> None:
    source = """
        import sweepd

        for i in range(10**9):
            sweepd.log({"i": i})
            print(i, flush=True)
        """
    with start(source, cwd=tmp_path, env=environment_of(tmp_path)) as process:
        assert process.stdout is not None
        for _ in range(5000):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        returned = 5000 + len(process.stdout.read().splitlines())
    logged = [row["i"] for row in rows(tmp_path / "metrics.jsonl")]
    assert logged == list(range(len(logged)))
    assert returned <= len(logged) <= returned + 1


def test_threads_log_each_row_once_and_steps_are_not_shared(tmp_path: Path) -> None:
    run(
        """
        import threading

        import sweepd

        def work(name):
            for i in range(1000):
                sweepd.log({"thread": name, "i": i})

        threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    logged = rows(tmp_path / "metrics.jsonl")
    assert [row["_step"] for row in logged] == list(range(8000))
    for name in range(8):
        assert [row["i"] for row in logged if row["thread"] == name] == list(range(1000))


def test_forked_children_log_while_a_thread_of_their_parent_holds_the_lock(tmp_path: Path) -> None:
    run(
        """
        import os
        import threading
        import warnings

        import sweepd

        warnings.simplefilter("ignore")
        sweepd.init()
        done = threading.Event()

        def chatter():
            while not done.is_set():
                sweepd.log({"who": "parent"})

        thread = threading.Thread(target=chatter)
        thread.start()
        children = []
        for child in range(20):
            pid = os.fork()
            if pid == 0:
                for i in range(100):
                    sweepd.log({"who": child, "i": i})
                sweepd.log({"who": child, "i": 100}, step=5)
                sweepd.finish()
                os._exit(0)
            children.append(pid)
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 20
        done.set()
        thread.join()
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    logged = rows(tmp_path / "metrics.jsonl")
    counted = [row["_step"] for row in logged if row["who"] == "parent"]
    assert counted == list(range(len(counted)))
    for child in range(20):
        own = [row for row in logged if row["who"] == child]
        assert [row["i"] for row in own] == list(range(101))
        assert ["_step" in row for row in own] == [False] * 100 + [True]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("inside", [True, False])
def test_children_of_multiprocessing_can_log(tmp_path: Path, method: str, inside: bool) -> None:
    run(
        f"""
        import multiprocessing

        import sweepd

        def work(child):
            sweepd.log({{"child": child, "lr": sweepd.config.lr}})

        if __name__ == "__main__":
            sweepd.init(config={{"lr": 0.1}})
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                pool.map(work, range(6))
            sweepd.log({{"child": "none"}})
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path, SWEEPD_PARAMS_FILE=str(params_file(tmp_path))) if inside else None,
    )
    folder = tmp_path if inside else next((tmp_path / "sweepd-runs").iterdir())
    *children, parent = [without_time(row) for row in rows(folder / "metrics.jsonl")]
    assert parent == {"_step": 0, "child": "none"}
    value = 0.5 if inside else 0.1
    assert sorted(children, key=str) == [{"child": child, "lr": value} for child in range(6)]


def params_file(folder: Path) -> Path:
    file = folder / "params.json"
    file.write_text('{"lr": 0.5}')
    return file


def test_a_signal_handler_may_log_at_any_time(tmp_path: Path) -> None:
    run(
        """
        import signal

        import sweepd

        sweepd.init()
        signal.signal(signal.SIGALRM, lambda *_: sweepd.log({"who": "handler"}, step=10**6))
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        for i in range(10_000):
            sweepd.log({"who": "loop", "i": i}, step=10**6)
        signal.setitimer(signal.ITIMER_REAL, 0)
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    counts = Counter(row["who"] for row in rows(tmp_path / "metrics.jsonl"))
    assert counts["loop"] == 10_000
    assert counts["handler"] > 5


HOLDS_THE_FILE_OPEN = """
exec 3>> "$0"
i=0
while [ $i -lt 300 ]; do
    echo "{\\"worker\\": 9, \\"i\\": $i}" >&3
    i=$((i+1))
done
"""


def test_processes_that_roll_segments_concurrently_lose_no_line_and_keep_their_order(tmp_path: Path) -> None:
    workers = [
        start(
            f"""
            import json
            from pathlib import Path

            from sweepd.metrics_file import MetricsFile

            file = MetricsFile(Path("../metrics.jsonl"), segment_bytes=3000)
            for i in range(3000):
                file.append(json.dumps({{"worker": {worker}, "i": i}}).encode() + b"\\n")
            """,
            cwd=make(tmp_path / str(worker)),
        )
        for worker in range(4)
    ]
    shell = subprocess.Popen(["sh", "-c", HOLDS_THE_FILE_OPEN, str(tmp_path / "metrics.jsonl")])
    for worker in workers:
        _, errors = worker.communicate(timeout=60)
        assert worker.returncode == 0, errors
    assert shell.wait(60) == 0

    segments = closed_segments(tmp_path / "metrics.jsonl")
    assert [number for number, _ in segments] == list(range(1, len(segments) + 1))
    assert len(segments) > 10  # rolled many times; how often depends on who writes when
    logged = rows(tmp_path / "metrics.jsonl")
    for name in range(4):
        assert [row["i"] for row in logged if row["worker"] == name] == list(range(3000))
    assert sorted(int(str(row["i"])) for row in logged if row["worker"] == 9) == list(range(300))


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_segment_numbers_continue_from_the_highest_remaining_one(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "metrics.jsonl", segment_bytes=10)
    for i in range(4):
        file.append(json.dumps({"i": i, "pad": "x" * 10}).encode() + b"\n")
    first, second, third = (path for _, path in closed_segments(tmp_path / "metrics.jsonl"))
    first.unlink()
    second.unlink()
    file.append(b"{}\n")
    assert [number for number, _ in closed_segments(tmp_path / "metrics.jsonl")] == [3, 4]
    assert third.exists()
    file.close()


def test_an_incomplete_line_does_not_damage_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"i": 1}\n{"i": ')
    file = MetricsFile(path)
    file.append(b'{"i": 3}\n')
    file.close()
    assert path.read_bytes() == b'{"i": 1}\n{"i": \n{"i": 3}\n'


def test_a_descriptor_that_was_closed_and_reused_for_another_file_is_detected(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "metrics.jsonl")
    other = tmp_path / "other"
    file.append(b'{"i": 1}\n')
    (its,) = (
        int(number.name)
        for number in Path("/proc/self/fd").iterdir()
        if os.path.realpath(number) == str(tmp_path / "metrics.jsonl")
    )
    another = os.open(other, os.O_CREAT | os.O_RDWR)
    os.dup2(another, its)
    file.append(b'{"i": 2}\n')
    file.close()
    os.close(another)
    os.close(its)  # not closed by the metrics file, as it now belongs to another file
    assert [row["i"] for row in rows(tmp_path / "metrics.jsonl")] == [1, 2]
    assert other.read_bytes() == b""


def test_a_full_disk_is_reported_once_and_the_training_continues(tmp_path: Path) -> None:
    # A limit on the size of files stands for the disk: the write that crosses it is cut short, then refused.
    output, errors = run(
        """
        import resource

        import sweepd

        sweepd.init()
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        for i in range(100):
            sweepd.log({"i": i})
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        sweepd.log({"i": 100})
        print("trained")
        """,
        cwd=tmp_path,
        env=environment_of(tmp_path),
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert output == "trained\n"
    (complaint,) = errors.splitlines()
    assert "metrics are being lost" in complaint
    *_, before_last, torn, last = (tmp_path / "metrics.jsonl").read_bytes().splitlines()
    assert json.loads(last)["i"] == 100
    assert before_last.startswith(b"{")
    assert not torn.endswith(b"}")
