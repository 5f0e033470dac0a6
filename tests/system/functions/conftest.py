"""One server for all tests of functions, and for each of them a folder with scripts that call some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from system.functions.callers import Caller, Home


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A machine with a server; each test makes sweeps of its own."""
    here = Home(tmp_path_factory.mktemp("functions"))
    try:
        here.open()
        yield here
    finally:
        here.close()


@pytest.fixture
def caller(home: Home, tmp_path: Path) -> Iterator[Caller]:
    """A user's script in a folder of its own; whatever it started has ended when the test has."""
    yield Caller(home, tmp_path)
    home.nothing_left()
