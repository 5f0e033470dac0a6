"""Suggestion services as separate processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from suggestion_server import SuggestionServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuggestionServer]:
    """Server shared by tests that do not end it, as its worker takes seconds to load."""
    started = SuggestionServer(tmp_path_factory.mktemp("server"))
    started.start()
    yield started
    started.end()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[SuggestionServer]:
    """Server for one test, which may end it."""
    started = SuggestionServer(tmp_path)
    started.start()
    yield started
    started.end()
