"""`sweepctl sync` without a run folder to sync, or without a server."""

from __future__ import annotations

import json
from pathlib import Path

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from component.cli.terminal import on_terminal
from unit.cli.messages import a_run


def test_without_a_run_folder_the_error_names_the_expected_folder(offline: Ctl, home: Path) -> None:
    output = offline("sync", code=3).err
    assert output.startswith("error: there is no folder sweepd-runs\n  next:  name the folder of a run, ")
    (home / "empty").mkdir()
    assert offline("sync", "empty", code=3).err.startswith("error: no run in empty\n")


def test_on_a_terminal_each_folder_is_reported_once(
    ctl: Ctl, environ: dict[str, str], server: ScriptedServer, home: Path
) -> None:
    """Without a terminal, stderr has the progress and stdout only data."""
    folder = home / "sweepd-runs" / "20260131-174501-byhand42"
    (folder / "agent").mkdir(parents=True)
    run = a_run()
    run.name, run.sweep = "local/train/byhand42", ""
    run.create_time.FromSeconds(7)
    server.sweeps.runs[run.name] = run
    (folder / "run.json").write_text(json.dumps({"run": run.name}))
    (folder / "agent" / "claim").write_text("created 7000000\n")
    (folder / "delivered").touch()
    code, shown = on_terminal(["sync", str(folder)], environ, b"")
    assert code == 0
    assert shown.splitlines() == [
        "Syncing 1 folder …",
        "RUN                   OUTCOME        ROWS",
        "local/train/byhand42  there-already  0",
    ]
    piped = ctl("sync", str(folder), "-o", "name")
    assert (piped.out, piped.err) == (f"{run.name}\n", f"{run.name}: already on the server\n")


def test_no_agent_is_started_for_a_server_that_is_unavailable(
    ctl: Ctl, server: ScriptedServer, home: Path
) -> None:
    folder = home / "sweepd-runs" / "20260131-174501-byhand42"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"run": "local/train/byhand42"}))
    server.stop()
    assert ctl("sync", code=6).err.startswith(f"error: no server answers at {server.address}\n")
    assert [path.name for path in folder.iterdir()] == ["run.json"]
