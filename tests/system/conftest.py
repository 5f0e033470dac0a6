"""The installation that each system test starts from, and the check that it left nothing running."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from system.installation import Installation
from system.wire import OnTheWire, over_the_door


@pytest.fixture(scope="module")
def on_the_wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnTheWire]:
    """One server for the tests of a module that only create sweeps of their own."""
    here = Installation(tmp_path_factory.mktemp("shared"))
    try:
        yield partial(over_the_door, here.start_server())
    finally:
        here.kill_everything()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A fresh home; whatever still runs at the end is killed."""
    here = Installation(tmp_path)
    try:
        yield here
    finally:
        here.kill_everything()
