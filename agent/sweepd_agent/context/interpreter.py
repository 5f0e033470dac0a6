"""The Python that a command runs, and what is installed for it: asked of that Python itself."""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sweepd.regular_files import open_regular
from sweepd_agent.context.command import CommandFailedError, output_of

_WITHIN = 30.0
_MAX_BYTES = 4 * 2**20
_MAX_REQUIREMENTS = 1024 * 1024
_NAME = re.compile(r"(python|pypy)[0-9.]*(\.exe)?")
# Of `-c` the first entry of the path is the working directory, where a `json.py` may lie.
_ASK = """
import sys
sys.path[:1] = []
import json, platform
try:
    from importlib import metadata
    named = {}
    for each in metadata.distributions():
        name = each.metadata["Name"]
        if name:
            named.setdefault(name.lower(), (name, each.version))
    packages = sorted(named.values(), key=lambda each: each[0].lower())
except Exception:
    packages = []
print(json.dumps({"version": platform.python_version(), "executable": sys.executable, "packages": packages}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """Facts that a Python has printed about itself."""

    version: str
    executable: str
    packages: tuple[tuple[str, str], ...]

    @property
    def requirements(self) -> bytes:
        """Its packages as pip takes them, one a line."""
        lines = "".join(f"{name}=={version}\n" for name, version in self.packages)
        return lines.encode(errors="replace")[:_MAX_REQUIREMENTS]


def path_of(arguments: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Return the path of the Python that a command runs; None if it runs none, as far as can be seen."""
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
    return _of_first_line(path, environ)


def ask(path: str, environ: Mapping[str, str]) -> Interpreter:
    """Ask a Python what it is and has.

    Raises:
        CommandFailedError: it gave no answer, or none that can be read.
    """
    answer = output_of([path, "-c", _ASK], environ=environ, limit=_MAX_BYTES, timeout=_WITHIN)
    try:
        said = json.loads(answer.content.splitlines()[-1])
        return Interpreter(
            version=str(said["version"]),
            executable=str(said["executable"]),
            packages=tuple((str(name), str(version)) for name, version in said["packages"]),
        )
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise CommandFailedError(f"{path} gave an answer that cannot be read") from error


def _is_env(word: str) -> bool:
    return word == "env" or word.endswith("/env")


def _of_first_line(path: str, environ: Mapping[str, str]) -> str | None:
    """Return the Python that a script names in its first line, as `torchrun` and other launchers do."""
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
