"""Signals with real processes; no child outlives the command that started it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from component.cli.terminal import SWEEPCTL, on_terminal
from sweepd import v1
from sweepd.spec.point import Json
from unit.cli.messages import NAME, a_run, a_sweep
from waiting import until

START_AND_WAIT = """
import os, sys, time
from pathlib import Path
from sweepd.cli.commands.local.processes import start
child = start(["sleep", "60"], folder=Path.cwd(), environ=os.environ)
print(child.pid, flush=True)
time.sleep(60)
"""

SCRATCH_FOLDER = """
import sys, time
from pathlib import Path
from sweepd.cli.commands.local.processes import Interrupts
from sweepd.cli.commands.local.demo import ScratchFolder
with Interrupts() as interrupts:
    scratch = ScratchFolder(interrupts, {}, None)
    try:
        try:
            child = scratch.start(["sleep", "60"], folder=scratch.folder, log=scratch.folder / "log")
            print(scratch.folder, child.pid, flush=True)
            time.sleep(60)
        finally:
            interrupts.close()
    finally:
        scratch.close()
"""


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def python(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def words(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def test_a_child_ends_when_the_command_is_killed(home: Path) -> None:
    with python(START_AND_WAIT) as process:
        (pid,) = words(process)
        process.kill()
        until(lambda: has_ended(int(pid)))


def test_ctrl_c_of_the_terminal_does_not_reach_a_child(home: Path) -> None:
    with python(START_AND_WAIT) as process:
        (pid,) = words(process)
        assert os.getpgid(int(pid)) == int(pid)
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_scratch_folder_is_removed_after_a_signal(home: Path, number: signal.Signals) -> None:
    with python(SCRATCH_FOLDER) as process:
        folder, pid = words(process)
        assert Path(folder).is_dir()
        process.send_signal(number)
        assert process.wait(15) != 0
    assert has_ended(int(pid))
    assert not Path(folder).exists()


def test_ctrl_c_ends_a_watch_without_a_traceback(environ: dict[str, str]) -> None:
    with subprocess.Popen(
        [*SWEEPCTL, "watch", NAME], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "sweep running" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == ""


def test_a_watched_list_appends_changed_sweeps(environ: dict[str, str], server: ScriptedServer) -> None:
    command = [*SWEEPCTL, "list", "--watch", "-o", "name"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{NAME}\n"
        server.sweeps.sweeps["local/train/new"] = a_sweep("local/train/new")
        assert process.stdout.readline() == "local/train/new\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_a_watched_list_is_redrawn_in_place_without_a_pager(
    environ: dict[str, str], server: ScriptedServer, home: Path
) -> None:
    pager = home / "pager"
    pager.write_text("#!/bin/sh\necho paged\n")
    pager.chmod(0o700)
    for number in range(30):
        server.sweeps.sweeps[f"local/train/s{number}"] = a_sweep(f"local/train/s{number}")
    environ = environ | {"PAGER": str(pager), "LINES": "10", "COLUMNS": "80", "NO_COLOR": "1"}
    for words in (["list", "--watch"], ["list", "--watch", "--sort", "name"]):
        code, shown = on_terminal(words, environ, b"\x03", asked=b"\x1b[J\x1b[H")
        screens = shown.split("\x1b[H")[1:]
        assert "paged" not in shown
        assert len(screens) >= 2
        assert all("NAME" in screen for screen in screens[:-1])
        lines = screens[0].replace("\x1b[K", "").split("\x1b[J")[0].splitlines()
        assert len(lines) == 9
        assert lines[-1] == "… and 24 more"
        assert max(map(len, lines)) <= 80
        assert code == 130


def test_watched_runs_are_redrawn_on_a_terminal_and_appended_in_a_pipe(
    environ: dict[str, str], server: ScriptedServer
) -> None:
    server.sweeps.runs[f"{NAME}-1"] = a_run(1, state=v1.RUN_STATE_RUNNING)
    code, shown = on_terminal(["runs", NAME, "--watch"], environ, b"\x03", asked=b"\x1b[J\x1b[H")
    assert code == 130
    assert "running" in shown
    command = [*SWEEPCTL, "runs", NAME, "--watch", "-o", "name"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{NAME}-1\n"
        server.sweeps.runs[f"{NAME}-2"] = a_run(2)
        assert process.stdout.readline() == f"{NAME}-2\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize(
    "words",
    [["list"], ["runs", NAME], ["get", NAME], ["get", f"{NAME}-1"], ["explain", f"{NAME}-1"], ["agents"]],
)
def test_no_line_is_wider_than_the_terminal(
    environ: dict[str, str], server: ScriptedServer, words: list[str], width: int
) -> None:
    server.sweeps.sweeps[NAME].spec.name = "a title of many words " * 5
    server.sweeps.sweeps[NAME].reason = "a reason of many words " * 9
    params: dict[str, Json] = {f"a_parameter_{number}": f"some-long-value-{number}" for number in range(12)}
    failed = a_run(1, state=v1.RUN_STATE_FAILED, value=0.0001234, params=params)
    failed.reason = failed.attempts[0].reason = "exited with code 1: a last line of many words " * 4
    server.sweeps.runs[failed.name] = failed
    server.agents.agents.append(
        v1.Agent(
            id="8bnf2s3e67nsxgs0mrb3ew1x3e", host="a-host.of.some.length", runs=[failed.name] * 9, slots=9
        )
    )
    code, shown = on_terminal(words, environ | {"COLUMNS": str(width), "PAGER": ""}, b"")
    assert code == 0
    text = re.sub("\x1b\\[[0-9;]*m", "", shown)
    assert [line for line in text.splitlines() if len(line) > width] == []
    assert not {line.rpartition(" ")[2] for line in text.split("\r\n")} & {"ma", "man", "wor", "word", "lin"}


def test_ctrl_c_in_the_pager_is_left_to_the_pager(environ: dict[str, str], home: Path) -> None:
    pager = home / "pager"
    pager.write_text("#!/bin/sh\nkill -INT $PPID\ncat\necho paged to the end\n")
    pager.chmod(0o700)
    environ = environ | {"PAGER": str(pager), "LINES": "1", "COLUMNS": "200"}
    code, shown = on_terminal(["list"], environ, b"")
    assert NAME in shown
    assert "paged to the end" in shown
    assert code == 0


def test_a_failed_write_is_reported_in_one_line(environ: dict[str, str]) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            [*SWEEPCTL, "list"], env=environ, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


@pytest.mark.parametrize(("closed", "command_line", "code"), [(">&-", "list", 0), ("2>&-", "get nope", 3)])
def test_output_to_a_closed_stream_is_discarded(
    environ: dict[str, str], closed: str, command_line: str, code: int
) -> None:
    command = f"exec {sys.executable} -m sweepd.cli.main {command_line} {closed}"
    done = subprocess.run(["bash", "-c", command], env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


def test_cancel_asks_for_confirmation_on_a_terminal(environ: dict[str, str], server: ScriptedServer) -> None:
    code, shown = on_terminal(["cancel", NAME], environ, b"n\n")
    assert code == 1
    assert "kill its live runs?" in shown
    assert server.sweeps.requests == []
    code, shown = on_terminal(["cancel", NAME], environ, b"y\n")
    assert code == 0
    assert len(server.sweeps.requests) == 1


def test_colour_is_used_on_terminals_and_can_be_turned_off(
    ctl: Ctl, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        environ.pop(name, None)
        monkeypatch.delenv(name, raising=False)
    running = "\x1b[32mrunning\x1b[0m"
    assert running in on_terminal(["list"], environ, b"")[1]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert running in ctl("list").out
    assert "\x1b" not in ctl("list", "--color", "never").out
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in ctl("list").out
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in ctl("list").out


def test_colour_can_be_forced_in_a_pipe(ctl: Ctl, environ: dict[str, str]) -> None:
    assert "\x1b[32m" in ctl("list", "--color", "always").out
    assert "\x1b" not in ctl("list").out
