"""Agent that a command starts here, and the console that watches it to the end of the sweep."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sweepd import v1
from sweepd.cli.commands.local.processes import Process, SignalBox, program, send, start
from sweepd.cli.live.progress import Notice, Progress, View
from sweepd.errors import ClientError
from sweepd.views.text import clean, live_runs_continue

_KEPT_LINES = 20
_TICK_SECONDS = 0.2
# An agent ends by itself when its sweep has ended; one that does not gets SIGTERM.
_END_SECONDS = 20.0
_DRAIN_SECONDS = 2.0
_STEPS = (
    (
        signal.SIGINT,
        "no new run starts here; {live} to the end. Ctrl-C again terminates what is live",
    ),
    (signal.SIGINT, "terminating the live runs. Ctrl-C again kills them"),
    (signal.SIGINT, "killing the live runs"),
)
Item = v1.WatchSweepResponse | Notice | ClientError


@dataclass(slots=True)
class LocalAgent:
    """The process of an agent, and the last lines of its log that are no events."""

    process: Process
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))

    def listen(self, report: Callable[[Notice], None]) -> None:
        """Read its log from now on, in a thread; `report` is called there."""
        assert self.process.stderr is not None
        threading.Thread(target=self._read, args=(self.process.stderr, report), daemon=True).start()

    def _read(self, stream: IO[bytes], report: Callable[[Notice], None]) -> None:
        lost = False
        for raw in stream:
            line = clean(raw.decode("utf-8", "replace").rstrip("\n"))
            event = _event(line)
            if event is None:
                self.lines.append(line)
                continue
            message = clean(str(event.get("message") or event.get("cause") or ""))
            match event["event"]:
                case "disconnected" if not lost:
                    lost = True
                    report(Notice(f"agent: {message or 'connection lost'}; its runs continue", "warning"))
                case "connected" if lost:
                    lost = False
                    report(Notice("agent: connected again", "run"))
                # The sweep says so itself, once for all of its agents.
                case "notice" if event.get("topic") != "objective":
                    report(Notice(f"agent: {message}", "warning"))
                # What concerns all of its agents the sweep says itself, too.
                case "withheld" if event.get("reason") in ("labels", "guard"):
                    report(Notice(f"agent: {message}", "warning"))
                case "exiting" if event.get("message"):
                    self.lines.append(message)


def start_agent(
    sweep: str,
    *,
    slots: int,
    address: str,
    folder: Path,
    environ: Mapping[str, str],
    flags: Sequence[str] = (),
) -> LocalAgent:
    """Start an agent for `sweep` whose runs work in `folder`; `flags` are further ones of `sweep-agent`.

    Raises:
        Problem: the command is not installed.
    """
    command = [program("sweep-agent"), "--sweep", sweep, "--slots", str(slots), "--server", address]
    command += ["--log-format", "json", *flags]
    return LocalAgent(start(command, folder=folder, environ=environ, stderr=subprocess.PIPE))


def _event(line: str) -> dict[str, object] | None:
    try:
        event: object = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


if TYPE_CHECKING:
    from sweepd.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Outcome of a sweep with an agent here."""

    progress: Progress
    agent_exit: int
    interrupted: bool
    # The sweep paused itself, and no run would have started any more.
    stalled: bool


class AgentConsole:
    """Follows the sweep in a thread and the agent in another; `stay` brings both together."""

    def __init__(self, client: Client, sweep: str, agent: LocalAgent, view: View) -> None:
        self._client = client
        self._sweep = sweep
        self._agent = agent
        self._view = view
        self._inbox: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._progress = Progress()
        self._signals = 0
        self._stalled = False
        self._sent_away = False
        self._ended_at: float | None = None

    def stay(self, box: SignalBox | None = None) -> Outcome:
        """Show progress until the agent has ended; signals in `box` are passed on to it."""
        self._agent.listen(self._inbox.put)
        threading.Thread(target=self._follow, daemon=True).start()
        while self._agent.process.poll() is None:
            self._take(_TICK_SECONDS)
            for number in box.take() if box is not None else ():
                self._pass_on(number)
            self._send_away()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while not (self._progress.ended or self._signals or self._stalled) and time.monotonic() < deadline:
            self._take(_TICK_SECONDS)
        self._view.show(self._progress)
        return Outcome(
            progress=self._progress,
            agent_exit=self._agent.process.returncode,
            interrupted=self._signals > 0,
            stalled=self._stalled,
        )

    def _follow(self) -> None:
        try:
            for message in self._client.follow_sweep(self._sweep, on_gap=self._gap):
                self._inbox.put(message)
        except ClientError as error:
            self._inbox.put(error)

    def _gap(self, error: ClientError) -> None:
        self._inbox.put(Notice("the server is unavailable; runs continue, reconnecting", "warning"))

    def _take(self, seconds: float) -> None:
        """Take in what has come, waiting for the first of it."""
        try:
            item = self._inbox.get(timeout=seconds)
            while True:
                self._take_in(item)
                item = self._inbox.get_nowait()
        except queue.Empty:
            self._view.show(self._progress)

    def _take_in(self, item: Item) -> None:
        if isinstance(item, Notice):
            self._view.notify(item)
        elif isinstance(item, ClientError):
            self._view.notify(Notice(f"cannot follow the sweep: {item.said}", "warning"))
        else:
            for notice in self._progress.apply(item):
                self._view.notify(notice)

    def _pass_on(self, number: signal.Signals) -> None:
        """Pass a signal on to the agent, which drains, terminates, kills in turn."""
        step = min(self._signals, len(_STEPS) - 1)
        self._signals += 1
        own, text = _STEPS[step]
        if number is signal.SIGINT:
            self._view.notify(Notice(text.format(live=live_runs_continue(len(self._progress.live))), "sweep"))
        send(self._agent.process, own if number is signal.SIGINT else signal.SIGTERM)

    def _send_away(self) -> None:
        """Signal the agent to end where it would wait for nothing."""
        progress = self._progress
        if progress.ended and self._ended_at is None:
            self._ended_at = time.monotonic()
        overdue = self._ended_at is not None and time.monotonic() - self._ended_at > _END_SECONDS
        if overdue and not self._sent_away:
            self._sent_away = True
            send(self._agent.process, signal.SIGTERM)
        if not self._stalled and self._is_stalled():
            self._stalled = True
            send(self._agent.process, signal.SIGINT)

    def _is_stalled(self) -> bool:
        """Return True if the sweep paused by itself, because its runs cannot work."""
        sweep = self._progress.sweep
        return sweep is not None and sweep.paused_by_itself


def patiently(read: Callable[[], v1.Sweep], *, seconds: float = 5.0) -> v1.Sweep:
    """Return what `read` does, asking again for a while if the server is unavailable.

    Raises:
        ClientError: it stayed unavailable.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return read()
        except ClientError as error:
            if error.code != "UNAVAILABLE" or time.monotonic() >= deadline:
                raise
        time.sleep(_TICK_SECONDS)
