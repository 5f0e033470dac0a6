"""User scripts that call `sweepd.agent`, run on a machine with a server."""

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
    """Installation whose sweeps are created and read with a client, without a process per call."""

    client: Client

    def open(self) -> None:
        """Start a server."""
        self.server = self.start_server()
        self.client = Client(self.server.address, token=self.server.access_token)

    def close(self) -> None:
        """Close the client and kill all processes."""
        if hasattr(self, "client"):
            self.client.close()
        self.kill_everything()

    def grid(self, *values: object, **keys: object) -> Sweep:
        """Create a sweep over values of `x`, with additional keys."""
        config = {"method": "grid", "parameters": {"x": {"values": list(values)}}, **keys}
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", SweepWarning
            )  # the warning about a missing program: runs are calls of a function
            return self.client.create(config, project="default")

    def agents(self) -> list[str]:
        """Return the command lines of agents, supervisors and runs."""
        return [line for line in self.commands() if "sweepd_agent" in line or "sweepd.functions" in line]

    def nothing_left(self) -> None:
        """Check that no agent, supervisor, run or packed function is left; the server keeps running.

        The state of killed agents is removed, since the agent of the next test would report it.
        """
        until(lambda: not self.agents(), within=5, what="no process of an agent or a run is left")
        shutil.rmtree(self.folder / "state" / "sweepd" / "agents", ignore_errors=True)
        folders = self.folder / "state" / "sweepd" / "functions"
        assert not folders.exists() or [path.name for path in folders.iterdir()] == ["lock"]


class Caller:
    """User script in its own folder."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.home = home
        self.folder = folder

    def run(self, text: str, **names: object) -> subprocess.CompletedProcess[str]:
        """Run a script and check that it succeeds; `names` become its variables."""
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

    def output(self, name: str) -> str:
        """Return the text of a file in the folder, or an empty text if it does not exist."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def until_exists(self, name: str) -> None:
        """Wait until a function has created a file."""
        until((self.folder / name).exists, what=f"{name} exists; {self.output('err')}")

    def until_printed(self, words: str) -> None:
        """Wait until standard error contains a text."""
        until(lambda: words in self.output("err"), what=f"{words!r} on standard error")

    def _written(self, text: str, names: dict[str, object]) -> Path:
        given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
        script = self.folder / "caller.py"
        script.write_text(f"import sweepd\n{given}{textwrap.dedent(text)}")
        return script


def states(sweep: Sweep) -> list[str]:
    """Return the states of the runs of a sweep, by number."""
    return [run.state for run in sweep.runs()]
