"""The folder of an attempt, into which its script may also write."""

import json
from pathlib import Path

import pytest

from sweepd_agent.files.attempt_folder import AttemptFolder


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"key": ["local/p/s-1", 1], "rungs": [], "command": []},
        {"key": 1, "rungs": [], "command": [], "watched_keys": []},
        {"key": ["local/p/s-1", 1], "rungs": [], "command": [], "watched_keys": [], "secret": "no hex"},
        {"key": ["local/p/s-1", 1], "rungs": [], "command": [], "watched_keys": [], "odd": 1},
    ],
)
def test_an_invalid_assignment_is_ignored(tmp_path: Path, document: object) -> None:
    (tmp_path / "assignment.json").write_text(json.dumps(document))
    assert AttemptFolder(tmp_path).assignment() is None
