"""Runs small training programs as separate processes, and reads the files they leave."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from sweepd.metrics_file import closed_segments

ROOT = Path(__file__).resolve().parents[3]


def environment_of(run_folder: Path, **more: str) -> dict[str, str]:
    """Return the environment that an agent gives to the program of a run."""
    return {
        "SWEEPD_RUN_DIR": str(run_folder),
        "SWEEPD_METRICS_FILE": str(run_folder / "metrics.jsonl"),
        "SWEEPD_RUN_ID": "acme/mnist/r1",
        "SWEEPD_SWEEP_ID": "acme/mnist/s1",
        "SWEEPD_ATTEMPT": "2",
        "SWEEPD_CHECKPOINT_DIR": str(run_folder / "checkpoints"),
        **more,
    }


def start(
    source: str, *, cwd: Path, env: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Start a program; `spawn` needs its source in a file."""
    program = cwd / "program.py"
    program.write_text(textwrap.dedent(source))
    outside = {name: value for name, value in os.environ.items() if not name.startswith("SWEEPD_")}
    return subprocess.Popen(
        [sys.executable, str(program)],
        cwd=cwd,
        # Without the servers of this account: none of these runs may be sent there.
        env={**outside, "XDG_STATE_HOME": str(cwd), "PYTHONPATH": str(ROOT / "client"), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=stdin,
        text=True,
    )


def run(source: str, *, cwd: Path, env: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Run a program to its successful end; return its output and its error output."""
    with start(source, cwd=cwd, env=env) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output, errors


def rows(metrics_file: Path) -> list[dict[str, object]]:
    """Return the rows of all segments, oldest first, after checking that every line is complete."""
    segments = [path for _, path in closed_segments(metrics_file)]
    if metrics_file.exists():
        segments.append(metrics_file)
    return list(_rows(segments))


def details(run_folder: Path) -> dict[str, object]:
    """Return the details that a script has written about its run."""
    return cast(dict[str, object], json.loads((run_folder / "details.json").read_bytes()))


def _rows(segments: Iterable[Path]) -> Iterable[dict[str, object]]:
    for segment in segments:
        content = segment.read_bytes()
        assert content.endswith(b"\n")
        yield from (cast(dict[str, object], json.loads(line)) for line in content.splitlines() if line)


def without_time(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row without its timestamp."""
    return {key: value for key, value in row.items() if key != "_time"}


def only_folder(parent: Path) -> Path:
    (folder,) = (parent / "sweepd-runs").iterdir()
    return folder
