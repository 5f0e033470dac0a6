"""Installation of one user in a folder: commands, a server and agents, all real processes."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import forked
from sweepd_kernel.process.running_server import read_state
from waiting import content_of, until

if TYPE_CHECKING:
    from system.common_servers import CommonServers

BIN = Path(sys.executable).parent
TRIALS = Path(__file__).parent / "trials"
MARK = "SWEEPD_TEST_MARK"
STARTING = ("demo", "run", "sync")
"""Commands that start processes, which are found by the environment variable `MARK`."""


def listens(address: str) -> bool:
    """Return True if a service listens at the address; from then on it also handles signals."""
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host, int(port))):
        return True
    return False


class Server:
    """Running `sweepd up`."""

    def __init__(self, process: forked.Started, address: str, data: Path, log: Path) -> None:
        self.process = process
        self.address = address
        self.data = data
        self.log = log

    def service_pids(self) -> dict[str, int]:
        """Wait until all services run, and return their process ids."""
        until(lambda: all(self._recorded_pids().values()), what="every service runs")
        return self._recorded_pids()

    def _recorded_pids(self) -> dict[str, int]:
        state = read_state(self.data)
        assert state is not None
        return {service.name: service.pid for service in state.services}

    @property
    def access_token(self) -> str:
        """Return the token of users and agents."""
        return (self.data / "access-token").read_text().strip()

    @property
    def service_token(self) -> str:
        """Return the token that the services use among themselves."""
        return (self.data / "service-token").read_text().strip()

    def service_address(self, name: str) -> str:
        """Return the address of a service."""
        if name == "gateway":
            return self.address
        return f"127.0.0.1:{(self.data / name / 'port').read_text().strip()}"

    def stop(self) -> int:
        """End the server with SIGTERM, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


class Agent:
    """Running `sweep-agent` with its log."""

    def __init__(self, process: forked.Started, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self.process.pid

    def events(self, *kinds: str) -> list[dict[str, object]]:
        """Return the events logged so far, only those of `kinds` if given."""
        lines = self._log.read_text().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith("\n") and line.startswith("{")]
        return [event for event in events if not kinds or event["event"] in kinds]

    def log(self) -> str:
        """Return its standard error."""
        return self._log.read_text()


class Installation:
    """Home of one user; only a joined server is shared with other tests."""

    def __init__(self, folder: Path, common: CommonServers | None = None) -> None:
        self.folder = folder
        self._common = common
        # Its own host address: while a server is unavailable, no other process can get its port.
        self.host = f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
        self.mark = uuid.uuid4().hex
        self.work = folder / "work"
        self.work.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWEEPD_", "XDG_"))}
        self.environment = kept | {
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "NO_COLOR": "1",
            "PATH": f"{BIN}:{os.environ['PATH']}",
            MARK: self.mark,
        }
        self._agents = 0
        self._started: list[forked.Started] = []

    def ctl(
        self, *arguments: str, code: int | None = 0, timeout: float = 90.0
    ) -> subprocess.CompletedProcess[str]:
        """Run `sweepctl` and check its exit code (None: any)."""
        if arguments[0] in STARTING:
            done = self.run("sweepctl", *arguments, timeout=timeout)
        else:
            command = ["sweepctl", *arguments]
            done = forked.run(command, environment=self.environment, folder=self.work, timeout=timeout)
        assert code is None or done.returncode == code, f"sweepctl {arguments}: {done}"
        return done

    def run(self, command: str, *arguments: str, timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, with any exit code."""
        return subprocess.run(
            [str(BIN / command), *arguments],
            env=self.environment,
            cwd=self.work,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def json(self, *arguments: str) -> dict[str, object]:
        """Run `sweepctl … -o json` and return its output."""
        printed: dict[str, object] = json.loads(self.ctl(*arguments, "-o", "json").stdout)
        return printed

    def export(self, sweep: str, kind: str) -> list[dict[str, object]]:
        """Return the exported lines of one type."""
        lines = [json.loads(line) for line in self.ctl("export", sweep, "-o", "jsonl").stdout.splitlines()]
        return [line for line in lines if line["type"] == kind]

    def start_server(self, *flags: str, listen: str | None = None, fresh: bool = False) -> Server:
        """Start all services and wait until they serve; `fresh`: with a new interpreter."""
        listen = listen or f"{self.host}:0"
        data = self.folder / "server"
        errors = self.folder / "server.log"
        with errors.open("a") as log:
            process = forked.start(
                ["sweepd", "up", "--data", str(data), "--listen", listen, *flags],
                environment=self.environment,
                folder=self.work,
                stdout=subprocess.PIPE,
                stderr=log,
                fresh=fresh,
            )
        self._started.append(process)
        assert process.stdout is not None
        with process.stdout:
            line = process.stdout.readline()
        ready = re.fullmatch(r"sweepd ready grpc=(\S+) data=(\S+)\n", line)
        assert ready, f"{line!r}: {errors.read_text()[-2000:]}"
        return Server(process, ready[1], data, errors)

    def join_server(self, *flags: str) -> Server:
        """Use the server with these flags that tests share; each creates its own sweeps."""
        assert self._common is not None
        return self._common.joined_by(self, flags)

    def start_service(self, name: str, *flags: str) -> forked.Started:
        """Start one service alone, on a free port, with its own data folder and log."""
        data = self.folder / "alone" / name
        command = ["sweepd", name, "--listen", "127.0.0.1:0", "--data", str(data), *flags]
        with (self.folder / f"{name}.log").open("a") as log:
            process = forked.start(command, environment=self.environment, folder=self.work, stderr=log)
        self._started.append(process)
        content_of(data / "port", what=f"{name} listens")
        return process

    def start_agent(
        self, sweep: str, *flags: str, state: str | None = None, folder: Path | None = None
    ) -> Agent:
        """Start an agent that logs JSON; its working folder is `folder` or the common one."""
        self._agents += 1
        log = self.folder / f"agent-{self._agents}.log"
        where = ("--state", str(self.folder / state)) if state else ()
        with log.open("w") as stream:
            process = forked.start(
                ["sweep-agent", "--sweep", sweep, "--log-format", "json", *where, *flags],
                environment=self.environment,
                folder=folder or self.work,
                stderr=stream,
            )
        self._started.append(process)
        return Agent(process, log)

    def write(self, name: str, text: str) -> Path:
        """Write a file into the working folder."""
        path = self.work / name
        path.write_text(text)
        return path

    def create(self, text: str, *flags: str) -> str:
        """Create a sweep from the text of its file; return its name."""
        self.write("sweep.yaml", text)
        return self.ctl("create", "sweep.yaml", *flags).stdout.strip()

    def processes(self) -> list[int]:
        """Return the running processes started from here, directly or indirectly."""
        return [pid for pid, environment in _environments() if f"{MARK}={self.mark}".encode() in environment]

    def commands(self) -> list[str]:
        """Return the command lines of `processes`."""
        commands = []
        for pid in self.processes():
            try:
                commands.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return commands

    def nothing_is_left(self) -> None:
        """Check that no process from here is left; those that end with their parent may take a moment."""
        until(lambda: not self.processes(), within=2, what="no process is left")

    def kill_everything(self) -> None:
        """Kill all processes started from here."""
        while pids := self.processes():  # repeatedly: a process may start while the list is read
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for process in self._started:
            process.wait()


def _environments() -> Iterator[tuple[int, list[bytes]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                    continue
                yield int(entry.name), (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
