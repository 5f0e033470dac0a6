"""The environment in which frameworks are installed, and the results of runs of scripts there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import cast

from system.installation import Installation

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-frameworks" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "scripts"
Row = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A run that has ended."""

    run: Row
    rows: list[Row]
    folder: Path

    def values(self, key: str) -> list[float]:
        """Return what was logged under a key, in order."""
        return [value for row in self.rows if isinstance(value := row.get(key), int | float)]

    @property
    def details(self) -> Row:
        """Details that the script has written."""
        report: Row = json.loads((self.folder / "details.json").read_bytes())
        return report

    @property
    def config(self) -> Row:
        """Its configuration."""
        return cast("Row", self.details["config"])

    @property
    def summary(self) -> Row:
        """Summary values that the script has set."""
        return cast("Row", self.details["summary"])

    def files(self, pattern: str) -> list[Path]:
        """Return its files."""
        return sorted((self.folder / "files").glob(pattern))


def train(installation: Installation, script: str, sweep: str) -> list[Trained]:
    """Run a sweep of an unchanged script with an agent of another Python; return its runs."""
    copytree(SCRIPTS, installation.work, dirs_exist_ok=True)
    installation.start_server()
    name = installation.create(f"program: {script}\n{sweep}")
    agent = installation.start_agent(
        name, "--interpreter", str(PYTHON), "--keep", "1h", "--slots", "1", state="agent"
    )
    assert agent.process.wait(400) == 0, agent.log()[-2000:]
    return [_trained(installation, run) for run in installation.export(name, "run")]


def _trained(installation: Installation, run: Row) -> Trained:
    log = installation.ctl("logs", str(run["run"]), code=None).stdout
    assert run["state"] == "finished", log[-3000:]
    (folder,) = (
        path.parent
        for path in (installation.folder / "agent").rglob("assignment.json")
        if json.loads(path.read_bytes())["key"][0] == run["run"]
    )
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return Trained(run=run, rows=rows, folder=folder)
