"""The installation that each system test starts from, and the check that it left nothing running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from system.installation import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A fresh home; whatever still runs at the end is killed."""
    here = Installation(tmp_path)
    try:
        yield here
    finally:
        here.kill_everything()
