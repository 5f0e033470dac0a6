"""Data folders, each locked by one process, and token files."""

import os
from pathlib import Path

import pytest

from sweepd_kernel.errors import StartError
from sweepd_kernel.process.bootstrap import ensure_token
from sweepd_kernel.process.data_folder import DataInUseError, holder_of, lock_data_folder


def test_a_data_folder_is_locked_by_one_process_that_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert holder_of(folder) is None
    lock = lock_data_folder(folder)
    assert holder_of(folder) == os.getpid()
    with pytest.raises(DataInUseError, match=f"in use by process {os.getpid()}"):
        lock_data_folder(folder, patience=0.0)
    lock.release()
    assert holder_of(folder) is None
    lock_data_folder(folder).release()


def test_a_token_is_created_once_and_an_invalid_file_refused(tmp_path: Path) -> None:
    path = tmp_path / "below" / "token"
    token = ensure_token(path)
    assert len(token) >= 43
    assert ensure_token(path) == token
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["token"]
    path.write_text("short\n")
    with pytest.raises(StartError, match="does not contain a token"):
        ensure_token(path)
    with pytest.raises(StartError, match="cannot use the token file"):
        ensure_token(tmp_path / "below" / "token" / "x")
