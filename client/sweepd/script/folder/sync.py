"""Start of the agent that syncs a standalone run to the server.

The script records its process and its end, and starts an agent in a new session. The agent outlives the
script and sends the remaining data. This module never waits for the network and never makes a script fail.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path

from sweepd.private_files import make_folder
from sweepd.regular_files import read_inside
from sweepd.script.folder.run_folder import MAX_FILE_BYTES, RunFolder, read_record, write_json

SCRIPT_FILE = "script.json"
_AGENT_FOLDER = "agent"
# Number, in the agent, of the script's process descriptor: the first after the standard streams.
_SCRIPT_DESCRIPTOR = 3
# Variables of the run, which the agent does not inherit.
_NOT_INHERITED = ("SWEEPD_RUN_DIR", "SWEEPD_METRICS_FILE", "SWEEPD_PARAMS_FILE", "SWEEPD_RUN_ID")


def start(
    folder: RunFolder, *, online: bool, silent: bool, environ: Mapping[str, str] = os.environ
) -> str | None:
    """Record this process in the folder, and start an agent to sync the run if a server is known.

    Args:
        folder: folder of a run that this process has begun.
        online: whether to sync the run.
        silent: whether the script must not print sync failures.
        environ: environment variables, which may name the server.

    Returns: address of the server; None if the run stays in its folder for `sweepctl sync`.
    """
    try:
        write_json(folder.path / SCRIPT_FILE, _this_process())
        address = _known_server(environ) if online else None
        if address is None:
            return None
        flags = ("--patience", "10m") if silent else ("--patience", "10m", "--tells-script")
        with _descriptor_of_this_process() as descriptor:
            return address if start_agent(folder.path, environ, *flags, script=descriptor) else None
    except OSError:
        return None  # the script continues without being synced


def script_pid(path: Path) -> int | None:
    """Return the process id of the script whose run is active in the folder; None if no run is active."""
    try:
        script = json.loads(read_inside(path.resolve(), SCRIPT_FILE, limit=MAX_FILE_BYTES))
        ended = "ended" in read_record(path)
        pid = int(script["pid"])
        same = (script["start"], script["boot"]) == (_start_ticks(f"/proc/{pid}/stat"), _boot_id())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if same and not ended else None


def start_agent(path: Path, environ: Mapping[str, str], *flags: str, script: int | None = None) -> bool:
    """Start an agent that syncs the run of a folder; return False if no agent is installed.

    `flags` are flags of the agent, such as the time to wait for another agent that is draining the folder.
    `script` is a descriptor of this process, from which the agent reads the exit status.

    Raises:
        OSError: no process can be started.
    """
    if PathFinder.find_spec("sweepd_agent") is None:
        return False
    inherited = {name: value for name, value in environ.items() if name not in _NOT_INHERITED}
    make_folder(path / _AGENT_FOLDER)
    log = str(path / _AGENT_FOLDER / "log")
    actions: list[tuple[int, int, int]] = []
    if script is not None:
        actions = [(os.POSIX_SPAWN_DUP2, script, _SCRIPT_DESCRIPTOR)]
        flags += ("--script", str(os.getpid()), str(_SCRIPT_DESCRIPTOR))
    # Takes a third of the time of `subprocess` or a fork, regardless of the size of the process.
    # `-P`: modules in the working directory must not shadow the standard library.
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "sweepd_agent.standalone.drain", str(path), *flags],
        inherited,
        file_actions=[
            *actions,
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return True


@contextmanager
def _descriptor_of_this_process() -> Iterator[int | None]:
    try:
        descriptor = os.pidfd_open(os.getpid())
    except (OSError, AttributeError):  # not supported by this system
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _this_process() -> Mapping[str, object]:
    """Return the identity, exact arguments, working directory and interpreter of this process."""
    command = Path("/proc/self/cmdline").read_bytes().rstrip(b"\0")
    return {
        "pid": os.getpid(),
        "start": _start_ticks("/proc/self/stat"),
        "boot": _boot_id(),
        "argv": [os.fsdecode(argument) for argument in command.split(b"\0")],
        "directory": _directory(),
        "interpreter": sys.executable or None,
    }


def _directory() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # the directory was removed
        return None


def _start_ticks(stat: str) -> int:
    return int(Path(stat).read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _known_server(environ: Mapping[str, str]) -> str | None:
    """Return the address of the server that the agent will use; None if no server is known."""
    from sweepd.rpc.discovery import NoServerError, known_address

    try:
        return known_address(environ)
    except (NoServerError, RuntimeError, ValueError):  # also if the account has no home folder
        return None
