"""Folders that `sweepctl sync` reads; they may contain anything."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sweepd.cli.commands.local.sync import SyncFolder, find, is_synced
from sweepd.cli.failures import Problem
from sweepd.client import Client
from sweepd.script.folder.sync import script_pid


def test_a_folder_of_fifos_is_not_a_run_and_reading_it_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    for name in ("run.json", "script.json", "metrics.jsonl", "delivered", "agent/claim"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(Problem, match="no run in"):
        find([tmp_path])
    assert script_pid(tmp_path) is None
    assert not is_synced(Client.__new__(Client), SyncFolder(tmp_path, "local/demo/run"))


def test_a_link_to_a_run_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(json.dumps({"run": "local/demo/run"}))
    (tmp_path / "latest").symlink_to("run")
    (found,) = find([tmp_path / "latest"])
    assert found.run == "local/demo/run"
