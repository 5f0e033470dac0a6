"""Writers of event files, where runs of several slots share a folder of TensorBoard."""

import os
import re
import socket
from pathlib import Path

_VARIABLE = b"SWEEPD_RUN_DIR="
# As torch and TensorFlow name them: time, host, process id, a number.
_NAME = re.compile(r"\.tfevents\.\d+\.(?P<host>.+)\.(?P<pid>\d+)\.\d+(?:\.v2)?$")


def writer_of(file: Path) -> str | None:
    """Return the folder of the run whose process writes a file; None if that is not known.

    It is the process that the name of the file tells, or one that holds it open; once it has ended, that is
    not known.
    """
    named = _NAME.search(file.name)
    if named is not None and named["host"] == socket.gethostname():
        return _run_of(named["pid"])
    path = os.path.realpath(file)
    for name in os.listdir("/proc"):  # noqa: PTH208 -- as in proc.py
        if name.isdecimal() and (run := _run_of(name)) is not None and _holds(name, path):
            return run
    return None


def _run_of(pid: str) -> str | None:
    try:
        variables = Path("/proc", pid, "environ").read_bytes().split(b"\0")
    except OSError:
        return None  # it is gone, or another account's
    found = next((each for each in variables if each.startswith(_VARIABLE)), None)
    return None if found is None else os.fsdecode(found.removeprefix(_VARIABLE))


def _holds(pid: str, path: str) -> bool:
    try:
        return any(os.readlink(entry.path) == path for entry in os.scandir(f"/proc/{pid}/fd"))  # noqa: PTH115
    except OSError:
        return False  # it is gone, or has just closed one
