"""Files and folders that only this account can read, whatever the umask."""

import ast
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweepd.private_files import create_file, make_folder, replace_file

ROOT = Path(__file__).parents[3]
SOURCES = ("client/sweepd", "agent/sweepd_agent", "services")
MAKERS = {"mkdir", "makedirs"}


@pytest.fixture
def _no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_no_umask")
def test_every_created_folder_is_private(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / name) for name in ("a", "a/b", "a/b/c")] == [0o700] * 3


@pytest.mark.usefixtures("_no_umask")
def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    make_folder(tmp_path / "shared")
    make_folder(tmp_path / "shared" / "own")
    assert (mode(tmp_path / "shared"), mode(tmp_path / "shared/own")) == (0o755, 0o700)


def test_a_file_in_place_of_a_folder_and_an_unexpected_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        make_folder(tmp_path / "file" / "inner")
    make_folder(tmp_path / "new", exist_ok=False)
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "new", exist_ok=False)


@pytest.mark.lengthy
def test_programs_create_folders_only_with_make_folder() -> None:
    others = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for source in SOURCES
        for path in (ROOT / source).rglob("*.py")
        if path != ROOT / "client/sweepd/private_files.py"
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute) and node.attr in MAKERS
    ]
    assert others == []


def test_a_file_is_replaced_atomically_by_a_private_one(tmp_path: Path) -> None:
    replace_file(tmp_path / "a", "old")
    replace_file(tmp_path / "a", "new é")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "new é"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError, match="b"):
        replace_file(tmp_path / "b", "content")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_of_concurrent_processes_that_create_a_file_one_succeeds(tmp_path: Path) -> None:
    create_file(tmp_path / "a", "first")
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "a", "second")
    assert (tmp_path / "a").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
