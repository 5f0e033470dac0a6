"""Discovery of the servers of this account: entries in `$XDG_STATE_HOME/sweepd/servers`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sweepd.private_files import make_folder, replace_file
from sweepd.rpc.contexts import ConfigError, Contexts, quoted, read_contexts

DEFAULT_PORT = 7333
_CURRENT = "current"


class NoServerError(Exception):
    """No server is known; the message says what to do."""


class NoContextError(NoServerError):
    """The chosen context does not exist."""

    next_step = "`sweepctl config view` lists the contexts"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no context {name}; {self.next_step}")
        self.name = name


class BrokenContextsError(NoServerError):
    """The configuration file cannot be used; the message has its path and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEntry:
    """Entry that a server writes for the clients of its account."""

    address: str
    token: str
    data: str
    services: Mapping[str, str] = field(default_factory=dict)
    """Address of each service behind the gateway, by name."""


@dataclass(frozen=True, slots=True)
class Target:
    """Address that a client dials, and the token that it presents."""

    address: str
    token: str | None


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of this account's sweepd state."""
    base = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or Path.home()) / ".local/state"
    return Path(base) / "sweepd"


def write_entry(entry: ServerEntry, environ: Mapping[str, str] = os.environ) -> Path:
    """Write `entry` and make it current; only this account can read it."""
    path = _entry_path(entry.address, environ)
    make_folder(path.parent)
    lines = [
        f"address = {quoted(entry.address)}",
        f"token = {quoted(entry.token)}",
        f"data = {quoted(entry.data)}",
        "",
        "[services]",
        *(f"{quoted(name)} = {quoted(address)}" for name, address in sorted(entry.services.items())),
    ]
    replace_file(path, "\n".join(lines) + "\n")
    replace_file(path.parent / _CURRENT, f"{entry.address}\n")
    return path


def remove_entry(address: str, environ: Mapping[str, str] = os.environ) -> None:
    """Remove the entry of `address`, and `current` if it names this address."""
    path = _entry_path(address, environ)
    path.unlink(missing_ok=True)
    if current_address(environ) == address:
        (path.parent / _CURRENT).unlink(missing_ok=True)


def read_entry(address: str, environ: Mapping[str, str] = os.environ) -> ServerEntry | None:
    """Return the entry of `address`; None if it is missing or cannot be read."""
    import tomllib  # imported here, because reading only an address does not need it

    try:
        document = tomllib.loads(_entry_path(address, environ).read_text())
        return ServerEntry(
            address=str(document["address"]),
            token=str(document["token"]),
            data=str(document["data"]),
            services={str(name): str(value) for name, value in document["services"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def current_address(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the address of the last started server; None if there is none."""
    try:
        address = (state_folder(environ) / "servers" / _CURRENT).read_text().strip()
    except (OSError, ValueError):
        return None
    return address or None


def resolve(address: str | None, environ: Mapping[str, str] = os.environ) -> Target:
    """Return the address of the server to dial, and the token to present.

    Precedence: the flag, SWEEPD_ADDRESS, the context in use, the last started server of this account.
    The token is SWEEPD_TOKEN, else that of the context of the address, else that of the server's entry.

    Args:
        address: value of the flag, HOST:PORT or only HOST.
        environ: environment variables.

    Raises:
        NoServerError: no server is known.
        NoContextError: the context in use does not exist.
        BrokenContextsError: the contexts cannot be read.
    """
    chosen = address or environ.get("SWEEPD_ADDRESS")
    token: str | None = environ.get("SWEEPD_TOKEN", "").strip()  # the variable may end with a line feed
    if chosen and token:
        return Target(normalised(chosen), token)
    contexts = _contexts(environ)
    chosen = normalised(chosen or _address(contexts, environ))
    if not token:
        known = contexts.of_address(chosen, environ) or read_entry(chosen, environ)
        token = known.token if known is not None else None
    return Target(chosen, token)


def known_address(environ: Mapping[str, str] = os.environ) -> str:
    """Return the address that `resolve` would choose without a flag, without reading a token.

    Raises:
        NoServerError: as for `resolve`.
    """
    return normalised(environ.get("SWEEPD_ADDRESS") or _address(_contexts(environ), environ))


def _address(contexts: Contexts, environ: Mapping[str, str]) -> str:
    name = contexts.chosen(environ)
    if name and name not in contexts.by_name:
        raise NoContextError(name)
    chosen = contexts.by_name[name].address if name else current_address(environ)
    if not chosen:
        raise NoServerError(
            "no server is known: start one with `sweepd up -d`, log in to one with `sweepctl login "
            "ADDRESS`, or choose one with --server or SWEEPD_ADDRESS"
        )
    return chosen


def _contexts(environ: Mapping[str, str]) -> Contexts:
    try:
        return read_contexts(environ)
    except ConfigError as error:
        raise BrokenContextsError(str(error)) from None


def normalised(address: str) -> str:
    """Return an address as `HOST:PORT`, with the default port if the address has none."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        host, port = address, str(DEFAULT_PORT)
    return f"{'127.0.0.1' if host == 'localhost' else host}:{port}"


def _entry_path(address: str, environ: Mapping[str, str]) -> Path:
    host, _, port = address.rpartition(":")
    safe = "".join(c if c.isalnum() or c in ".-" else "-" for c in host)
    return state_folder(environ) / "servers" / f"{safe}_{port}.toml"
