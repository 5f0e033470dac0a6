"""Fixtures: a scripted scheduler, and a machine with real agent processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from component.agent.agent_processes import Machine
from component.agent.scripted_scheduler import ScriptedScheduler


@pytest.fixture
def scheduler() -> Iterator[ScriptedScheduler]:
    scheduler = ScriptedScheduler()
    yield scheduler
    scheduler.close()


@pytest.fixture
def machine(tmp_path: Path, scheduler: ScriptedScheduler) -> Iterator[Machine]:
    machine = Machine(tmp_path, scheduler.start())
    yield machine
    machine.kill_everything()
