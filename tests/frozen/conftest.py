"""The comparison with the golden files, and one server with sweeps for what commands and clients return."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from frozen.golden_files import Unchanged, compare, freeze
from frozen.played_through import PlayedThrough, play_through


@pytest.fixture(scope="session")
def unchanged(pytestconfig: pytest.Config) -> Unchanged:
    """Compare with the golden file; with `--freeze` write it."""
    return freeze if pytestconfig.getoption("--freeze") else compare


@pytest.fixture(scope="package")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedThrough]:
    """One server on which sweeps of several kinds have ended."""
    with play_through(tmp_path_factory.mktemp("frozen")) as played:
        yield played
