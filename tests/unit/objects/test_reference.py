"""The Python reference agrees with the docstrings.

After a change on purpose, write it again with

    REGENERATE=1 .venv/bin/pytest tests/unit/objects/test_reference.py
"""

from __future__ import annotations

import os
from pathlib import Path

import sweepd
from unit.objects.reference import reference

PAGE = Path(__file__).resolve().parents[3] / "docs" / "python-reference.md"


def test_the_reference_is_that_of_the_docstrings() -> None:
    page = reference()
    if os.environ.get("REGENERATE"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page


def test_the_reference_has_every_public_name() -> None:
    page = reference()
    assert [name for name in sweepd.__all__ if f"`{name}" not in page] == []
