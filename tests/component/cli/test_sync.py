"""`sweepctl sync` where there is nothing to bring in, or nobody to bring it to."""

from __future__ import annotations

import json
from pathlib import Path

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer


def test_without_a_folder_of_runs_it_says_which_one_is_wanted(offline: Ctl, home: Path) -> None:
    told = offline("sync", code=3).err
    assert told.startswith("error: there is no folder sweepd-runs\n  next:  name the folder of a run, ")
    (home / "empty").mkdir()
    assert offline("sync", "empty", code=3).err.startswith("error: no run in empty\n")


def test_no_agent_is_started_for_a_server_that_is_away(ctl: Ctl, server: ScriptedServer, home: Path) -> None:
    folder = home / "sweepd-runs" / "20260131-174501-byhand42"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"run": "local/train/byhand42"}))
    server.stop()
    assert ctl("sync", code=6).err.startswith(f"error: no server answers at {server.address}\n")
    assert [path.name for path in folder.iterdir()] == ["run.json"]
