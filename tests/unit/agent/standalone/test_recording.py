"""Context of a standalone script: recorded only while it can still be determined."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from sweepd_agent.process import proc
from sweepd_agent.standalone.drain import recorder_of
from sweepd_agent.standalone.run import StandaloneFolder


def a_folder(path: Path, *, script: dict[str, object] | None = None, **noted: object) -> StandaloneFolder:
    run = {"run": "local/train/abcdefgh", "program": "train.py", "started": time.time() - 60.0, **noted}
    this = {
        "pid": os.getpid(),
        "start": proc.start_ticks(os.getpid()),
        "boot": proc.boot_id(),
        "argv": ["python", "train.py"],
        "directory": str(path),
        "interpreter": "/usr/bin/python",
    }
    (path / "run.json").write_text(json.dumps(run))
    (path / "script.json").write_text(json.dumps({**this, **(script or {})}))
    return StandaloneFolder(path)


def test_the_context_of_a_running_script_is_recorded(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    assert recorder_of(folder) is not None
    assert folder.arguments() == ["python", "train.py"]


def test_the_context_of_a_script_that_ended_before_its_agent_started_is_recorded(tmp_path: Path) -> None:
    ended_script: dict[str, object] = {"start": 1}
    assert (
        recorder_of(a_folder(tmp_path, script=ended_script, ended=time.time() - 1.0, exit_code=0)) is not None
    )


@pytest.mark.parametrize(
    "script", [{"start": 1}, {"pid": 2**22 + 1}, {"boot": "another"}, {"directory": None}, {"argv": None}]
)
def test_no_context_is_recorded_for_a_script_that_cannot_be_identified(
    tmp_path: Path, script: dict[str, object]
) -> None:
    assert recorder_of(a_folder(tmp_path, script=script)) is None


def test_no_context_is_recorded_for_a_run_that_ended_long_ago(tmp_path: Path) -> None:
    assert recorder_of(a_folder(tmp_path, ended=time.time() - 3_600.0, exit_code=0)) is None


def test_the_context_is_recorded_once_per_attempt(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    for name in (".message", "git.diff"):
        (context / name).write_bytes(b"")
    recorder_of(a_folder(tmp_path))
    assert (context / "git.diff").exists()
    recorder_of(a_folder(tmp_path, attempt=2, resumed=time.time() + 1.0))
    assert not context.exists()
