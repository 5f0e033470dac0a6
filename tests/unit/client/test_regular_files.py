"""Only regular files inside a folder are opened, whatever a program has put there."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from sweepd.regular_files import (
    IrregularFileError,
    entries_inside,
    open_inside,
    open_regular,
    read_inside,
    status_inside,
    write_inside,
)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fspath(path))


def make_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


ODD: dict[str, Callable[[Path], None]] = {
    "a FIFO": lambda path: os.mkfifo(path),
    "socket": make_socket,
    "a folder": lambda path: path.mkdir(),
    "a symbolic link": make_link,
}


@pytest.mark.parametrize("kind", ODD)
def test_a_file_that_is_not_regular_is_refused_without_blocking_or_following_it(
    tmp_path: Path, kind: str
) -> None:
    ODD[kind](tmp_path / "odd")
    for look in (open_inside, status_inside):
        with pytest.raises(IrregularFileError, match=kind):
            look(tmp_path, "odd")
    for flags in (os.O_WRONLY, os.O_RDWR):
        with pytest.raises(OSError, match="odd"):
            open_inside(tmp_path, "odd", flags)


def test_a_device_is_not_opened() -> None:
    with pytest.raises(IrregularFileError, match="a device"):
        open_regular("/dev/zero")


def test_a_link_outside_of_run_folders_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    os.close(open_regular(tmp_path / "link"))


@pytest.mark.parametrize("name", ["inner/file", "inner/deep/file"])
def test_no_folder_on_the_way_may_be_a_link(tmp_path: Path, name: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    (outside / "deep").mkdir(parents=True)
    (outside / "file").write_text("secret")
    (outside / "deep" / "file").write_text("secret")
    folder.mkdir()
    (folder / "inner").symlink_to(outside)
    for look in (open_inside, status_inside, entries_inside):
        with pytest.raises(NotADirectoryError, match="a symbolic link, or not a folder"):
            look(folder, name)
    with pytest.raises(NotADirectoryError):
        write_inside(folder, name, b"overwritten")
    with pytest.raises(NotADirectoryError):
        entries_inside(folder, "inner")
    with pytest.raises(NotADirectoryError):  # the folder itself may not be a link either
        open_inside(folder / "inner", "file")
    assert (outside / "file").read_text() == "secret"


def test_a_hard_link_is_a_file_like_others(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    os.link(tmp_path / "file", tmp_path / "second")
    assert read_inside(tmp_path, "second", limit=10) == b"x"


def test_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(OSError, match="larger than 1 KiB"):
        read_inside(tmp_path, "sparse", limit=1024)


@pytest.mark.parametrize("kind", [kind for kind in ODD if kind != "a folder"])
def test_a_new_file_replaces_an_existing_entry_without_writing_to_it(tmp_path: Path, kind: str) -> None:
    ODD[kind](tmp_path / "odd")
    ODD[kind](tmp_path / f".odd.{os.getpid()}")
    write_inside(tmp_path, "odd", b"new", sync=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["odd"]
    assert read_inside(tmp_path, "odd", limit=10) == b"new"
    assert Path("/etc/passwd").read_bytes() != b"new"


def test_descriptors_are_closed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "odd")
    (tmp_path / "inner").mkdir()
    for name in ("odd", "inner/missing", "missing/file", "inner"):
        with pytest.raises(OSError, match="Errno"):
            open_inside(tmp_path, name)
        with pytest.raises(OSError, match="Errno"):
            status_inside(tmp_path, name)
    entries_inside(tmp_path, "inner")
    held = [entry.resolve() for entry in Path("/proc/self/fd").iterdir()]
    assert not [path for path in held if path.is_relative_to(tmp_path)]
