"""Tests of the console that `sweepctl run` shows while a local agent process runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from component.cli.scripted_servicers import TOKEN, ScriptedServer
from sweepd import v1
from sweepd.cli.commands.local.console import LocalAgent, Outcome, SweepConsole
from sweepd.cli.commands.local.processes import SignalBox
from sweepd.cli.show.progress import Notice, Progress
from sweepd.client import Client
from unit.cli.messages import NAME, a_run, a_sweep
from waiting import until

# Fake agent: prints log events, records each signal, and ends after a number of signals or at the file `end`.
FAKE_AGENT = """
import json, signal, sys, time
from pathlib import Path
from typing import Self
received = []
def receive(number, frame):
    received.append(signal.Signals(number).name)
    Path("received").write_text(" ".join(received))
signal.signal(signal.SIGINT, receive)
signal.signal(signal.SIGTERM, receive)
for event in json.loads(sys.argv[1]):
    print(json.dumps(event) if isinstance(event, dict) else event, file=sys.stderr, flush=True)
Path("ready").touch()
while len(received) < int(sys.argv[2]) and not Path("end").exists():
    time.sleep(0.02)
sys.exit(int(sys.argv[3]))
"""


class RecordingConsole:
    """Console that records its notices and can react to them."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self._reactions: list[tuple[str, Callable[[], object]]] = []

    def when(self, part: str, action: Callable[[], object]) -> None:
        """Call `action` on each notice that contains `part`."""
        self._reactions.append((part, action))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def notify(self, notice: Notice) -> None:
        self.notices.append(notice)
        for part, action in self._reactions:
            if part in notice.text:
                action()

    def show(self, progress: Progress) -> None:
        return None

    @property
    def texts(self) -> list[str]:
        return [notice.text for notice in self.notices]


