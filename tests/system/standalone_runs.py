"""Scripts of standalone runs as processes, and the state of their runs on the server."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sweepd.client import Client
from sweepd.errors import ClientError
from sweepd.rpc.discovery import resolve
from sweepd.views.run import run_shape
from sweepd.views.spec_shapes import Shape
from sweepd.views.summary import run_summary
from system.installation import Installation
from system.promises import parent_of
from waiting import PATIENCE, until

# Logs a number of rows; the second argument chooses how the script ends.
SCRIPT = """
import os, sys, time
from pathlib import Path
import sweepd

rows, ending = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "well"
config = {"lr": 0.1, "opt": {"name": "adam"}, "where": "by hand"}
run = sweepd.init(name="baseline", tags=["first", "try"], config=config)
print(os.environ["SWEEPD_RUN_DIR"], flush=True)
for step in range(rows):
    sweepd.log({"loss": 1 / (step + 1)})
while ending == "waits" and not Path("release").exists():
    sweepd.log({"loss": 0.5})
    time.sleep(0.02)
if ending == "fails":
    raise ValueError("as asked")
if ending == "exits":
    sys.exit(7)
"""


@dataclass
class Script:
    """Started script with the folder of its run and its output on standard error."""

    process: subprocess.Popen[str]
    folder: Path
    errors_printed: str

    @property
    def run(self) -> str:
        """Return the full name of the run."""
        return str(json.loads((self.folder / "run.json").read_text())["run"])

    @property
    def agent_log(self) -> str:
        """Return the log of the agent that follows the script."""
        log = self.folder / "agent" / "log"
        return log.read_text() if log.exists() else ""

    def rows(self) -> int:
        """Return the number of complete lines in the metrics file."""
        return (self.folder / "metrics.jsonl").read_bytes().count(b"\n")

    def agents(self, installation: Installation) -> list[int]:
        """Return the agents that follow the script, without forked children, which look alike briefly."""
        found: dict[int, int] = {}
        for pid in installation.processes():
            try:
                arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"sweepd_agent.standalone.drain" in arguments and str(self.folder).encode() in arguments:
                    found[pid] = parent_of(pid)
            except OSError:
                continue
        return [pid for pid, parent in found.items() if parent not in found]


def start(
    installation: Installation, rows: int, ending: str = "well", *, content: str = SCRIPT, **environment: str
) -> Script:
    """Start a script in the working folder, and wait until its run has begun."""
    installation.write("train.py", content)
    errors = installation.folder / "script.log"
    with errors.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "train.py", str(rows), ending],
            cwd=installation.work,
            env={**installation.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    with process.stdout:
        folder = process.stdout.readline().strip()
    output = errors.read_text()
    assert folder, output
    return Script(process, Path(folder), output)


def released(installation: Installation, script: Script) -> int:
    """Let a waiting script end; return its exit code."""
    (installation.work / "release").touch()
    return script.process.wait(30)


def shown(installation: Installation, run: str) -> Shape:
    """Return a run in its JSON form; empty while the run does not exist."""
    with _client(installation) as client:
        try:
            return run_shape(client.get_run(run))
        except ClientError:
            return {}


def _client(installation: Installation) -> Client:
    """Return a client configured like the commands, which is faster than a process per command."""
    target = resolve(None, installation.environment)
    return Client(target.address, target.token)


def reaches(installation: Installation, run: str, state: str, within: float = PATIENCE) -> Shape:
    """Wait until a run has a state, and return the run."""
    until(lambda: shown(installation, run).get("state") == state, within=within, what=f"{run} is {state}")
    return shown(installation, run)


def points(installation: Installation, run: str, *, all_attempts: bool = True) -> list[int]:
    """Return the stored rows of a run in order."""
    with _client(installation) as client:
        stored = client.history(run, keys=["loss"], all_attempts=all_attempts)
        return sorted(row for series in stored for part in series.chunks for row in part.rows)


def summary(installation: Installation, run: str) -> dict[str, object]:
    """Return the summary of a run."""
    with _client(installation) as client:
        return dict(run_summary(client.summaries(runs=[run]), client.get_run(run).details))


def assert_all_rows_stored(installation: Installation, script: Script) -> None:
    """Check that every written row is stored exactly once."""
    rows = script.rows()
    until(lambda: len(points(installation, script.run)) >= rows, what=script.agent_log)
    assert points(installation, script.run) == list(range(1, rows + 1))
