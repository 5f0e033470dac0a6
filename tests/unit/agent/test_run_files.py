"""What is found of the files of a run, where not everything can be looked at."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweepd import v1
from sweepd_agent.run_files import RunFiles
from sweepd_metric_store.domain.files import MAX_NUMBER, follows


def test_a_folder_that_cannot_be_listed_keeps_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that the script may not read itself. Root may read all, so the system's answer is put in."""
    for name in ("a", "closed", "z"):
        (tmp_path / "files" / name).mkdir(parents=True)
        (tmp_path / "files" / name / "x").write_text(name)
    scandir = os.scandir

    def refusing(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    complaints: list[str] = []
    files = RunFiles(tmp_path, complaints.append, lambda: 0.0, lambda: 0.0)
    files.look(ended=True)
    files.open(taken=True)
    sent = []
    while (report := files.next(v1.AttemptRef(), 2**20)) is not None:
        sent.append(report.file.piece.name)
    assert sent == ["a/x", "z/x"]
    assert complaints == [f"the files in {tmp_path}/files/closed cannot be listed: Permission denied"]


@pytest.mark.parametrize("clock", [1_000.0, 2**31 + 5.0])
def test_a_clock_that_was_ahead_when_files_were_numbered_before_loses_none(
    tmp_path: Path, clock: float
) -> None:
    """P10: what an agent of before has sent has higher numbers, and is no word of what this one sends."""
    (tmp_path / "files").mkdir()
    for name in ("a", "b"):
        (tmp_path / "files" / name).write_text(name)
    files = RunFiles(tmp_path, lambda _: None, lambda: 0.0, lambda: clock)
    files.look(ended=True)
    files.open(taken=True)
    cursor = ((2**31 - 2**20 + 10) << 32) + 7
    stored = []
    while not files.delivered:
        report = files.next(v1.AttemptRef(), 2**20)
        if report is not None and follows(report.file.number, cursor):
            cursor = report.file.number
            stored.append(report.file.piece.name)
        files.acknowledged(v1.Ack(file_number=cursor))
    assert stored == ["a", "b"]
    assert cursor <= MAX_NUMBER
