"""FIFOs, folders and links in place of a script's files: no agent waits for them or sends their targets."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from waiting import until

# Replaces some files of its folder by something odd, then runs for as long as requested.
ODD = """
import json, os, pathlib, sys, time
make, *names = sys.argv[1:]
folder = pathlib.Path(os.environ["SWEEPD_RUN_DIR"])
(folder / "files").mkdir(exist_ok=True)

def put(path):
    if path.is_dir():
        path.rename(folder / "moved")
    path.unlink(missing_ok=True)
    if make == "folder":
        path.mkdir()
        (path / "inner").mkdir()
    else:
        os.mkfifo(path) if make == "fifo" else path.symlink_to(make)

for name in names:
    (folder / name).parent.mkdir(exist_ok=True)
    while True:
        try:
            put(folder / name)
        except FileExistsError:  # the agent has written it meanwhile
            continue
        break
print("made", flush=True)
pathlib.Path("made").touch()
while not pathlib.Path("enough").exists():
    time.sleep(0.02)
"""
READ_AND_WRITTEN = (
    "metrics.jsonl",
    "metrics.jsonl.1",
    "system.jsonl",
    "details.json",
    "files/odd",
    "cursors.json",
    ".cursors.json",
    "order",
    "process",
    "place",
    "arguments",
    "assignment.json",
    "params.json",
    "delivered-files.json",
    "context/.message",
    "exit",
)
KINDS = {"fifo": "FIFO", "folder": "folder"}
IN_THE_WAY = pytest.mark.parametrize("make", KINDS)


def run(scheduler: ScriptedScheduler, machine: Machine, make: str, *names: str) -> str:
    """Hand out a run whose script does that, and wait until it has."""
    machine.write("odd.py", ODD)
    name = scheduler.add(sys.executable, "odd.py", make, *names)
    until((machine.folder / "made").exists)
    return name


@IN_THE_WAY
def test_an_irregular_file_hangs_neither_the_agent_nor_its_runs(
    scheduler: ScriptedScheduler, machine: Machine, make: str
) -> None:
    agent = machine.start("--count", "2", "--slots", "2", "--system-metrics-every", "100ms")
    odd = run(scheduler, machine, make, *READ_AND_WRITTEN)
    assert scheduler.ended(scheduler.add("true"), within=10).exit is not None
    (machine.folder / "enough").touch()
    attempt = scheduler.ended(odd)
    assert agent.ended() == 0
    assert attempt.exit is not None
    assert attempt.exit.exit.cause == v1.EXIT_CAUSE_EXITED
    messages = [event["message"] for event in agent.events("notice") if event.get("run") == odd]
    assert [
        text
        for text in messages
        if f"metrics.jsonl cannot be read: it is a {KINDS[make]}, not a regular file" in str(text)
    ]
    lines = attempt.log.decode().splitlines()
    assert lines.count("made") == 1  # before or after what the agent prints there
    assert (
        len(
            [line for line in lines if line.startswith("sweepd: ") and "metrics.jsonl cannot be read" in line]
        )
        == 1
    )


@IN_THE_WAY
def test_an_agent_whose_run_has_left_irregular_files_ends_on_sigterm_in_time(
    scheduler: ScriptedScheduler, machine: Machine, make: str
) -> None:
    agent = machine.start("--grace", "2s", "--system-metrics-every", "100ms")
    run(scheduler, machine, make, *READ_AND_WRITTEN)
    agent.ask(signal.SIGTERM)
    assert agent.ended(within=15) in {0, 1}
    until(lambda: not machine.processes())


def test_an_agent_starts_although_a_run_has_left_fifos(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--no-context")
    run(scheduler, machine, "fifo", *READ_AND_WRITTEN)
    agent.kill()
    (machine.folder / "enough").touch()
    second = machine.start("--no-context")
    until(lambda: second.events("connected"), within=15)
    scheduler.ended(scheduler.add("true"), within=20)


def test_the_target_of_a_link_is_never_sent(scheduler: ScriptedScheduler, machine: Machine) -> None:
    secret = machine.write("outside", '{"loss": 42.0, "notes": "secret"}\n')
    agent = machine.start("--count", "1", "--no-context")
    odd = run(scheduler, machine, str(secret), "metrics.jsonl", "output.log", "details.json", "files/odd")
    (machine.folder / "enough").touch()
    attempt = scheduler.ended(odd)
    assert agent.ended() == 0
    assert not attempt.points
    assert not attempt.observations
    assert not attempt.files
    assert b"secret" not in attempt.log
    assert "secret" not in str(scheduler.reports)
    assert secret.read_text() == '{"loss": 42.0, "notes": "secret"}\n'


@pytest.mark.parametrize("name", ["files", "context"])
def test_a_folder_that_is_a_link_is_neither_read_nor_written_to(
    scheduler: ScriptedScheduler, machine: Machine, name: str
) -> None:
    outside = machine.folder / "outside"
    outside.mkdir()
    (outside / "shadow").write_text("secret")
    agent = machine.start("--count", "1")
    odd = run(scheduler, machine, str(outside), name)
    (machine.folder / "enough").touch()
    attempt = scheduler.ended(odd)
    assert agent.ended() == 0
    assert "shadow" not in attempt.files
    assert [entry.name for entry in outside.iterdir()] == ["shadow"]


def test_a_fifo_as_external_metrics_is_reported_and_not_waited_for(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    pipe = machine.folder / "rows.jsonl"
    os.mkfifo(pipe)
    scheduler.metrics_from = v1.MetricsFrom(file=str(pipe))
    run_name = scheduler.add("sleep", "1")
    agent = machine.start("--count", "1", "--no-context")
    assert scheduler.ended(run_name).exit is not None
    assert agent.ended() == 0
    messages = [str(event["message"]) for event in agent.events("notice")]
    assert [text for text in messages if "it is a FIFO, not a regular file" in text]
