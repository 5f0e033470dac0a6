"""Fixture: a real metric store for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from component.metric_store.processes import StoreProcess


@pytest.fixture
def metric_store(tmp_path: Path) -> Iterator[StoreProcess]:
    store = StoreProcess(tmp_path)
    store.start()
    yield store
    store.end_all()
