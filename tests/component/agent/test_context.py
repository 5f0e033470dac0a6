"""Context of a run, recorded without the script's help, by the programs of this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from component.agent.agent_processes import Machine
from component.agent.handed_out import Attempt
from component.agent.scripted_scheduler import ScriptedScheduler
from sweepd import v1
from waiting import until

SECRET = "s3cret-of-the-environment"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    made = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return made.stdout.strip()


def put(folder: Path, name: str, text: str) -> Path:
    """Write a program into a separate folder for PATH."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def with_bin(machine: Machine) -> str:
    return f"{machine.folder / 'bin'}:{os.environ['PATH']}"


def context(scheduler: ScriptedScheduler, attempt: Attempt) -> v1.RunContext:
    scheduler.until(lambda: any(details.HasField("context") for _, details in attempt.details))
    return attempt.details[-1][1].context


def files(machine: Machine, run: str) -> dict[str, bytes]:
    """Return the context files of a run whose folder is kept."""
    folder = machine.state / "runs" / f"{run.rpartition('/')[2]}.1" / "context"
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


@needs_git
def test_repository_command_interpreter_and_host_are_recorded(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("train.py", "print('hello')\n")
    (machine.folder / "data.bin").write_bytes(bytes(range(256)))
    git(machine.folder, "init")
    git(machine.folder, "add", "train.py", "data.bin")
    git(machine.folder, "commit", "-m", "first")
    git(machine.folder, "remote", "add", "origin", f"https://me:{SECRET}@host.example/demo.git")
    machine.write("train.py", "print('hello')\nprint('changed')\n")
    (machine.folder / "data.bin").write_bytes(bytes(range(255, -1, -1)))
    run = scheduler.add("${env}", sys.executable, "train.py", "${args}", params={"lr": 0.1})
    agent = machine.start("--count", "1", "--keep", "1h", MY_PASSWORD=SECRET, SWEEPD_TOKEN=SECRET)
    found = context(scheduler, scheduler.attempt(run))
    assert agent.ended() == 0
    assert list(found.argv)[1:] == [sys.executable, "train.py", "--lr=0.1"]
    assert found.directory == str(machine.folder)
    assert found.host == os.uname().nodename
    assert found.os.startswith(f"Linux {os.uname().release}")
    assert found.cpu_count == len(os.sched_getaffinity(0))
    assert found.memory_bytes > 2**28
    assert found.git.commit == git(machine.folder, "rev-parse", "HEAD")
    assert (found.git.branch, found.git.dirty) == ("main", True)
    assert found.git.remote == "https://host.example/demo.git"
    assert found.python_version == ".".join(map(str, sys.version_info[:3]))
    assert found.package_count > 10
    left = files(machine, run)
    assert sorted(left) == ["context.json", "git.diff", "requirements.txt"]
    assert b"+print('changed')" in left["git.diff"]
    assert b"data.bin" in left["git.diff"], "a binary file is named, and nothing fails"
    installed = {f"{each.metadata['Name']}=={each.version}" for each in distributions()}
    assert set(left["requirements.txt"].decode().splitlines()) == installed
    shown = json.loads(left["context.json"])
    assert shown["git"]["commit"] == found.git.commit
    everything = b"".join(left.values()) + found.SerializeToString()
    assert SECRET.encode() not in everything, "P29 e"


@needs_git
def test_programs_configured_in_the_repository_are_not_run_and_large_diffs_are_cut(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    trap = put(machine.folder, "trap", f"#!/bin/sh\ntouch {machine.folder / 'sprung'}\n")
    machine.write("large.txt", "a\n" * 400_000)
    git(machine.folder, "init")
    (machine.folder / ".gitattributes").write_text("*.txt diff=trap\n")
    git(machine.folder, "add", "large.txt", ".gitattributes")
    git(machine.folder, "commit", "-m", "first")
    for key in ("core.fsmonitor", "diff.external", "diff.trap.textconv", "diff.trap.command", "core.pager"):
        git(machine.folder, "config", key, str(trap))
    machine.write("large.txt", "b\n" * 400_000)
    run = scheduler.add("true")
    agent = machine.start("--count", "1", "--keep", "1h")
    found = context(scheduler, scheduler.attempt(run))
    assert agent.ended() == 0
    assert found.git.dirty
    difference = files(machine, run)["git.diff"]
    assert 200_000 < len(difference) <= 256 * 1024
    assert difference.endswith(b"the rest was left out)\n")
    assert not (machine.folder / "sprung").exists()
    assert not found.python_version, "`true` runs no Python"


@needs_git
def test_a_git_that_hangs_delays_neither_start_nor_end(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    put(machine.folder, "git", "#!/bin/sh\nwhile [ ! -e enough ]; do sleep 0.05; done\nexit 128\n")
    run = scheduler.add("true")
    agent = machine.start("--count", "1", PATH=with_bin(machine))
    attempt = scheduler.ended(run, within=5)
    assert not any(details.HasField("context") for _, details in attempt.details)
    (machine.folder / "enough").touch()
    assert not context(scheduler, attempt).HasField("git")
    assert agent.ended() == 0


def test_an_agent_that_ends_leaves_no_recording_process_running(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    """P27: neither a hanging git nor a process that it has started is left."""
    put(machine.folder, "git", "#!/bin/sh\ntouch asked\nsleep 1000 &\nwait\n")
    scheduler.add("true")
    agent = machine.start(PATH=with_bin(machine))
    until((machine.folder / "asked").exists)
    for times in (1, 2):
        agent.ask(signal.SIGINT)
        until(lambda times=times: len(agent.events("draining")) == times)  # type: ignore[misc]
    assert agent.ended() == 130
    until(lambda: not machine.processes(), within=5)


def test_devices_are_those_that_the_driver_lists(scheduler: ScriptedScheduler, machine: Machine) -> None:
    """Use a fake program that prints the output of the driver's real program: no test machine has a GPU."""
    put(
        machine.folder,
        "nvidia-smi",
        "#!/bin/sh\necho 'NVIDIA A100-SXM4-40GB, 40960'\necho 'Tesla T4, 15360'\n",
    )
    run = scheduler.add("true")
    machine.start("--count", "1", PATH=with_bin(machine))
    found = context(scheduler, scheduler.attempt(run))
    assert [(gpu.name, gpu.memory_bytes >> 30) for gpu in found.gpus] == [
        ("NVIDIA A100-SXM4-40GB", 40),
        ("Tesla T4", 15),
    ]


def test_a_driver_that_fails_is_reported_as_missing(scheduler: ScriptedScheduler, machine: Machine) -> None:
    put(machine.folder, "nvidia-smi", "#!/bin/sh\nexit 9\n")
    run = scheduler.add("true")
    machine.start("--count", "1", PATH=with_bin(machine))
    found = context(scheduler, scheduler.attempt(run))
    assert list(found.missing) == [f"GPUs: {machine.folder}/bin/nvidia-smi exited with code 9"]


def test_the_interpreter_is_run_once_per_agent(scheduler: ScriptedScheduler, machine: Machine) -> None:
    """Also an interpreter that is named in the first line of a script, as launchers are."""
    python = put(machine.folder, "python3.99", f'#!/bin/sh\necho "$*" >> calls\nexec {sys.executable} "$@"\n')
    put(machine.folder, "launch", f"#!{python}\nprint('launched')\n")
    # The fake interpreter is itself a script; the kernel has to start scripts through scripts.
    runs = [scheduler.add("launch"), scheduler.add("launch"), scheduler.add(str(python), "-c", "pass")]
    agent = machine.start("--count", "3", PATH=with_bin(machine))
    for run in runs:
        assert context(scheduler, scheduler.attempt(run)).python_version
    assert agent.ended() == 0
    asked = [line for line in (machine.folder / "calls").read_text().splitlines() if "-c" in line.split()[:1]]
    assert len(asked) == 2, "once to record, once as the third run"


def test_nothing_is_recorded_where_that_is_disabled(scheduler: ScriptedScheduler, machine: Machine) -> None:
    run = scheduler.add("true")
    assert machine.start("--count", "1", "--no-context").ended() == 0
    assert scheduler.ended(run).details == []


def test_an_agent_that_adopts_a_run_reports_the_recorded_context(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.write("wait.py", "import os, time\nwhile not os.path.exists('end'):\n    time.sleep(0.02)\n")
    run = scheduler.add(sys.executable, "wait.py")
    agent = machine.start()
    attempt = scheduler.attempt(run)
    first = context(scheduler, attempt)
    agent.kill()
    count = len(attempt.details)
    agent = machine.start("--count", "1")
    scheduler.until(lambda: len(attempt.details) > count)
    assert attempt.details[-1][1].context == first
    (machine.folder / "end").touch()
    assert agent.ended() == 0
