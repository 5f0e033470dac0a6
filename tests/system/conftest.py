"""The installation that each system test starts from, and the check that it left nothing running."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from system.common_servers import CommonServers
from system.installation import Installation
from system.wire import OnTheWire, through_the_gateway


@pytest.fixture(scope="module")
def on_the_wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnTheWire]:
    """One server for the tests of a module that only create sweeps of their own."""
    here = Installation(tmp_path_factory.mktemp("shared"))
    try:
        yield partial(through_the_gateway, here.start_server())
    finally:
        here.kill_everything()


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommonServers]:
    """The servers that tests of a module join."""
    servers = CommonServers(tmp_path_factory.mktemp("common"))
    try:
        yield servers
    finally:
        servers.kill_everything()


@pytest.fixture
def installation(tmp_path: Path, common: CommonServers) -> Iterator[Installation]:
    """A fresh home; whatever still runs at the end is killed."""
    here = Installation(tmp_path, common)
    try:
        yield here
    finally:
        here.kill_everything()
