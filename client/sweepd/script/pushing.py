"""What brings a run that nobody handed out to the server: an agent of its own, which follows it from outside.

The script only notes who it is and how it ends, and starts the agent, which lives in a session of its own: it
outlives the script and delivers what is left. Nothing here waits for the network or makes a training fail.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path

from sweepd.folders import make_folder
from sweepd.regular_files import read_inside
from sweepd.script.folder import MOST_BYTES, RunFolder, noted_in, write_json

SCRIPT_FILE = "script.json"
_AGENT_FOLDER = "agent"
# As which the agent has the script; the first that is not one of the standard ones.
_SCRIPT_DESCRIPTOR = 3
# What an agent needs to know of its surroundings; nothing that belongs to the run.
_NOT_INHERITED = ("SWEEPD_RUN_DIR", "SWEEPD_METRICS_FILE", "SWEEPD_PARAMS_FILE", "SWEEPD_RUN_ID")


def begin(
    folder: RunFolder, *, online: bool, silent: bool, environ: Mapping[str, str] = os.environ
) -> str | None:
    """Note which process writes to the folder, and have an agent follow it where a server is known.

    Args:
        folder: of a run that this process has begun.
        online: whether a server may be told of it.
        silent: whether the script is not to say what keeps it from the server.
        environ: where to look for the server.

    Returns: the address of the server; None if the run stays in its folder for `sweepctl sync`.
    """
    try:
        write_json(folder.path / SCRIPT_FILE, _this_process())
        address = _known_server(environ) if online else None
        if address is None:
            return None
        flags = ("--patience", "10m") if silent else ("--patience", "10m", "--tells-script")
        with _descriptor_of_this_process() as descriptor:
            return address if follow(folder.path, environ, *flags, script=descriptor) else None
    except OSError:
        return None  # metrics are worth more than a server that hears of them


def script_lives(path: Path) -> int | None:
    """Return the process whose run is in the folder and goes on; None if it is over or gone."""
    try:
        noted = json.loads(read_inside(path.resolve(), SCRIPT_FILE, limit=MOST_BYTES))
        over = "ended" in noted_in(path)
        pid = int(noted["pid"])
        same = (noted["start"], noted["boot"]) == (_start_ticks(f"/proc/{pid}/stat"), _boot_id())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if same and not over else None


def follow(path: Path, environ: Mapping[str, str], *flags: str, script: int | None = None) -> bool:
    """Start an agent that follows the run of a folder; False if none is installed.

    `flags` are those of the agent, as how long it waits for one that still delivers what an earlier attempt
    has left. `script` is a descriptor of this process, for it to learn how that ends.

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
    # Neither `subprocess` nor a fork: a third of the time, whatever the size of the training.
    # `-P`: no module of the folder where the script was started stands in for one of Python's own.
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "sweepd_agent.deliver", str(path), *flags],
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
    except (OSError, AttributeError):  # not on this system
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _this_process() -> Mapping[str, object]:
    """Return what tells this process from all others, its exact arguments, and where and by what it runs."""
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
    except OSError:  # it was removed
        return None


def _start_ticks(stat: str) -> int:
    return int(Path(stat).read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _known_server(environ: Mapping[str, str]) -> str | None:
    """Return the address of the server of this account, as the agent will find it."""
    from sweepd.rpc.discovery import NoServerError, known_address

    try:
        return known_address(environ)
    except (NoServerError, RuntimeError, ValueError):  # also where the account has no home
        return None
