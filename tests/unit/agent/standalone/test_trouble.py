"""Warnings that an agent leaves for a script to print."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweepd.script.folder.run_folder import FILE, LEFT, print_failure
from sweepd_agent.standalone.drain import Trouble

AGAIN = "`sweepctl sync sweepd-runs/a` tries again"
WARNING = f"sweepd: host:1 has not received all data of the run in sweepd-runs/a: no; {AGAIN}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "sweepd-runs" / "a"
    (folder / "agent").mkdir(parents=True)
    return folder


def test_a_failure_is_printed_once_and_not_left_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trouble = Trouble(folder)
    trouble.record("host:1", "no")
    for _ in range(2):
        print_failure(folder / FILE)
        trouble.record("host:1", "no")
    trouble.leave()
    print_failure(folder.parent / LEFT)
    assert capsys.readouterr().err == WARNING


def test_a_failure_that_the_script_has_not_printed_is_left_to_the_next_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trouble = Trouble(folder)
    trouble.record("host:1", "no")
    trouble.leave()
    print_failure(folder / FILE)
    assert capsys.readouterr().err == ""
    print_failure(folder.parent / LEFT)
    assert capsys.readouterr().err == WARNING


def test_a_failure_is_cleared_once_the_server_has_received_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Trouble(folder).record("host:1", "no")
    trouble = Trouble(folder)
    trouble.record("host:1", "")
    trouble.leave()
    print_failure(folder / FILE)
    print_failure(folder.parent / LEFT)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("content", ["", "{}", "[]", "{", '{"server": "a"}'])
def test_invalid_content_is_not_printed(
    folder: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / FILE).write_text(content)
    print_failure(folder / FILE)
    assert capsys.readouterr().err == ""
