"""Permissions of files created by the commands under a umask of 0."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from system.installation import BIN, Installation

SCRIPT = """from pathlib import Path
import sweepd
run = sweepd.init()
Path(run.checkpoint_dir, "state").write_text("1")
artifact = sweepd.Artifact("kept", "data")
with artifact.new_file("inner/file.txt") as file:
    file.write("x")
run.log_artifact(artifact)
artifact.download("copies/of/it")
Path(run.dir, "note.txt").write_text("x")
run.log({"loss": 1.0, "image": sweepd.Histogram([1.0, 2.0])})
"""
SWEEP = """program: train.py
command: [python, "${program}", "${args}"]
method: grid
metric: {name: loss}
parameters: {x: {values: [1]}}
"""


def test_every_created_folder_is_private_to_the_account(installation: Installation) -> None:
    def unhidden(*words: str) -> str:
        return subprocess.run(
            words, env=environment, cwd=installation.work, umask=0, check=True, capture_output=True, text=True
        ).stdout

    environment = installation.environment | {"PYTHONDONTWRITEBYTECODE": "1"}
    ctl = str(BIN / "sweepctl")
    for name, text in (("train.py", SCRIPT), ("sweep.yaml", SWEEP)):
        installation.write(name, text)
    there = {installation.folder, installation.work}
    try:
        unhidden(ctl, "run", "sweep.yaml")
        unhidden(sys.executable, "train.py")
        unhidden(ctl, "sync")
        run = unhidden(ctl, "runs", "--project", "train", "-o", "name").splitlines()[0]
        unhidden(ctl, "files", run, "--download", "down/here")
        unhidden(ctl, "config", "set", "entity", "acme")
        checkpoints = installation.folder / "shared" / "checkpoints"
        sweep = unhidden(ctl, "create", "sweep.yaml").strip()
        state = str(installation.folder / "agents" / "one")
        unhidden(
            str(BIN / "sweep-agent"),
            "--sweep",
            sweep,
            "--state",
            state,
            "--checkpoint-root",
            str(checkpoints),
        )
    finally:
        subprocess.run([str(BIN / "sweepd"), "down"], env=installation.environment, check=False)
    made = [path for path in installation.folder.rglob("*") if path.is_dir() and path not in there]
    names = {path.name for path in made}
    assert {"sweepd-runs", "checkpoints", "sweepd", "config", "down", "copies", "one"} <= names
    assert {path: oct(_mode(path)) for path in made if _mode(path) & 0o077} == {}


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
