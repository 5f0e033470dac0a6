"""Callers of `sweepd.agent`: scripts that users write, run in a home of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from system.installation import Installation
from waiting import until

GRID = """
def grid(*values, **keys):
    return sweepd.sweep({"method": "grid", "parameters": {"x": {"values": list(values)}}, **keys})
"""


def write_caller(installation: Installation, text: str, name: str = "caller.py") -> Path:
    """Write a script of a user, who has `grid(*values)` for a sweep over them."""
    return installation.write(name, f"import sweepd\n{GRID}\n{textwrap.dedent(text)}")


def call(
    installation: Installation, text: str, *, code: int = 0, within: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run such a script to its end."""
    done = subprocess.run(
        [sys.executable, str(write_caller(installation, text))],
        env=installation.environment,
        cwd=installation.work,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )
    assert done.returncode == code, f"{done.returncode}: {done.stdout}\n{done.stderr}"
    return done


@contextmanager
def calling(installation: Installation, text: str) -> Iterator[subprocess.Popen[str]]:
    """Start such a script, with its output in `caller.out` and `caller.err`."""
    script = write_caller(installation, text)
    with (
        (installation.work / "caller.out").open("w") as out,
        (installation.work / "caller.err").open("w") as err,
    ):
        process = subprocess.Popen(
            [sys.executable, str(script)],
            env=installation.environment,
            cwd=installation.work,
            stdout=out,
            stderr=err,
            text=True,
            process_group=0,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def said(installation: Installation, name: str) -> str:
    """Return what a file in the working folder says; empty if it is not there."""
    path = installation.work / name
    return path.read_text() if path.exists() else ""


def runs_of(installation: Installation, sweep: str) -> list[dict[str, object]]:
    """Return the runs of a sweep as they are stored."""
    return installation.export(sweep.strip(), "run")


def states_of(installation: Installation, sweep: str) -> list[object]:
    """Return the states of the runs of a sweep, by number."""
    return [run["state"] for run in runs_of(installation, sweep)]


def nothing_left(installation: Installation) -> None:
    """See that no agent, supervisor or run is left; the server may stay."""

    def left() -> list[str]:
        return [line for line in installation.commands() if "sweep" in line and "sweepd up" not in line]

    def strangers() -> list[str]:
        return [line for line in left() if "sweepd_agent" in line or "sweepd.functions" in line]

    until(lambda: not strangers(), within=5, what="no process of an agent or a run is left")
    folders = installation.folder / "state" / "sweepd" / "functions"
    assert not folders.exists() or [path.name for path in folders.iterdir()] == ["lock"]
