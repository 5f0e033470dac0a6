"""Fixture: a home folder; its daemons are killed after the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from component.kernel.small_processes import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home_folder = Home(tmp_path)
    yield home_folder
    home_folder.close()
