"""Agents that are killed, with and without a successor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from component.agent.agent_processes import Machine
from component.agent.handed_out import Attempt
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from sweepd_agent.files.state_folder import open_folder
from sweepd_agent.process.record import try_lock
from waiting import until

# Appends a row each 20 ms until the file `enough` exists.
STEADY = """
import json, os, pathlib, time
rows = open(os.environ["SWEEPD_METRICS_FILE"], "a")
step = 0
while not pathlib.Path("enough").exists():
    rows.write(json.dumps({"_step": step, "loss": step}) + "\\n")
    rows.flush()
    step += 1
    time.sleep(0.02)
"""

# Writes many rows at once when the file `enough` exists.
MUCH = """
import os, pathlib, time
while not pathlib.Path("enough").exists():
    time.sleep(0.02)
rows = "".join(f'{{"_step": {step}, "loss": {step}}}\\n' for step in range(40_000))
pathlib.Path(os.environ["SWEEPD_METRICS_FILE"]).write_text(rows)
"""


def running(scheduler: ScriptedScheduler, machine: Machine) -> Attempt:
    """Hand out a steady run and wait for its first rows."""
    machine.write("steady.py", STEADY)
    attempt = scheduler.attempt(scheduler.add(sys.executable, "steady.py"))
    scheduler.until(lambda: attempt.point_row > 3)
    return attempt


def everything_arrived_once(attempt: Attempt) -> bool:
    """Return True if all rows have arrived, each as the script wrote it."""
    assert attempt.exit is not None
    rows = range(1, attempt.exit.last_row + 1)
    return attempt.observations == [(row, 0, row - 1) for row in rows] and attempt.points == {
        (row, "loss"): row - 1 for row in rows
    }


def test_a_restarted_agent_adopts_its_run(scheduler: ScriptedScheduler, machine: Machine) -> None:
    first = machine.start("--no-context")  # children of a killed agent end shortly after it
    attempt = running(scheduler, machine)
    first.kill()
    second = machine.start("--count", "1")
    until(lambda: second.events("run_adopted"))
    seen = attempt.point_row
    scheduler.until(lambda: attempt.point_row > seen + 5)
    (machine.folder / "enough").touch()
    assert second.ended() == 0
    assert attempt.exits == 1
    assert attempt.exit is not None
    assert attempt.exit.exit.code == 0
    assert everything_arrived_once(attempt)
    assert not machine.processes()


def test_a_run_that_ended_without_an_agent_is_reported_by_the_next(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    first = machine.start()
    attempt = running(scheduler, machine)
    first.kill()
    (machine.folder / "enough").touch()
    until(lambda: not machine.processes())
    second = machine.start("--count", "1")
    assert second.ended() == 0
    assert everything_arrived_once(attempt)
    assert not list((machine.state / "runs").iterdir())


def test_an_agent_connects_before_it_has_read_the_rows_left_behind(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("much.py", MUCH)
    first = machine.start()
    attempt = scheduler.attempt(scheduler.add(sys.executable, "much.py"))
    until(lambda: first.events("run_started"))
    first.kill()
    (machine.folder / "enough").touch()
    until(lambda: not machine.processes())
    second = machine.start("--count", "1")
    until(lambda: second.events("run_ended"))
    events = [event["event"] for event in second.events("connected", "run_ended")]
    assert events == ["connected", "run_ended"]
    scheduler.until(lambda: attempt.observations)


def test_agents_killed_again_and_again_lose_and_repeat_nothing(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start()
    attempt = running(scheduler, machine)
    for count in range(2, 6):
        agent.kill()
        agent = machine.start("--count", "1")
        scheduler.until(lambda count=count: len(scheduler.sessions) == count)  # type: ignore[misc]
        seen = attempt.observation_row
        scheduler.until(lambda seen=seen: attempt.observation_row > seen)  # type: ignore[misc]
    (machine.folder / "enough").touch()
    assert agent.ended() == 0
    assert attempt.exits == 1
    assert everything_arrived_once(attempt)


def test_a_run_without_an_agent_is_ended_after_lost_after(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    scheduler.lost_after = 1.5
    agent = machine.start("--no-context")
    running(scheduler, machine)
    killed = time.monotonic()
    agent.kill()
    until(lambda: not machine.processes(), within=10)
    # Its supervisor checks every half second, and may have seen the agent that much earlier.
    assert scheduler.lost_after - 0.5 < time.monotonic() - killed < scheduler.lost_after + 2
    second = machine.start("--count", "1")
    attempt = scheduler.attempts[0]
    assert second.ended() == 0
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_ORPHANED


def test_without_adoption_runs_end_when_their_agent_is_killed(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--no-adopt", "--no-context")
    running(scheduler, machine)
    agent.kill()
    until(lambda: not machine.processes(), within=2)


def test_a_run_of_an_earlier_boot_is_reported_as_orphaned(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start()
    attempt = running(scheduler, machine)
    agent.kill()
    (machine.folder / "enough").touch()
    until(lambda: not machine.processes())
    folder = next(iter((machine.state / "runs").iterdir()))
    (folder / "exit").unlink()
    _change(folder / "process", "boot", "another")
    assert machine.start("--count", "1").ended() == 0
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_ORPHANED


def _change(record: Path, name: str, value: str) -> None:
    lines = record.read_text().splitlines()
    record.write_text(
        "".join(f"{name} {value}\n" if line.startswith(f"{name} ") else f"{line}\n" for line in lines)
    )


def test_a_run_whose_supervisor_is_killed_is_ended_as_orphaned(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start()
    attempt = running(scheduler, machine)
    record = next(iter((machine.state / "runs").iterdir())) / "process"
    supervisor = next(
        line.split()[1] for line in record.read_text().splitlines() if line.startswith("supervisor ")
    )
    os.kill(int(supervisor), signal.SIGKILL)
    scheduler.ended(attempt.run)
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_ORPHANED
    until(lambda: machine.processes() == [agent.process.pid])


def test_a_supervisor_that_is_killed_right_after_its_start_fails_no_run(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--no-context")  # an agent starts nothing but supervisors
    until(lambda: agent.events("connected"))
    machine.write("steady.py", STEADY)
    attempt = scheduler.attempt(scheduler.add(sys.executable, "steady.py"))

    def kill_any() -> bool:
        supervisors = [pid for pid in machine.processes() if pid != agent.process.pid]
        for pid in supervisors:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(supervisors)

    until(kill_any)
    scheduler.ended(attempt.run)
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_ORPHANED
    until(lambda: machine.processes() == [agent.process.pid])


def test_a_supervisor_completes_although_its_agent_died_before_its_first_report(tmp_path: Path) -> None:
    (tmp_path / "arguments").write_bytes(b"\0".join([b"sh", b"-c", b"exit 3"]))
    ours, its = os.pipe()
    os.close(ours)
    arguments = [str(tmp_path), str(tmp_path / "lock"), "60", "1"]
    program = "from sweepd_agent.process.supervisor import main; main()"
    supervisor = subprocess.run([sys.executable, "-c", program, *arguments], stdout=its, check=False)
    os.close(its)
    assert supervisor.returncode == 0
    assert "code 3\n" in (tmp_path / "exit").read_text()


def test_a_supervisor_that_cannot_write_its_record_retries_until_it_can(tmp_path: Path) -> None:
    script = 'mkdir "$0/exit.$PPID"; exit 3'  # where the record is written before it is renamed
    (tmp_path / "arguments").write_bytes(b"\0".join([b"sh", b"-c", script.encode(), bytes(tmp_path)]))
    lock = try_lock(str(tmp_path / "lock"))
    assert lock is not None
    program = "from sweepd_agent.process.supervisor import main; main()"
    command = [sys.executable, "-c", program, str(tmp_path), str(tmp_path / "lock"), "0", "1"]
    supervisor = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until(lambda: list(tmp_path.glob("exit.*")), what="the script is in the way")
    until((tmp_path / "process").exists, what="its process is recorded")
    until(lambda: not Path(f"/proc/{pid_in(tmp_path)}").exists(), what="its process has ended")
    assert supervisor.poll() is None
    (blocked,) = tmp_path.glob("exit.*")
    blocked.rmdir()
    assert supervisor.wait(10) == 0
    assert "code 3\n" in (tmp_path / "exit").read_text()
    os.close(lock)


def pid_in(folder: Path) -> str:
    """Return the id of the process that a supervisor has recorded."""
    return next(line[4:] for line in (folder / "process").read_text().splitlines() if line.startswith("pid "))


def test_an_agent_attached_only_between_two_checks_of_the_supervisor_counts(tmp_path: Path) -> None:
    """Kill the agent as soon as it has adopted a run: the deadline counts from its death."""
    # Retry if the machine paused until the run had ended.
    lived = (lived_after_an_agent(tmp_path / str(attempt), term=1.1) for attempt in range(5))
    assert next(seconds for seconds in lived if seconds is not None) > 1.1


def lived_after_an_agent(folder: Path, *, term: float) -> float | None:
    """Return how long a run continues after a brief attachment; None if the agent started too late."""
    folder.mkdir()
    (folder / "arguments").write_bytes(b"\0".join([b"sleep", b"1000"]))
    program = "from sweepd_agent.process.supervisor import main; main()"
    command = [sys.executable, "-c", program, str(folder), str(folder / "lock"), f"{term}", "1"]
    began = time.monotonic()
    supervisor = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until((folder / "process").exists)
    time.sleep(0.6)  # between its first two checks, which are half a second apart
    there = time.monotonic()
    open_folder(folder).release()
    in_time = time.monotonic() - began < term
    assert supervisor.wait(10) == 0
    assert "orphaned 1\n" in (folder / "exit").read_text()
    return time.monotonic() - there if in_time else None


def test_a_result_that_a_welcome_acknowledges_is_logged_once_for_the_attempt(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    """The stream broke between the end and its acknowledgement; undelivered data keeps the attempt."""
    scheduler.acks_ends = scheduler.acks_logs = False
    agent = machine.start("--no-context")
    attempt = scheduler.ended(scheduler.add("echo", "kept back"))
    assert not agent.events("result_acked")
    scheduler.break_streams()
    until(lambda: agent.events("result_acked"))
    (acked,) = agent.events("result_acked")
    assert (acked["run"], acked["attempt"], acked["state"]) == (attempt.run, 1, "finished")
    scheduler.break_streams()
    scheduler.until(lambda: len(scheduler.sessions) == 3)
    agent.kill()
    scheduler.acks_logs = True
    second = machine.start("--no-context")
    scheduler.until(lambda: attempt.log == b"kept back\n")
    until(lambda: not list((machine.state / "runs").iterdir()))
    assert len(agent.events("result_acked")) == 1
    assert not second.events("result_acked")


def test_an_agent_that_has_lost_its_id_continues_its_run(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    """Empty the file, as a power failure may. The secret of the attempt proves the ownership."""
    first = machine.start("--no-context")
    attempt = running(scheduler, machine)
    first.kill()
    (machine.state / "agent.json").write_text("")
    second = machine.start("--no-context", "--count", "1")
    until(lambda: second.events("run_adopted"))
    seen = attempt.point_row
    scheduler.until(lambda: attempt.point_row > seen + 5)
    assert scheduler.sessions[0].hello.agent_id != scheduler.session().hello.agent_id
    (machine.folder / "enough").touch()
    assert second.ended() == 0
    assert not second.events("fenced")
    assert everything_arrived_once(attempt)


def test_an_agent_starts_despite_records_that_a_power_failure_has_emptied(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    first = machine.start("--no-context")
    running(scheduler, machine)
    first.kill()
    (machine.folder / "enough").touch()
    until(lambda: not machine.processes())
    (folder,) = (machine.state / "runs").iterdir()
    for name, content in {
        "process": b"\0" * 80,
        "exit": b"",
        "place": b"slot\n",
        "order": b"mode \n",
    }.items():
        (folder / name).write_bytes(content)
    second = machine.start("--no-context")
    until(lambda: second.events("connected"))
    scheduler.ended(scheduler.add("true"))


@pytest.mark.parametrize(
    "written",
    [
        '{"numbering": {"blocks": 1}, "sample_numbering": {}, "cursors": 7}',
        '{"cursors": {"LANE_POINTS": -1, "LANE_LOG": 1' + "0" * 30 + "}}",
        "[" * 200_000,
        " " * (64 * 2**20 + 1),
    ],
    ids=["of other types", "beyond 64 bits", "nested too deeply", "too large"],
)
def test_invalid_cursors_are_treated_as_missing(
    scheduler: ScriptedScheduler, machine: Machine, written: str
) -> None:
    """A script may write into its folder. The rows are read again from the beginning and sent once."""
    first = machine.start("--no-context")
    attempt = running(scheduler, machine)
    first.kill()
    (folder,) = (machine.state / "runs").iterdir()
    (folder / "cursors.json").write_text(written)
    second = machine.start("--count", "1")
    until(lambda: second.events("run_adopted"))
    (machine.folder / "enough").touch()
    assert second.ended() == 0
    assert everything_arrived_once(attempt)


def test_a_leftover_run_of_another_sweep_does_not_count(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    first = machine.start("--no-context")
    left = running(scheduler, machine)
    first.kill()
    (folder,) = (machine.state / "runs").iterdir()
    document = json.loads((folder / "assignment.json").read_text())
    (folder / "assignment.json").write_text(json.dumps({**document, "sweep": "local/demo/another"}))
    second = machine.start("--no-context", "--count", "1", "--slots", "2")
    until(lambda: second.events("run_adopted"))
    (machine.folder / "enough").touch()
    scheduler.ended(left.run)
    own = scheduler.ended(scheduler.add("true"))
    assert second.ended() == 0
    assert own.run != left.run
    assert [event["run"] for event in second.events("run_started")] == [own.run]


def test_an_assignment_journalled_but_not_started_starts_if_it_is_still_valid(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--no-context")
    attempt = running(scheduler, machine)
    agent.kill()
    (machine.folder / "enough").touch()
    until(lambda: not machine.processes())
    folder = next(iter((machine.state / "runs").iterdir()))
    for file in folder.iterdir():
        if file.name not in {"assignment.json", "params.json"}:
            file.unlink()
    attempt.observation_row = attempt.point_row = 0
    attempt.observations, attempt.points, attempt.log, attempt.pid = [], {}, b"", 0
    assert machine.start("--count", "1").ended() == 0
    assert attempt.pid
    assert attempt.exit is not None
    assert attempt.exit.exit.code == 0
