"""Downloaded files of a run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sweepd.objects.download import DigestError, save

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).digest()


def test_a_downloaded_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    assert save(tmp_path / "model.pt", [CONTENT[:3], CONTENT[3:]], DIGEST) == len(CONTENT)
    assert (tmp_path / "model.pt").read_bytes() == CONTENT
    assert (tmp_path / "model.pt").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_link_in_its_place_is_replaced_and_its_target_unchanged(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / "model.pt").symlink_to(tmp_path / "precious")
    save(tmp_path / "model.pt", [CONTENT], DIGEST)
    assert not (tmp_path / "model.pt").is_symlink()
    assert (tmp_path / "precious").read_bytes() == b"mine"


def test_a_corrupted_download_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(DigestError, match="changed during the download"):
        save(tmp_path / "model.pt", [b"weihgts"], DIGEST)
    assert list(tmp_path.iterdir()) == []
