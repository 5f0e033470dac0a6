"""Search for the files of a run where some folders and records are unreadable."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweepd import v1
from sweepd_agent.files.run_files import RunFiles
from sweepd_agent.wire.lanes import Lane
from sweepd_metric_store.domain.files import MAX_NUMBER, follows


def a_lane(files: RunFiles) -> Lane:
    """Files on a stream that accepts them."""
    lane = Lane(v1.LANE_FILES, files, lambda: 0.0)
    lane.open(2**20, None)
    return lane


def name_of(piece: v1.LanePiece) -> str:
    return v1.FilePiece.FromString(piece.body).name


def test_an_unreadable_folder_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fake the system's error for an unreadable folder, since root can read all folders."""
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
    lane = a_lane(files)
    sent = []
    while (report := lane.next(v1.AttemptRef())) is not None:
        sent.append(name_of(report.piece))
    assert sent == ["a/x", "z/x"]
    assert complaints == [f"the files in {tmp_path}/files/closed cannot be listed: Permission denied"]


@pytest.mark.parametrize("clock", [1_000.0, 2**31 + 5.0])
def test_no_file_is_lost_if_the_clock_of_an_earlier_agent_was_ahead(tmp_path: Path, clock: float) -> None:
    """P10: what an earlier agent sent has higher numbers, which acknowledge nothing of this one."""
    (tmp_path / "files").mkdir()
    for name in ("a", "b"):
        (tmp_path / "files" / name).write_text(name)
    files = RunFiles(tmp_path, lambda _: None, lambda: 0.0, lambda: clock)
    files.look(ended=True)
    lane = a_lane(files)
    cursor = ((2**31 - 2**20 + 10) << 32) + 7
    stored = []
    while not lane.delivered:
        report = lane.next(v1.AttemptRef())
        if report is not None and follows(report.piece.end, cursor):
            cursor = report.piece.end
            stored.append(name_of(report.piece))
        lane.acknowledged(cursor)
    assert stored == ["a", "b"]
    assert cursor <= MAX_NUMBER


def test_an_agent_started_in_the_same_second_uses_higher_numbers_than_its_predecessor(tmp_path: Path) -> None:
    """P10: otherwise acknowledgements of its predecessor would count for its own files."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_text("a")
    series = []
    for _ in range(2):
        files = RunFiles(tmp_path, lambda _: None, lambda: 0.0, lambda: 1_000.0)
        files.look(ended=True)
        lane = a_lane(files)
        for _ in range(2):
            lane.open(2**20, None)
            report = lane.next(v1.AttemptRef())
            assert report is not None
            series.append(report.piece.end >> 32)
    assert series == sorted(set(series))


@pytest.mark.parametrize(
    "record", ["[]", "{}", '{"files": {}, "series": "x"}', '{"files": {}, "series": 1e999}', "{"]
)
def test_an_unreadable_record_leaves_the_numbers_to_the_clock(tmp_path: Path, record: str) -> None:
    (tmp_path / "delivered-files.json").write_text(record)
    assert RunFiles(tmp_path, lambda _: None, lambda: 0.0, lambda: 1_000.0).restart(0) == 1_000 << 32


@pytest.mark.parametrize("series", [-1, 2**31, 2**80])
def test_a_recorded_series_out_of_range_is_ignored(tmp_path: Path, series: int) -> None:
    (tmp_path / "delivered-files.json").write_text(f'{{"files": {{}}, "series": {series}}}')
    assert RunFiles(tmp_path, lambda _: None, lambda: 0.0, lambda: 1_000.0).restart(0) == 1_000 << 32
