"""State of the git repository in which a run starts.

Git is run such that it executes no programs that the repository configures, except filters.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sweepd_agent.context.interpreter import CommandFailedError, Output, output_of

MAX_DIFF_BYTES = 256 * 1024
_MAX_STATUS_BYTES = 4 * 2**20
_MAX_LINES = 64 * 1024
_WITHIN = 10.0
# No hooks, monitors, external diffs or text converters, locks, pager or prompts.
_QUIETLY = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-pager")
_STATUS = ("--porcelain=v2", "--branch", "--untracked-files=no", "--ignore-submodules=dirty")
_DIFF = ("--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
_ENVIRON = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
# Exit code of git without a repository, or in a repository of another owner.
_NO_REPOSITORY = 128
_CUT = b"\n# (the difference is longer; the rest was left out)\n"
_HEAD = "# branch.head "
_COMMIT = "# branch.oid "
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?:[^/?#]*@)?(?P<rest>[^?#]*)", re.DOTALL)
_SCP = re.compile(r"(?P<user>[^@/:]+)(?::[^@/]*)?@(?P<rest>[^@]*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """State of a repository; `missing` lists what could not be determined, and why.

    `commit` is empty before the first commit, `branch` if HEAD is detached.
    """

    commit: str = ""
    branch: str = ""
    dirty: bool = False
    remote: str = ""
    diff: bytes = b""
    missing: tuple[str, ...] = ()


def repository(directory: str, environ: Mapping[str, str]) -> Repository | None:
    """Return the state of a directory's repository; None if there is no repository or no git."""
    if shutil.which("git", path=environ.get("PATH")) is None:
        return None
    try:
        status = _git(directory, environ, _MAX_STATUS_BYTES, "status", *_STATUS)
    except CommandFailedError as error:
        return None if error.code == _NO_REPOSITORY else Repository(missing=(f"the repository: {error}",))
    found = replace(checkout(status.content.decode(errors="replace")), remote=_remote(directory, environ))
    if not found.dirty:
        return found
    try:
        return replace(found, diff=_difference(directory, environ, "HEAD" if found.commit else "--cached"))
    except CommandFailedError as error:
        return replace(found, missing=(f"the diff against the commit: {error}",))


def _difference(directory: str, environ: Mapping[str, str], base: str) -> bytes:
    found = _git(directory, environ, MAX_DIFF_BYTES - len(_CUT), "diff", *_DIFF, base, "--")
    return found.content + _CUT if found.cut else found.content


def _remote(directory: str, environ: Mapping[str, str]) -> str:
    try:
        names = _git(directory, environ, _MAX_LINES, "remote").content.decode(errors="replace").split()
        if not names:
            return ""
        name = "origin" if "origin" in names else names[0]
        url = _git(directory, environ, _MAX_LINES, "config", "--get", f"remote.{name}.url")
    except CommandFailedError:
        return ""
    return without_credentials(url.content.decode(errors="replace"))[:2_000]


def _git(directory: str, environ: Mapping[str, str], limit: int, *arguments: str) -> Output:
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    return output_of(
        [*_QUIETLY, *arguments], environ=kept | _ENVIRON, limit=limit, timeout=_WITHIN, cwd=directory
    )


def checkout(status: str) -> Repository:
    """Return the state parsed from the output of `git status --porcelain=v2 --branch`."""
    commit = branch = ""
    dirty = False
    for line in status.splitlines():
        if line.startswith(_COMMIT):
            commit = line.removeprefix(_COMMIT)
        elif line.startswith(_HEAD):
            branch = line.removeprefix(_HEAD)
        elif line and line[0] in "12u":
            dirty = True
    return Repository(
        commit="" if commit == "(initial)" else commit,
        branch="" if branch == "(detached)" else branch,
        dirty=dirty,
    )


def without_credentials(remote: str) -> str:
    """Return the URL of a remote without credentials, query and fragment."""
    remote = remote.strip()
    if url := _URL.fullmatch(remote.partition("?")[0].partition("#")[0]):
        return f"{url['scheme']}{url['rest']}"
    if scp := _SCP.fullmatch(remote):
        return f"{scp['user']}@{scp['rest']}"
    return remote if "@" not in remote else remote.rpartition("@")[2]
