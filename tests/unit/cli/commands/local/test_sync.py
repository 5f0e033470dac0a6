"""Command line of the process that syncs a folder."""

from __future__ import annotations

from pathlib import Path

from sweepd.cli.commands.local.sync import SyncFolder, command_for
from sweepd.durations import parse_duration


def test_the_grace_period_is_passed_on_unchanged_whatever_its_length() -> None:
    for grace in (0.0, 0.25, 60.0, 20 * 86_400 + 1.0):
        command = command_for(SyncFolder(Path("runs"), "local/train/x"), grace=grace)
        assert parse_duration(command[command.index("--grace") + 1]) == grace
        assert parse_duration(command[command.index("--wait") + 1]) >= max(grace, 60)
