"""The Python reference agrees with the docstrings.

After an intended change, regenerate the page with

    REGENERATE=1 .venv/bin/pytest tests/unit/objects/test_reference.py
"""

from __future__ import annotations

import os
from pathlib import Path

import sweepd
from unit.objects.reference import reference

PAGE = Path(__file__).resolve().parents[3] / "docs" / "python-reference.md"


def test_the_reference_is_generated_from_the_current_docstrings() -> None:
    page = reference()
    if os.environ.get("REGENERATE"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page


def test_the_reference_has_every_public_name() -> None:
    page = reference()
    assert [name for name in sweepd.__all__ if f"`{name}" not in page] == []