@contextmanager
def agent(folder: Path, events: str = "[]", *, signals: int = 9, code: int = 0) -> Iterator[LocalAgent]:
    command = [sys.executable, "-c", FAKE_AGENT, events, str(signals), str(code)]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE) as process:
        until((folder / "ready").exists)
        yield LocalAgent(process)
        process.kill()


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[Client]:
    server.sweeps.sweeps[NAME] = a_sweep()
    with Client(server.address, TOKEN) as client:
        yield client


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the wait for a sweep that continues without its agent."""
    monkeypatch.setattr("sweepd.cli.commands.local.console._DRAIN_SECONDS", 0.1)


def stay(client: Client, local: LocalAgent, shown: RecordingConsole, box: SignalBox | None = None) -> Outcome:
    return SweepConsole(client, NAME, local, shown).run(box)


def meanwhile(work: Callable[[], None]) -> None:
    """Start `work` in a thread."""
    threading.Thread(target=work, daemon=True).start()


def signals_received(folder: Path) -> list[str]:
    """Return the signals that the fake agent has recorded."""
    return (folder / "received").read_text().split() if (folder / "received").exists() else []


def test_the_console_stays_until_the_agent_ends_and_shows_events(
    client: Client, server: ScriptedServer, home: Path
) -> None:
    server.sweeps.changes.put(v1.WatchSweepResponse(sweep=a_sweep(best=(1, 0.5)), runs=[a_run(1, value=0.5)]))
    server.sweeps.changes.put(v1.WatchSweepResponse(sweep=a_sweep(state=v1.SWEEP_STATE_FINISHED)))
    shown = RecordingConsole()
    shown.when("sweep finished", (home / "end").touch)
    with agent(home) as local:
        outcome = stay(client, local, shown)
    assert (outcome.agent_exit, outcome.interrupted, outcome.stalled) == (0, False, False)
    assert outcome.progress.ended
    assert shown.texts == ["sweep running", "run 1 finished  val_loss=0.5 (best so far)", "sweep finished"]


def test_each_ctrl_c_is_forwarded_to_the_agent_and_explained(client: Client, home: Path) -> None:
    def press() -> None:
        presses: list[str] = []
        while len(presses) < 3:
            until(lambda: signals_received(home) == presses)
            presses.append("SIGINT")
            os.kill(os.getpid(), signal.SIGINT)

    shown = RecordingConsole()
    with SignalBox() as box, agent(home, signals=3, code=130) as local:
        meanwhile(press)
        outcome = stay(client, local, shown, box)
    assert outcome.interrupted
    assert signals_received(home) == ["SIGINT"] * 3
    texts = [text for text in shown.texts if not text.startswith("sweep ")]
    assert ["no new run" in texts[0], "terminating" in texts[1], "killing" in texts[2]] == [True] * 3


def test_sigterm_is_forwarded_to_the_agent(client: Client, home: Path) -> None:
    with SignalBox() as box, agent(home, signals=1) as local:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stay(client, local, RecordingConsole(), box).interrupted
    assert signals_received(home) == ["SIGTERM"]


def test_the_agent_ends_when_the_sweep_pauses_automatically_without_an_objective(
    client: Client, server: ScriptedServer, home: Path
) -> None:
    paused = a_sweep(state=v1.SWEEP_STATE_PAUSED)
    paused.paused_by_itself = True
    paused.pause_cause = v1.PAUSE_CAUSE_OBJECTIVE_MISSING
    paused.objective_missing.CopyFrom(v1.ObjectiveMissing(consecutive_runs=3, logged_keys=["acc"]))
    server.sweeps.changes.put(v1.WatchSweepResponse(sweep=paused))
    shown = RecordingConsole()
    with agent(home, signals=1) as local:
        outcome = stay(client, local, shown)
    assert outcome.stalled
    assert not outcome.interrupted
    assert "your script logged `acc`; the sweep optimises `val_loss`" in shown.texts


def test_the_console_waits_while_the_sweep_is_paused_by_a_user(
    client: Client, server: ScriptedServer, home: Path
) -> None:
    server.sweeps.changes.put(v1.WatchSweepResponse(sweep=a_sweep(state=v1.SWEEP_STATE_PAUSED)))
    shown = RecordingConsole()
    shown.when("sweep paused", (home / "end").touch)
    with agent(home) as local:
        outcome = stay(client, local, shown)
    assert not outcome.stalled
    assert not (home / "received").exists()


def test_problems_of_the_agent_are_shown_and_its_last_lines_kept(client: Client, home: Path) -> None:
    events = (
        '[{"event": "connected"}, {"event": "disconnected", "message": "link cut"}, {"event": "connected"},'
        ' {"event": "notice", "message": "disk full"},'
        ' {"event": "notice", "message": "nothing of `b`", "topic": "objective"},'
        ' {"event": "withheld", "reason": "guard", "message": "no run can be started here"},'
        ' {"event": "withheld", "reason": "paused", "message": "it is paused"},'
        ' "plain words", {"event": "exiting", "message": "token refused"}]'
    )
    shown = RecordingConsole()
    shown.when("no run can be started", (home / "end").touch)
    with agent(home, events, code=4) as local:
        outcome = stay(client, local, shown)
        until(lambda: len(local.lines) == 2)
        assert list(local.lines) == ["plain words", "token refused"]
    assert outcome.agent_exit == 4
    texts = [text for text in shown.texts if text.startswith("agent:")]
    assert texts == [
        "agent: link cut; its runs continue",
        "agent: reconnected",
        "agent: disk full",
        "agent: no run can be started here",
    ]


def test_an_unavailable_server_is_reported_once_and_the_watch_resumes(
    client: Client, server: ScriptedServer, home: Path
) -> None:
    def report_a_run() -> None:
        until(lambda: server.sweeps.watches == 2)
        server.sweeps.changes.put(
            v1.WatchSweepResponse(sweep=a_sweep(best=(1, 0.5)), runs=[a_run(1, value=0.5)])
        )

    shown = RecordingConsole()
    shown.when("sweep running", server.stop)
    shown.when("server is unavailable", server.restart)
    shown.when("run 1 finished", (home / "end").touch)
    meanwhile(report_a_run)
    with agent(home) as local:
        stay(client, local, shown)
    assert len([text for text in shown.texts if "server is unavailable" in text]) == 1
    assert "run 1 finished  val_loss=0.5 (best so far)" in shown.texts
