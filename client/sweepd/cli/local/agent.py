"""Agent started here for one sweep: its command, and notices from its log."""

import json
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sweepd.cli.live.progress import Notice
from sweepd.cli.local.processes import Process, program, start
from sweepd.views.text import clean

_KEPT_LINES = 20


@dataclass(slots=True)
class LocalAgent:
    """The process of an agent, and the last lines of its log that are no events."""

    process: Process
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))

    def listen(self, tell: Callable[[Notice], None]) -> None:
        """Read its log from now on, in a thread; `tell` is called there."""
        assert self.process.stderr is not None
        threading.Thread(target=self._read, args=(self.process.stderr, tell), daemon=True).start()

    def _read(self, stream: IO[bytes], tell: Callable[[Notice], None]) -> None:
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
                    tell(Notice(f"agent: {message or 'connection lost'}; its runs continue", "warning"))
                case "connected" if lost:
                    lost = False
                    tell(Notice("agent: connected again", "run"))
                # The sweep says so itself, once for all of its agents.
                case "notice" if event.get("topic") != "objective":
                    tell(Notice(f"agent: {message}", "warning"))
                # What concerns all of its agents the sweep says itself, too.
                case "withheld" if event.get("reason") in ("labels", "guard"):
                    tell(Notice(f"agent: {message}", "warning"))
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
