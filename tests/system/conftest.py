"""Fixtures: the installation of a system test, whose processes are killed at its end, and shared servers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from system.common_servers import CommonServers
from system.installation import Installation
from system.wire import OnTheWire, through_the_gateway


@pytest.fixture(scope="session")
def on_the_wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnTheWire]:
    """Return a function that runs a scenario against one shared server."""
    here = Installation(tmp_path_factory.mktemp("shared"))
    try:
        yield partial(through_the_gateway, here.start_server())
    finally:
        here.kill_everything()


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommonServers]:
    """Return the servers that tests share."""
    servers = CommonServers(tmp_path_factory.mktemp("common"))
    try:
        yield servers
    finally:
        servers.kill_everything()


@pytest.fixture
def installation(tmp_path: Path, common: CommonServers) -> Iterator[Installation]:
    """Return a fresh home; processes that still run at the end of the test are killed."""
    here = Installation(tmp_path, common)
    try:
        yield here
    finally:
        here.kill_everything()
