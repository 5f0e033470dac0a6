"""Agents as real processes, each with its own home folder."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

import forked
from component.agent.scripted_scheduler import SWEEP
from waiting import PATIENCE

MARK = "SWEEPD_TEST_MARK"


class AgentProcess:
    """A running agent."""

    def __init__(self, process: forked.Started, log: Path) -> None:
        self.process = process
        self.log = log

    def events(self, *kinds: str) -> list[dict[str, object]]:
        """Return the events logged so far, or those of some kinds."""
        lines = [line for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in events if not kinds or event["event"] in kinds]

    def kill(self) -> None:
        """Kill it, as a crash would."""
        self.process.kill()
        self.process.wait()

    def ask(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def ended(self, *, within: float = PATIENCE) -> int:
        """Return the exit code once it has ended."""
        return self.process.wait(within)


class Machine:
    """Home folder for agents, and the list of every process started from there."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.address = address
        self.mark = uuid.uuid4().hex
        self._agents: list[AgentProcess] = []

    @property
    def state(self) -> Path:
        """The default state folder of these agents."""
        return self.folder / "state"

    def start(
        self,
        *flags: str,
        sweep: str = SWEEP,
        default_state: bool = False,
        stdout: Path | None = None,
        **variables: str,
    ) -> AgentProcess:
        """Start an agent with the same state folder each time or, on request, the default one."""
        log = self.folder / f"agent-{len(self._agents) + 1}.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SWEEPD_")}
        own = {
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "xdg"),
            # Debian alone has python3, but no python.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            MARK: self.mark,
        }
        command = ["sweep-agent", "--sweep", sweep, "--server", self.address]
        state = () if default_state else ("--state", str(self.state))
        with log.open("w") as stream, (stdout or log.with_suffix(".out")).open("w") as output:
            process = forked.start(
                [*command, *state, "--log-format", "json", *flags],
                environment=kept | own | variables,
                folder=self.folder,
                stdout=output,
                stderr=stream,
            )
        self._agents.append(AgentProcess(process, log))
        return self._agents[-1]

    def write(self, name: str, text: str) -> Path:
        """Write a program."""
        path = self.folder / name
        path.write_text(text)
        return path

    def processes(self) -> list[int]:
        """Return every living process that was started from here, directly or not."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
                    if alive and f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes().split(
                        b"\0"
                    ):
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found

    def kill_everything(self) -> None:
        """Kill every process that a test has left running."""
        for agent in self._agents:
            agent.kill()
        while pids := self.processes():  # some may start while the others are killed
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
