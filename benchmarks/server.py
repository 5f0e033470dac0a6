"""Server for a benchmark: `sweepd up` in a temporary folder, with its address, token and processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sweepd.rpc.discovery import resolve

BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A running server."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    address: str
    token: str
    home: Path

    def processes(self) -> list[int]:
        """Return the process ids of the supervisor and of all services."""
        return process_tree(self.process.pid)


@contextmanager
def running_daemon(*flags: str) -> Iterator[Daemon]:
    """Start all services in a temporary folder on free ports; end them with the block."""
    with tempfile.TemporaryDirectory(prefix="sweepd-bench-") as folder:
        home = Path(folder)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SWEEPD_")}
        environment |= {
            "HOME": folder,
            "XDG_STATE_HOME": f"{folder}/state",
            "XDG_DATA_HOME": f"{folder}/data",
        }
        process = subprocess.Popen(
            [str(BIN / "sweepd"), "up", "--data", f"{folder}/server", "--listen", "127.0.0.1:0", *flags],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            ready = process.stdout.readline().split()
            if ready[:2] != ["sweepd", "ready"]:
                raise RuntimeError(f"the server did not start: {ready}")
            address = next(word.removeprefix("grpc=") for word in ready if word.startswith("grpc="))
            target = resolve(address, environment)
            yield Daemon(
                process=process, environment=environment, address=address, token=target.token or "", home=home
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def process_tree(root: int) -> list[int]:
    """Return the ids of the process `root` and of all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    tree = [root]
    for pid in tree:
        tree.extend(children.get(pid, ()))
    return tree


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU time that these processes have used so far, in seconds."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
