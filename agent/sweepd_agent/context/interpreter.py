"""Commands that query the system, with limits on time and output; queries of Python interpreters and GPUs."""

import contextlib
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sweepd.regular_files import open_regular

_PIECE = 64 * 1024
_LOWEST_PRIORITY = 19
_living: "set[subprocess.Popen[bytes]]" = set()


class CommandFailedError(Exception):
    """A command failed; the message states the reason, `code` is the exit code if that is the reason."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Standard output of a command, truncated to the limit if `cut` is true."""

    content: bytes
    cut: bool


def output_of(
    arguments: Sequence[str],
    *,
    environ: Mapping[str, str],
    limit: int,
    timeout: float,
    cwd: str | None = None,
) -> Output:
    """Return the output of a command, at most `limit` bytes, within `timeout` seconds.

    Raises:
        CommandFailedError: the command cannot be started, fails, or takes longer than that.
    """
    try:
        process = subprocess.Popen(
            arguments,
            env=dict(environ),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise CommandFailedError(f"{arguments[0]}: {getattr(error, 'strerror', None) or error}") from error
    _living.add(process)
    with contextlib.suppress(OSError):  # the command has ended, or this system has no priorities
        os.setpriority(os.PRIO_PROCESS, process.pid, _LOWEST_PRIORITY)  # runs take precedence
    try:
        content, cut = _read(process, limit, time.monotonic() + timeout)
        if not cut and (code := process.wait(timeout=5.0)):
            raise CommandFailedError(f"{arguments[0]} exited with code {code}", code)
    except (TimeoutError, subprocess.TimeoutExpired) as error:
        raise CommandFailedError(f"{arguments[0]} did not answer in time") from error
    finally:
        _living.discard(process)
        if process.returncode is None:
            _kill(process)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    return Output(content=content, cut=cut)


def end_all() -> None:
    """Kill every command that still runs; called when the program ends."""
    for process in tuple(_living):
        if process.returncode is None:
            _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process group of a command, which has not been reaped, so that its id is still valid."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _read(process: "subprocess.Popen[bytes]", limit: int, deadline: float) -> tuple[bytes, bool]:
    assert process.stdout is not None
    pieces: list[bytes] = []
    room = limit
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while room >= 0:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise TimeoutError
            piece = os.read(process.stdout.fileno(), _PIECE)
            if not piece:
                return b"".join(pieces), False
            pieces.append(piece)
            room -= len(piece)
    return b"".join(pieces)[:limit], True


_WITHIN = 30.0
_MAX_BYTES = 4 * 2**20
_MAX_REQUIREMENTS = 1024 * 1024
_NAME = re.compile(r"(python|pypy)[0-9.]*(\.exe)?")
# With `-c`, the first entry of `sys.path` is the working directory, which may contain a `json.py`.
_ASK = r"""
import sys
sys.path[:1] = []
import json, platform
try:
    from importlib import metadata
    named = {}
    for each in metadata.distributions():
        # Not `each.metadata`: that also parses the description, which is long.
        text = each.read_text("METADATA") or each.read_text("PKG-INFO") or each.read_text("") or ""
        head = dict(line.split(": ", 1) for line in text.split("\n\n")[0].splitlines() if ": " in line)
        name = head.get("Name")
        if name:
            named.setdefault(name.lower(), (name, head.get("Version", "")))
    packages = sorted(named.values(), key=lambda each: each[0].lower())
except Exception:
    packages = []
print(json.dumps({"version": platform.python_version(), "executable": sys.executable, "packages": packages}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """Version, path and packages of a Python interpreter, as reported by the interpreter."""

    version: str
    executable: str
    packages: tuple[tuple[str, str], ...]

    @property
    def requirements(self) -> bytes:
        """Packages in the format of a requirements file, truncated to the maximum size."""
        lines = "".join(f"{name}=={version}\n" for name, version in self.packages)
        return lines.encode(errors="replace")[:_MAX_REQUIREMENTS]


def path_of(arguments: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Return the path of the Python interpreter that a command runs; None if none is found."""
    words = list(arguments)
    while words and _is_env(words[0]):
        words = words[1:]
        while words and ("=" in words[0] or words[0] in {"-S", "-i", "--"}):
            words = words[1:]
    if not words:
        return None
    path = shutil.which(words[0], path=environ.get("PATH"))
    if path is None:
        return None
    if _NAME.fullmatch(os.path.basename(path)):  # noqa: PTH119 -- no path is made of it
        return path
    return _of_shebang(path, environ)


def ask(path: str, environ: Mapping[str, str]) -> Interpreter:
    """Return the version, path and packages that a Python interpreter reports.

    Raises:
        CommandFailedError: the interpreter gave no answer or an invalid answer.
    """
    answer = output_of([path, "-c", _ASK], environ=environ, limit=_MAX_BYTES, timeout=_WITHIN)
    try:
        found = json.loads(answer.content.splitlines()[-1])
        return Interpreter(
            version=str(found["version"]),
            executable=str(found["executable"]),
            packages=tuple((str(name), str(version)) for name, version in found["packages"]),
        )
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise CommandFailedError(f"{path} gave an invalid answer") from error


def _is_env(word: str) -> bool:
    return word == "env" or word.endswith("/env")


def _of_shebang(path: str, environ: Mapping[str, str]) -> str | None:
    """Return the Python interpreter in the shebang of a script such as `torchrun`; None if none is found."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            first = file.readline(512)
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return None
    words = first[2:].decode(errors="replace").split()
    if words and words[0] != path and not words[0].endswith(("/sh", "/bash")):
        return path_of(words, environ)
    return None


def gpu_figures(names: str, environ: Mapping[str, str], timeout: float) -> str | None:
    """Return a line per GPU with the named values, separated by commas; None if `nvidia-smi` is missing.

    Raises:
        CommandFailedError: the query fails, or takes longer than `timeout` seconds.
    """
    path = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if path is None:
        return None
    arguments = [path, f"--query-gpu={names}", "--format=csv,noheader,nounits"]
    answer = output_of(arguments, environ=environ, limit=64 * 1024, timeout=timeout)
    return answer.content.decode(errors="replace")
