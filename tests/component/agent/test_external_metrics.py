"""External metrics of unchanged scripts: output, files and event files become rows, each once."""

from __future__ import annotations

import socket
import sys

import pytest

from component.agent.agent_processes import Machine
from component.agent.handed_out import Attempt
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from waiting import until

PRINTS = """
import os, sys, time
for epoch in range(6):
    print(f"epoch {epoch}: loss={1 / (epoch + 1):.4f} (something else)", flush=True)
    while epoch == 2 and not os.path.exists("go"):
        time.sleep(0.02)
sys.stdout.write("epoch 6: loss=0.125")
"""
STDOUT = v1.MetricsFrom(stdout=r"epoch (?P<step>\d+): loss=(?P<loss>\S+)")
WRITES_A_TABLE = """
import os, sys
with open(sys.argv[1], "a") as file:
    if not file.tell():
        file.write("step,loss,note\\n")
    for step in range(3):
        file.write(f"{step},{1 / (step + 1)},x\\n")
"""
WRITES_EVENTS = """
import sys
from tensorboardX import SummaryWriter
with SummaryWriter(sys.argv[1]) as writer:
    for step in range(4):
        writer.add_scalar("loss", 1 / (step + 1), step * 5)
"""
SHARES_A_FOLDER = """
import os, pathlib, sys, time
from tensorboardX import SummaryWriter

number, name = int(sys.argv[1]), sys.argv[2].format(pid=os.getpid())
folder = pathlib.Path(f"Dec01_20-15-0{number}_box")
writer = SummaryWriter(str(folder), max_queue=1, flush_secs=0.05)
(file,) = folder.iterdir()
if "." in name:
    file.rename(folder / f"events.out.tfevents.1764620100.{name}")
pathlib.Path("runs").mkdir(exist_ok=True)
folder.rename(pathlib.Path("runs", folder))  # no reader meets a file under its first name
for step in range(4):
    writer.add_scalar("loss", number + step / 4, step)
    writer.flush()
    while not os.path.exists(f"go{step}"):
        time.sleep(0.02)
writer.close()
"""
HANGS_THE_PATTERN = """
print("a" * 60)
print("loss=1")
"""


def observed(attempt: Attempt) -> list[float]:
    return [value for _, _, value in attempt.observations]


def test_output_becomes_rows_even_when_the_agent_is_killed(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    """P2, P3: each line of the log is read exactly once, whichever agent reads it."""
    machine.write("prints.py", PRINTS)
    scheduler.metrics_from = STDOUT
    run = scheduler.add(sys.executable, "prints.py")
    agent = machine.start()
    attempt = scheduler.attempt(run)
    scheduler.until(lambda: len(attempt.observations) >= 2)
    agent.kill()
    (machine.folder / "go").touch()
    agent = machine.start("--count", "1")
    scheduler.ended(run)
    assert agent.ended() == 0
    assert observed(attempt) == [1.0, 0.5, 0.3333, 0.25, 0.2, 0.1667, 0.125]
    assert list(attempt.steps.values()) == [0, 1, 2, 3, 4, 5, 6]
    assert {key for _, key in attempt.points} == {"loss"}


def test_lines_that_an_earlier_run_left_in_a_table_are_not_read(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("table.py", WRITES_A_TABLE)
    scheduler.metrics_from = v1.MetricsFrom(file="log.csv")
    runs = [scheduler.add(sys.executable, "table.py", "log.csv") for _ in range(2)]
    assert machine.start("--count", "2").ended() == 0
    for run in runs:
        assert observed(scheduler.ended(run)) == [1.0, 0.5, 1 / 3]


def test_event_files_of_a_real_writer_in_the_run_folder_are_read(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("events.py", WRITES_EVENTS)
    scheduler.metrics_from = v1.MetricsFrom(tensorboard="${envvar:SWEEPD_RUN_DIR}/events")
    run = scheduler.add(sys.executable, "events.py", "${envvar:SWEEPD_RUN_DIR}/events")
    assert machine.start("--count", "1").ended() == 0
    attempt = scheduler.ended(run)
    assert [round(value, 4) for value in observed(attempt)] == [1.0, 0.5, 0.3333, 0.25]
    assert list(attempt.steps.values()) == [0, 5, 10, 15]


@pytest.mark.parametrize("name", ["box", f"{socket.gethostname()}.{{pid}}.0"])
def test_runs_that_share_a_folder_of_event_files_get_only_their_own_values(
    scheduler: ScriptedScheduler, machine: Machine, name: str
) -> None:
    machine.write("shared.py", SHARES_A_FOLDER)
    scheduler.metrics_from = v1.MetricsFrom(tensorboard="runs")
    runs = [scheduler.add(sys.executable, "shared.py", str(number), name) for number in (1, 2)]
    agent = machine.start("--count", "2", "--slots", "2")
    attempts = [scheduler.attempt(run) for run in runs]
    for step in range(4):  # by the last one, each reader has seen both files while their writers run
        scheduler.until(lambda: all(step in each.steps.values() for each in attempts))  # noqa: B023 - at once
        (machine.folder / f"go{step}").touch()
    for number, run in enumerate(runs, start=1):
        attempt = scheduler.ended(run)
        assert observed(attempt) == [number, number + 0.25, number + 0.5, number + 0.75]
        assert {key for _, key in attempt.points} == {"loss"}
    assert agent.ended() == 0


def test_a_pattern_that_takes_too_long_is_given_up_and_the_run_continues(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("hangs.py", HANGS_THE_PATTERN)
    scheduler.metrics_from = v1.MetricsFrom(stdout="(?P<loss>(a+)+)b")
    run = scheduler.add(sys.executable, "hangs.py")
    agent = machine.start("--count", "1")
    attempt = scheduler.ended(run, within=10)
    assert agent.ended() == 0
    assert observed(attempt) == []
    assert attempt.exit is not None
    assert attempt.exit.exit.code == 0
    log = (machine.folder / "agent-1.log").read_text()
    until(lambda: "takes more than 50 ms on a line" in log)
