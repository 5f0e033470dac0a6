"""Fixtures: one server for all tests of functions, and a folder of scripts for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from system.functions.callers import Caller, Home


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Return an installation with a server; each test creates its own sweeps."""
    here = Home(tmp_path_factory.mktemp("functions"))
    try:
        here.open()
        yield here
    finally:
        here.close()


@pytest.fixture
def caller(home: Home, tmp_path: Path) -> Iterator[Caller]:
    """Return a user script in its own folder; its processes must have ended when the test ends."""
    yield Caller(home, tmp_path)
    home.nothing_left()
