"""What brings a run that nobody handed out to the server: an agent of its own, which follows it from outside.

The script only notes who it is and how it ends, and starts the agent, which lives in a session of its own: it
outlives the script and delivers what is left. Nothing here waits for the network or makes a training fail.
"""

import atexit
import json
import os
import sys
import threading
import time
from _sitebuiltins import Quitter
from collections.abc import Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from sweepd.script.folder import RunFolder, note_end, write_json

SCRIPT_FILE = "script.json"
_RUN_FILE = "run.json"
_AGENT_FOLDER = "agent"
_INTERRUPTED, _FAILED = 130, 1
# What an agent needs to know of its surroundings; nothing that belongs to the run.
_NOT_INHERITED = ("SWEEPD_RUN_DIR", "SWEEPD_METRICS_FILE", "SWEEPD_PARAMS_FILE", "SWEEPD_RUN_ID")


def begin(folder: RunFolder, *, online: bool, environ: Mapping[str, str] = os.environ) -> str | None:
    """Note which process writes to the folder, and have an agent follow it where a server is known.

    Args:
        folder: of a run that this process has begun.
        online: whether a server may be told of it.
        environ: where to look for the server.

    Returns: the address of the server; None if the run stays in its folder for `sweepctl sync`.
    """
    try:
        write_json(folder.path / SCRIPT_FILE, _this_process())
        _Ending(folder)
        address = _known_server(environ) if online else None
        return address if address is not None and follow(folder.path, environ, patience="10m") else None
    except OSError:
        return None  # metrics are worth more than a server that hears of them


def script_lives(path: Path) -> int | None:
    """Return the process whose run is in the folder and goes on; None if it is over or gone."""
    try:
        noted = json.loads((path / SCRIPT_FILE).read_bytes())
        over = "ended" in json.loads((path / _RUN_FILE).read_bytes())
        pid = int(noted["pid"])
        same = (noted["start"], noted["boot"]) == (_start_ticks(f"/proc/{pid}/stat"), _boot_id())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if same and not over else None


def follow(path: Path, environ: Mapping[str, str], patience: str = "0s") -> bool:
    """Start an agent that follows the run of a folder; False if none is installed.

    `patience`: how long it waits for one that still delivers what an earlier attempt has left.

    Raises:
        OSError: no process can be started.
    """
    if PathFinder.find_spec("sweepd_agent") is None:
        return False
    inherited = {name: value for name, value in environ.items() if name not in _NOT_INHERITED}
    (path / _AGENT_FOLDER).mkdir(exist_ok=True, mode=0o700)
    log = str(path / _AGENT_FOLDER / "log")
    # Neither `subprocess` nor a fork: a third of the time, whatever the size of the training.
    # `-P`: no module of the folder where the script was started stands in for one of Python's own.
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "sweepd_agent.deliver", str(path), "--patience", patience],
        inherited,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return True


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
    from sweepd.discovery import NoServerError, known_address

    try:
        return known_address(environ)
    except NoServerError:
        return None


class _Ending:
    """Notes how the script ends, unless it says so by `finish` or is killed."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._process = os.getpid()
        self._code = 0
        self._hook = sys.excepthook
        sys.excepthook = self._failed
        sys.exit = self._exits
        self._quits = Quitter.__call__
        # `exit` and `quit`, also where a script has got hold of them already.
        Quitter.__call__ = lambda quitter, code=None: self._leaves(quitter, code)  # type: ignore[method-assign,assignment]
        atexit.register(self._over)

    def _failed(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._code = _INTERRUPTED if issubclass(kind, KeyboardInterrupt) else _FAILED
        self._hook(kind, error, trace)

    def _exits(self, code: object = None) -> NoReturn:
        self._note(code)
        raise SystemExit(code)

    def _leaves(self, quitter: Quitter, code: object) -> NoReturn:
        self._note(code)
        self._quits(quitter, code)  # type: ignore[arg-type]

    def _note(self, code: object) -> None:
        if threading.current_thread() is threading.main_thread():  # elsewhere it ends the thread alone
            self._code = code if isinstance(code, int) else 0 if code is None else _FAILED

    def _over(self) -> None:
        if self._process == os.getpid():
            _note_end_once(self._folder, self._code)


def _note_end_once(folder: RunFolder, code: int) -> None:
    """Note how a run has ended, unless it has said so itself."""
    try:
        noted = json.loads((folder.path / _RUN_FILE).read_bytes())
        if "ended" not in noted:
            note_end(folder, exit_code=code & 0xFF, now=time.time())
    except (OSError, ValueError):
        pass  # the folder is gone or its disk full: the run counts as vanished
