"""Local agent that a command starts, and the console that follows the agent and its sweep."""

from __future__ import annotations

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
from sweepd.cli.commands.local.processes import Process, SignalBox, agent_event, program, send, start
from sweepd.cli.show.progress import Notice, Progress, View
from sweepd.errors import ClientError
from sweepd.views.text import clean, live_runs_continue

if TYPE_CHECKING:
    from sweepd.client import Client

_KEPT_LINES = 20
_TICK_SECONDS = 0.2
# Time for an agent to end after its sweep has ended; then it gets SIGTERM.
_END_SECONDS = 20.0
_DRAIN_SECONDS = 2.0
_INTERRUPT_NOTICES = (
    "no new runs start here; {live} to the end. Ctrl-C again terminates them",
    "terminating the live runs; Ctrl-C again kills them",
    "killing the live runs",
)
"""Notices for the first, second and every further Ctrl-C."""
Item = v1.WatchSweepResponse | Notice | ClientError


@dataclass(slots=True)
class LocalAgent:
    """Process of a local agent, and the last lines of its log that are not events."""

    process: Process
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))

    def listen(self, report: Callable[[Notice], None]) -> None:
        """Start a thread that reads the log of the agent and passes notices to `report`."""
        assert self.process.stderr is not None
        threading.Thread(target=self._read, args=(self.process.stderr, report), daemon=True).start()

    def _read(self, stream: IO[bytes], report: Callable[[Notice], None]) -> None:
        lost = False
        for raw in stream:
            line = clean(raw.decode("utf-8", "replace").rstrip("\n"))
            event = agent_event(line)
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
                    report(Notice("agent: reconnected", "run"))
                # The sweep itself reports the objective, once for all of its agents.
                case "notice" if event.get("topic") != "objective":
                    report(Notice(f"agent: {message}", "warning"))
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
    """Start an agent for `sweep` whose runs work in `folder`; `flags` are extra flags of `sweep-agent`.

    Raises:
        Problem: the command is not installed.
    """
    command = [program("sweep-agent"), "--sweep", sweep, "--slots", str(slots), "--server", address]
    command += ["--log-format", "json", *flags]
    return LocalAgent(start(command, folder=folder, environ=environ, stderr=subprocess.PIPE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Outcome of a sweep that ran with a local agent."""

    progress: Progress
    agent_exit: int
    interrupted: bool
    # True if the sweep paused itself, so that no further run would have started.
    stalled: bool


class SweepConsole:
    """Console that shows a sweep and a local agent; it follows each in a separate thread."""

    def __init__(self, client: Client, sweep: str, agent: LocalAgent, view: View) -> None:
        self._client = client
        self._sweep = sweep
        self._agent = agent
        self._view = view
        self._inbox: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._progress = Progress()
        self._signals = 0
        self._stalled = False
        self._terminated = False
        self._ended_at: float | None = None

    def run(self, box: SignalBox | None = None) -> Outcome:
        """Show progress until the agent has ended; forward signals in `box` to the agent."""
        self._agent.listen(self._inbox.put)
        threading.Thread(target=self._follow, daemon=True).start()
        while self._agent.process.poll() is None:
            self._process_inbox(_TICK_SECONDS)
            for number in box.take() if box is not None else ():
                self._forward(number)
            self._end_idle_agent()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while not (self._progress.ended or self._signals or self._stalled) and time.monotonic() < deadline:
            self._process_inbox(_TICK_SECONDS)
        self._view.show(self._progress)
        return Outcome(
            progress=self._progress,
            agent_exit=self._agent.process.returncode,
            interrupted=self._signals > 0,
            stalled=self._stalled,
        )

    def _follow(self) -> None:
        try:
            for message in self._client.follow_sweep(self._sweep, on_gap=self._on_gap):
                self._inbox.put(message)
        except ClientError as error:
            self._inbox.put(error)

    def _on_gap(self, error: ClientError) -> None:
        self._inbox.put(Notice("the server is unavailable; runs continue; reconnecting", "warning"))

    def _process_inbox(self, seconds: float) -> None:
        """Process the items in the inbox; wait up to `seconds` for the first."""
        try:
            item = self._inbox.get(timeout=seconds)
            while True:
                self._process_item(item)
                item = self._inbox.get_nowait()
        except queue.Empty:
            self._view.show(self._progress)

    def _process_item(self, item: Item) -> None:
        if isinstance(item, Notice):
            self._view.notify(item)
        elif isinstance(item, ClientError):
            self._view.notify(Notice(f"cannot follow the sweep: {item.said}", "warning"))
        else:
            for notice in self._progress.apply(item):
                self._view.notify(notice)

    def _forward(self, number: signal.Signals) -> None:
        """Forward a signal: the first drains the agent, the second ends its runs, the third kills them."""
        text = _INTERRUPT_NOTICES[min(self._signals, len(_INTERRUPT_NOTICES) - 1)]
        self._signals += 1
        if number is signal.SIGINT:
            self._view.notify(Notice(text.format(live=live_runs_continue(len(self._progress.live))), "sweep"))
        send(self._agent.process, signal.SIGINT if number is signal.SIGINT else signal.SIGTERM)

    def _end_idle_agent(self) -> None:
        """Terminate an agent that outlives its sweep; interrupt an agent whose sweep has paused itself."""
        progress = self._progress
        if progress.ended and self._ended_at is None:
            self._ended_at = time.monotonic()
        overdue = self._ended_at is not None and time.monotonic() - self._ended_at > _END_SECONDS
        if overdue and not self._terminated:
            self._terminated = True
            send(self._agent.process, signal.SIGTERM)
        if not self._stalled and progress.sweep is not None and progress.sweep.paused_by_itself:
            self._stalled = True  # the sweep has paused itself because its runs fail
            send(self._agent.process, signal.SIGINT)


def with_retries(read: Callable[[], v1.Sweep], *, seconds: float = 5.0) -> v1.Sweep:
    """Return the sweep that `read` returns, retrying for `seconds` while the server is unavailable.

    Raises:
        ClientError: the server stayed unavailable, or the call failed otherwise.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return read()
        except ClientError as error:
            if error.code != "UNAVAILABLE" or time.monotonic() >= deadline:
                raise
        time.sleep(_TICK_SECONDS)
