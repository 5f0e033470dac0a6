"""Daemons as real processes, in a home folder of the test."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from sweepd.rpc.discovery import ServerEntry, read_entry
from sweepd_kernel.process.running_server import ServiceState, read_state
from waiting import PATIENCE

TESTS = Path(__file__).resolve().parent.parent.parent
SMALL = [sys.executable, "-m", "component.kernel.small_daemon"]
SWEEPD = [sys.executable, "-m", "sweepd_kernel.main"]


@dataclass(slots=True)
class Home:
    """Home folder, and the daemons that were started in it."""

    path: Path
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "HOME": str(self.path),
            "XDG_STATE_HOME": str(self.path / "state"),
            "XDG_DATA_HOME": str(self.path / "share"),
            "PYTHONPATH": str(TESTS),
        }

    def run(self, *arguments: str, command: list[str] = SMALL) -> "subprocess.CompletedProcess[str]":
        """Run the command, and wait for its end."""
        return subprocess.run(
            [*command, *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def begin(self, *arguments: str, command: list[str] = SMALL) -> "subprocess.Popen[str]":
        """Start the command without waiting for its end."""
        log = (self.path / f"stderr{len(self.started)}").open("w")
        process = subprocess.Popen(
            [*command, *arguments], env=self.environ, stdout=subprocess.PIPE, stderr=log, text=True
        )
        log.close()
        self.started.append(process)
        return process

    def up(
        self,
        *arguments: str,
        listen: str | None = "127.0.0.1:0",
        data: Path | None = None,
        command: list[str] = SMALL,
    ) -> "Daemon":
        """Start a daemon, and return once it is ready."""
        where = () if listen is None else ("--listen", listen)
        process = self.begin("up", "--data", str(data or self.data), *where, *arguments, command=command)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("sweepd ready grpc="), line + self.stderr()
        address = line.split()[2].removeprefix("grpc=")
        return Daemon(self, process, address, line)

    def status(self) -> dict[str, ServiceState]:
        """Return the services by name, as `sweepd status` reads them."""
        recorded = read_state(self.data)
        assert recorded is not None
        return {service.name: service for service in recorded.services}

    def entry(self, address: str) -> ServerEntry:
        """Return the discovery entry that the server wrote for the clients of this account."""
        entry = read_entry(address, self.environ)
        assert entry is not None
        return entry

    def stderr(self) -> str:
        """Return the standard error of all daemons."""
        return "".join(path.read_text() for path in sorted(self.path.glob("stderr*")))

    def close(self) -> None:
        """Kill all processes."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@dataclass(frozen=True, slots=True)
class Daemon:
    """Daemon that has been ready."""

    home: Home
    process: "subprocess.Popen[str]"
    address: str
    line: str

    @property
    def token(self) -> str:
        return self.home.entry(self.address).token

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)
