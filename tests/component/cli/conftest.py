"""Fixtures for `sweepctl`: a server in this process, and calls as `main` makes them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from component.cli.scripted_servicers import TOKEN, ScriptedServer
from sweepd import v1
from sweepd.cli.main import main
from sweepd.spec.point import Json
from unit.cli.messages import NAME, a_run, a_sweep


@dataclass(frozen=True, slots=True)
class Called:
    """Result of a `sweepctl` call."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        """Stdout, read as JSON."""
        document: Json = json.loads(self.out)
        return document

    @property
    def lines(self) -> list[dict[str, Json]]:
        """Stdout, read as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Ctl:
    """Calls `sweepctl`."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int | None = 0) -> Called:
        """Run a command and check its exit code (None: any)."""
        ended = main(arguments)
        captured = self._capsys.readouterr()
        called = Called(int(ended), captured.out, captured.err)
        assert code is None or called.code == code, called
        return called


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder without a server and without settings."""
    for name in [name for name in os.environ if name.startswith("SWEEPD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def offline(home: Path, capsys: pytest.CaptureFixture[str]) -> Ctl:
    """Return `sweepctl` without a known server."""
    return Ctl(capsys)


@pytest.fixture
def ctl(
    server: ScriptedServer, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Ctl:
    """Return `sweepctl` that finds the server by its environment."""
    monkeypatch.setenv("SWEEPD_ADDRESS", server.address)
    monkeypatch.setenv("SWEEPD_TOKEN", TOKEN)
    return Ctl(capsys)


@pytest.fixture
def environ(server: ScriptedServer, home: Path) -> dict[str, str]:
    """Return the environment of a process that calls the server, which has one sweep."""
    server.sweeps.sweeps[NAME] = a_sweep()
    return {**os.environ, "SWEEPD_ADDRESS": server.address, "SWEEPD_TOKEN": TOKEN, "TERM": "xterm"}


@pytest.fixture
def three_runs(server: ScriptedServer) -> None:
    """Serve a sweep with three runs: two that have a value, and one that is live."""
    server.sweeps.sweeps[NAME] = a_sweep()
    for number, value in ((1, 0.5), (2, 0.25), (3, None)):
        state = v1.RUN_STATE_FINISHED if value else v1.RUN_STATE_RUNNING
        run = a_run(number, value=value, state=state, params={"lr": number / 10, "name": "a b"})
        run.attempts[0].argv[:] = ["/usr/bin/env", "python", "train.py", f"--lr={number / 10}", "--name=a b"]
        server.sweeps.runs[run.name] = run
