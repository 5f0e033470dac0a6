"""A home folder whose daemons end with the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from component.kernel.small_processes import Daemon, Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path)
    yield place
    place.close()


@pytest.fixture
def daemon(home: Home) -> Daemon:
    return home.up()
