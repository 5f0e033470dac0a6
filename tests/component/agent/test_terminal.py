"""Terminal output of an agent, shown on a terminal only."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence

import pytest

from component.agent.agent_processes import MARK, Machine
from component.agent.scripted_scheduler import SWEEP, ScriptedScheduler

# Runs until there is a file `end`, which it removes.
UNTIL_A_FILE_EXISTS = "until rm end 2>/dev/null; do sleep 0.02; done"
Step = tuple[Callable[[str], object], Callable[[int], object]]


def on_a_terminal(
    machine: Machine, *flags: str, width: int = 0, steps: Sequence[Step] = (), **variables: str
) -> tuple[int, str]:
    """Run an agent whose standard error is a terminal; return its exit code and its output there.

    Args:
        machine: where it runs.
        flags: of the agent.
        width: columns that the terminal has at first; 0: unknown.
        steps: pairs of expected text and what is then done with the terminal, in order.
        variables: of the agent's environment.
    """
    ours, its = pty.openpty()
    if width:
        resize(ours, width)
    left = list(steps)
    own = {"HOME": str(machine.folder), MARK: machine.mark, "TERM": "xterm", "PYTHONUTF8": "1"}
    program = (sys.executable, "-m", "sweepd_agent.main", "--sweep", SWEEP)
    agent = subprocess.Popen(
        [*program, "--server", machine.address, "--state", str(machine.state), *flags],
        env={name: value for name, value in os.environ.items() if not name.startswith("SWEEPD_")}
        | own
        | variables,
        cwd=machine.folder,
        stderr=its,
    )
    os.close(its)
    written = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        written += chunk
        while left and left[0][0](written.decode(errors="ignore")):
            left.pop(0)[1](ours)
    os.close(ours)
    return agent.wait(20), written.decode()


def resize(terminal: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def drawn(written: str) -> list[int]:
    """Return the widths of the progress line, one each time it was drawn."""
    parts = [part for part in written.split("\r\x1b[K") if part.startswith("[")]
    return [len(part.partition("\r\n")[0]) for part in parts]


def staying(written: str) -> list[str]:
    """Return the lines that remain on the terminal, without erased content."""
    lines = [line.rpartition("\x1b[K")[2] for line in written.split("\r\n")]
    return [line for line in lines if line]


def test_a_progress_line_stands_below_the_log(scheduler: ScriptedScheduler, machine: Machine) -> None:
    """C15: one line at a run's start and end, a progress bar on a terminal."""
    scheduler.add("sh", "-c", UNTIL_A_FILE_EXISTS)
    scheduler.add("sh", "-c", f"{UNTIL_A_FILE_EXISTS}; exit 3")
    ahead = ("0/2 runs done · 1 live · 0 failed · 0:00:", "1/2 runs done · 1 live · 0 failed · 0:00:")
    steps: list[Step] = [
        (lambda written, line=line: line in written, lambda _: (machine.folder / "end").touch())  # type: ignore[misc]
        for line in ahead
    ]
    code, written = on_a_terminal(machine, "--count", "2", steps=steps, NO_COLOR="1")
    assert code == 0
    assert all(line in written for line in ahead)
    lines = [line.partition(" ")[2] for line in staying(written)]
    assert "run tune-1 started" in lines
    assert "run tune-1 finished" in lines
    assert "run tune-2 failed with exit code 3" in lines
    assert written.endswith(("\x1b[K", "\r\n")), "nothing of it remains"
    assert "\x1b[" not in written.replace("\x1b[K", ""), "it has no colours"


def test_control_characters_of_a_trial_or_its_sweep_file_do_not_reach_the_terminal(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    """Parameters, the name of a program, keys that were logged, the last lines of a log."""
    evil = "\x1b]0;mine\x07\x1b[2J\r\n\x9b31m\u202e"
    scheduler.notice = f"your script logged {evil}"
    scheduler.add("sh", "-c", "exit 0", params={"name": evil, "list": [evil], evil: 1})
    scheduler.add(f"no{evil}program")
    scheduler.add("sh", "-c", r"printf '\033[2Jboom\007\n'; exit 3")
    code, written = on_a_terminal(machine, "--max-consecutive-failed-runs", "2")
    assert code == 9
    shown = written.replace("\r\x1b[K", "").replace("\r\n", "\n")
    bad = {sign for sign in shown if sign != "\n" and not sign.isprintable()}
    assert not bad, written
    assert "\\x1b]0;mine\\x07\\x1b[2J\\r\\n\\x9b31m\\u202e" in shown
    lines = staying(written)
    assert len([line for line in lines if "started" in line]) == 2
    assert lines[-1] == (
        "error: 2 runs have failed in a row (--max-consecutive-failed-runs 2); run tune-3 failed with exit "
        "code 3; its last lines: \\x1b[2Jboom\\x07"
    )


def test_the_progress_line_fits_after_the_terminal_is_resized(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    scheduler.add("sh", "-c", UNTIL_A_FILE_EXISTS)
    steps: list[Step] = [
        (lambda written: 29 in drawn(written), lambda terminal: resize(terminal, 100)),
        (lambda written: max(drawn(written)) > 40, lambda terminal: resize(terminal, 12)),
        (lambda written: 11 in drawn(written)[-1:], lambda _: (machine.folder / "end").touch()),
    ]
    code, written = on_a_terminal(machine, "--count", "1", width=30, steps=steps)
    assert code == 0
    widths = drawn(written)
    assert max(widths) > 40, "complete where there is room"
    assert 29 in widths
    assert 11 in widths
    assert widths.index(29) < widths.index(max(widths)) < widths.index(11)


@pytest.mark.parametrize(
    ("flags", "term"), [((), "dumb"), (("--show-output",), "xterm"), (("--log-format", "json"), "xterm")]
)
def test_no_progress_line_is_drawn_where_it_would_disturb(
    scheduler: ScriptedScheduler, machine: Machine, flags: tuple[str, ...], term: str
) -> None:
    scheduler.add("sleep", "0.3")
    code, written = on_a_terminal(machine, "--count", "1", *flags, TERM=term)
    assert code == 0
    assert "\x1b" not in written
    assert "runs done" not in written
    if "json" in flags:
        assert [json.loads(line) for line in written.splitlines()][-1]["event"] == "exiting"


def test_no_progress_line_is_drawn_into_a_file(scheduler: ScriptedScheduler, machine: Machine) -> None:
    scheduler.add("sleep", "0.3")
    agent = machine.start("--count", "1", "--log-format", "text", TERM="xterm")
    assert agent.ended() == 0
    assert "\x1b" not in agent.log.read_text()


def test_the_agent_loads_nothing_of_the_command_line_tools() -> None:
    program = "import sweepd_agent.main, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "sweepd_agent.log" in loaded.split()
    assert not {"rich", "click", "yaml"} & set(loaded.split())
