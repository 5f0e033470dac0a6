"""Fixtures: the comparison with golden files, and a server with sweeps that have ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from frozen.golden_files import Unchanged, compare, freeze
from frozen.prepared_server import PreparedServer, prepared_server


@pytest.fixture(scope="session")
def unchanged(pytestconfig: pytest.Config) -> Unchanged:
    """Return the comparison with golden files; with `--freeze`, return the function that writes them."""
    return freeze if pytestconfig.getoption("--freeze") else compare


@pytest.fixture(scope="package")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreparedServer]:
    """Return a server on which sweeps of several kinds have ended."""
    with prepared_server(tmp_path_factory.mktemp("frozen")) as prepared:
        yield prepared
