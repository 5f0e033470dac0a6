"""Files of runs: complete, in their newest version, despite broken streams, without delaying anything."""

from __future__ import annotations

import sys

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1

LEAVES = """
import os, pathlib, time
files = pathlib.Path(os.environ["SWEEPD_RUN_DIR"]) / "files"
(files / "in").mkdir(parents=True)
(files / "a.txt").write_text("first")
(files / "in" / "large.bin").write_bytes(b"x" * 3_000_000)
(files / ".hidden").write_text("not this")
(files / "link").symlink_to(files / "a.txt")
(files / "passwords").symlink_to("/etc/passwd")
(files / "loop").symlink_to(files)
(files / "odd\\nname").write_text("nor this")
os.mkfifo(files / "pipe")
while not pathlib.Path("go").exists():
    time.sleep(0.02)
(files / "a.txt").write_text("second, and longer")
while not pathlib.Path("end").exists():
    time.sleep(0.02)
(files / "last.txt").write_text("last words")
"""
MANY = """
import os, pathlib
files = pathlib.Path(os.environ["SWEEPD_RUN_DIR"]) / "files"
files.mkdir()
for number in range(400):
    (files / f"{number:03}").write_text(str(number))
"""


def test_each_file_arrives_complete_and_in_its_newest_version(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("leaves.py", LEAVES)
    run = scheduler.add(sys.executable, "leaves.py")
    agent = machine.start("--count", "1", "--no-context")
    attempt = scheduler.attempt(run)
    scheduler.until(lambda: "in/large.bin" in attempt.files and "a.txt" in attempt.files)
    assert attempt.files["a.txt"] == b"first"
    (machine.folder / "go").touch()
    scheduler.until(lambda: attempt.files["a.txt"] == b"second, and longer")
    (machine.folder / "end").touch()
    assert agent.ended() == 0
    assert attempt.files == {
        "a.txt": b"second, and longer",
        "in/large.bin": b"x" * 3_000_000,
        "last.txt": b"last words",
    }


def test_a_broken_stream_and_another_agent_lose_nothing(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    """Incomplete uploads restart under new numbers that cannot be confused with the earlier ones."""
    machine.write("leaves.py", LEAVES)
    run = scheduler.add(sys.executable, "leaves.py")
    scheduler.acks_files = False
    agent = machine.start("--no-context")
    attempt = scheduler.attempt(run)
    scheduler.until(lambda: any(report.piece.lane == v1.LANE_FILES for report in scheduler.reports))
    scheduler.acks_files = True
    scheduler.break_streams()
    scheduler.until(lambda: "a.txt" in attempt.files)
    agent.kill()
    (machine.folder / "go").touch()
    (machine.folder / "end").touch()
    agent = machine.start("--count", "1", "--no-context")
    assert agent.ended() == 0
    assert attempt.files["in/large.bin"] == b"x" * 3_000_000
    assert attempt.files["a.txt"] == b"second, and longer"
    assert attempt.files["last.txt"] == b"last words"


def test_the_end_of_a_run_waits_for_no_file(scheduler: ScriptedScheduler, machine: Machine) -> None:
    machine.write("many.py", MANY)
    run = scheduler.add(sys.executable, "many.py")
    scheduler.acks_files = False
    agent = machine.start("--count", "1", "--no-context", "--grace", "1m")
    attempt = scheduler.ended(run)
    assert not attempt.files
    assert agent.process.poll() is None, "the attempt stays while files are undelivered"
    scheduler.acks_files = True
    scheduler.break_streams()
    assert agent.ended() == 0
    assert len(attempt.files) == 400


def test_an_unreadable_file_does_not_delay_the_agent(scheduler: ScriptedScheduler, machine: Machine) -> None:
    """Use a dangling link, because root can read any file."""
    machine.write(
        "dangling.py",
        "import os, pathlib\n"
        "files = pathlib.Path(os.environ['SWEEPD_RUN_DIR']) / 'files'\n"
        "files.mkdir()\n"
        "(files / 'dangling').symlink_to('/nowhere')\n"
        "(files / 'there').write_text('x')\n",
    )
    run = scheduler.add(sys.executable, "dangling.py")
    assert machine.start("--count", "1", "--no-context").ended() == 0
    assert scheduler.ended(run).files == {"there": b"x"}


def test_samples_carry_the_step_of_the_script_and_change_no_row(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write(
        "logs.py",
        "import os, pathlib, time\n"
        "rows = open(os.environ['SWEEPD_METRICS_FILE'], 'a')\n"
        'rows.write(\'{"_step": 40, "loss": 1.0}\\n\'); rows.flush()\n'
        "while not pathlib.Path('end').exists():\n"
        "    time.sleep(0.02)\n",
    )
    run = scheduler.add(sys.executable, "logs.py")
    agent = machine.start("--count", "1", "--system-metrics-every", "200ms")
    attempt = scheduler.attempt(run)
    keys = {"step", "system/memory", "system/threads", "system/host/memory"}
    scheduler.until(lambda: [s for s in attempt.samples[2:] if keys <= set(s) and s["step"] == 40])
    (machine.folder / "end").touch()
    assert agent.ended() == 0
    assert attempt.exit is not None
    assert (attempt.exit.last_row, list(attempt.exit.logged_keys)) == (1, ["loss"])
    assert set(attempt.points) == {(1, "loss")}


def test_no_samples_are_taken_where_they_are_disabled(scheduler: ScriptedScheduler, machine: Machine) -> None:
    run = scheduler.add("sleep", "1")
    flags = ("--no-system-metrics", "--system-metrics-every", "100ms")
    assert machine.start("--count", "1", *flags).ended() == 0
    assert scheduler.ended(run).samples == []
    assert not list((machine.state / "runs").glob("*/system.jsonl"))
