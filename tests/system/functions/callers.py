"""Callers of `sweepd.agent`: scripts that users write, run on a machine with a server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweepd import Client, Sweep, SweepWarning
from system.installation import Installation
from waiting import until


class Home(Installation):
    """A user's machine, whose sweeps are made and looked at with a client: no process for each look."""

    client: Client

    def open(self) -> None:
        """Start a server."""
        self.server = self.start_server()
        self.client = Client(self.server.address, token=self.server.access_token)

    def close(self) -> None:
        """Leave nothing behind."""
        if hasattr(self, "client"):
            self.client.close()
        self.kill_everything()

    def grid(self, *values: object, **keys: object) -> Sweep:
        """Create a sweep over values of `x`, with additional keys."""
        config = {"method": "grid", "parameters": {"x": {"values": list(values)}}, **keys}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SweepWarning)  # that there is no program: runs are calls
            return self.client.create(config, project="default")

    def agents(self) -> list[str]:
        """Return the commands of agents, supervisors and runs."""
        return [line for line in self.commands() if "sweepd_agent" in line or "sweepd.functions" in line]

    def nothing_left(self) -> None:
        """See that no agent, supervisor or run is left, and no packed function; the server stays.

        What an agent that was killed has left is not for the next test's agent, who would tell of it.
        """
        until(lambda: not self.agents(), within=5, what="no process of an agent or a run is left")
        shutil.rmtree(self.folder / "state" / "sweepd" / "agents", ignore_errors=True)
        folders = self.folder / "state" / "sweepd" / "functions"
        assert not folders.exists() or [path.name for path in folders.iterdir()] == ["lock"]


class Caller:
    """A script of a user, in a folder of its own."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.home = home
        self.folder = folder

    def run(self, text: str, **names: object) -> subprocess.CompletedProcess[str]:
        """Run a script to its good end; the names are variables of it."""
        done = subprocess.run(
            [sys.executable, str(self._written(text, names))],
            env=self.home.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{done.returncode}: {done.stdout}\n{done.stderr}"
        return done

    @contextmanager
    def started(self, text: str, **names: object) -> Iterator[subprocess.Popen[str]]:
        """Start a script, with its output in the files `out` and `err`."""
        script = self._written(text, names)
        with (self.folder / "out").open("w") as out, (self.folder / "err").open("w") as err:
            process = subprocess.Popen(
                [sys.executable, str(script)],
                env=self.home.environment,
                cwd=self.folder,
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

    def said(self, name: str) -> str:
        """Return the text of a file in the folder; empty if it is not there."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def until_there(self, name: str) -> None:
        """Wait for a file that a function makes."""
        until((self.folder / name).exists, what=f"{name} is there; {self.said('err')}")

    def until_said(self, words: str) -> None:
        """Wait for words on standard error."""
        until(lambda: words in self.said("err"), what=f"{words!r} is said")

    def _written(self, text: str, names: dict[str, object]) -> Path:
        given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
        script = self.folder / "caller.py"
        script.write_text(f"import sweepd\n{given}{textwrap.dedent(text)}")
        return script


def states(sweep: Sweep) -> list[str]:
    """Return the states of the runs of a sweep, by number."""
    return [run.state for run in sweep.runs()]
