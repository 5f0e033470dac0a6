"""Checksums of rows: any damage of a row is detected."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sweepd_metric_store.domain.checksum import checksum, is_intact

ROW = (1, 2, b"body")


def test_a_row_matches_its_own_checksum() -> None:
    assert is_intact(ROW, checksum(ROW))


@pytest.mark.parametrize(
    "damaged",
    [
        (1, 2, b"bodi"),
        (2, 1, b"body"),
        (1, b"body"),
        ("1", 2, b"body"),
        (1.0, 2, b"body"),
        (2**63, 2, b"body"),
        (1, 2, "body"),
        (1, 2, None),
    ],
)
def test_a_damaged_row_does_not_match_its_checksum(damaged: Sequence[object]) -> None:
    assert not is_intact(damaged, checksum(ROW))


@pytest.mark.parametrize("stored", [None, "", 0, checksum(ROW) + 1])
def test_a_damaged_checksum_matches_no_row(stored: object) -> None:
    assert not is_intact(ROW, stored)
