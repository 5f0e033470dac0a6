"""Scratch folders left by killed demonstrations."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sweepd.cli.commands.local.demo import remove_leftovers


def test_only_folders_whose_owner_has_ended_are_removed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    owners = {"dead": str(process.pid), "live": str(os.getpid()), "odd": "nobody", "new": None}
    for name, owner in owners.items():
        folder = tmp_path / f"sweepd-demo-{name}"
        folder.mkdir()
        if owner is not None:
            (folder / "owner.pid").write_text(owner)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/owner.pid").write_text(str(process.pid))
    (tmp_path / "sweepd-demo-link").symlink_to(tmp_path / "elsewhere")
    remove_leftovers(tmp_path)
    left = {entry.name for entry in tmp_path.iterdir()}
    assert left == {"sweepd-demo-live", "sweepd-demo-odd", "sweepd-demo-new", "sweepd-demo-link", "elsewhere"}
