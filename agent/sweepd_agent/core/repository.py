"""What git prints, read: state of a working directory, and addresses without what opens them."""

import re
from dataclasses import dataclass

_HEAD = "# branch.head "
_COMMIT = "# branch.oid "
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?:[^/?#]*@)?(?P<rest>[^?#]*)", re.DOTALL)
_SCP = re.compile(r"(?P<user>[^@/:]+)(?::[^@/]*)?@(?P<rest>[^@]*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """What is checked out; `commit` is empty before the first, `branch` where none is."""

    commit: str
    branch: str
    dirty: bool


def checkout(status: str) -> Checkout:
    """Return what `git status --porcelain=v2 --branch` says."""
    commit = branch = ""
    dirty = False
    for line in status.splitlines():
        if line.startswith(_COMMIT):
            commit = line.removeprefix(_COMMIT)
        elif line.startswith(_HEAD):
            branch = line.removeprefix(_HEAD)
        elif line and line[0] in "12u":
            dirty = True
    return Checkout(
        commit="" if commit == "(initial)" else commit,
        branch="" if branch == "(detached)" else branch,
        dirty=dirty,
    )


def without_credentials(remote: str) -> str:
    """Return the address of a repository without user, password and whatever follows a question mark."""
    remote = remote.strip()
    if url := _URL.fullmatch(remote.partition("?")[0].partition("#")[0]):
        return f"{url['scheme']}{url['rest']}"
    if scp := _SCP.fullmatch(remote):
        return f"{scp['user']}@{scp['rest']}"
    return remote if "@" not in remote else remote.rpartition("@")[2]
