"""Files of a run as they are written here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sweepd.objects.download import DigestError, save

CONTENT = b"weights"
DIGEST = hashlib.sha256(CONTENT).digest()


def test_a_file_has_the_rights_of_any_that_is_made_here(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    assert save(tmp_path / "model.pt", [CONTENT[:3], CONTENT[3:]], DIGEST) == len(CONTENT)
    assert (tmp_path / "model.pt").read_bytes() == CONTENT
    assert (tmp_path / "model.pt").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_link_in_its_place_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / "model.pt").symlink_to(tmp_path / "precious")
    save(tmp_path / "model.pt", [CONTENT], DIGEST)
    assert not (tmp_path / "model.pt").is_symlink()
    assert (tmp_path / "precious").read_bytes() == b"mine"


def test_what_has_changed_on_its_way_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DigestError, match="changed during the download"):
        save(tmp_path / "model.pt", [b"weihgts"], DIGEST)
    assert list(tmp_path.iterdir()) == []
