"""A suggestion service as a process of its own, and a caller."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from suggestion_server import SuggestionServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SuggestionServer]:
    started = SuggestionServer(tmp_path)
    started.start()
    yield started
    started.end()
