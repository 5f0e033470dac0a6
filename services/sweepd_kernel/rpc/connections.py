"""Connections to a port; unauthenticated connections are closed when they are old or too many.

gRPC accepts connections itself and keeps idle ones, so a thousand of them exhaust the descriptors of a
process. Therefore this module scans the sockets of the process and shuts down unauthenticated ones; gRPC then
closes them.
"""

import asyncio
import logging
import os
import resource
import socket
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

PATIENCE = 10.0
"""Seconds within which a connection must authenticate; each health check restarts the period."""

MOST_STRANGERS = 256
"""Maximum number of open unauthenticated connections."""

YOUNGEST = 1.0
"""Minimum lifetime in seconds of a connection, unless descriptors are running out."""

WORTH_A_LOOK = 128
"""Number of open descriptors up to which no scan is needed."""

LOOK_EVERY = 1.0
LOOK_OFTEN = 0.1
_MOST_REMEMBERED = 10_000
_MOST_DESCRIPTORS = 1 << 20
_DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class Stranger:
    """Unauthenticated connection. `since`: monotonic time of its last health check, else of its discovery."""

    peer: str
    since: float


def superfluous(strangers: Iterable[Stranger], now: float, *, short: bool) -> Sequence[Stranger]:
    """Return the strangers to close, the oldest first.

    Args:
        strangers: all unauthenticated connections.
        now: monotonic seconds.
        short: True if the process is running out of descriptors.
    """
    oldest_first = sorted(strangers, key=lambda stranger: stranger.since)
    excess = len(oldest_first) - MOST_STRANGERS
    return [
        stranger
        for place, stranger in enumerate(oldest_first)
        if now - stranger.since >= PATIENCE
        or (place < excess and (short or now - stranger.since >= YOUNGEST))
    ]


@dataclass(slots=True)
class Connections:
    """Watcher of the connections to one port."""

    log: logging.Logger
    _known: dict[str, None] = field(default_factory=dict)
    """Peers with an authenticated connection."""
    _checked: dict[str, float] = field(default_factory=dict)
    """Monotonic time of each peer's last health check."""
    _seen: dict[str, float] = field(default_factory=dict)
    """Monotonic time at which each stranger was first seen."""

    def authenticated(self, peer: str) -> None:
        """Record a call with a valid token from a peer."""
        self._known[_plain(peer)] = None

    def checked(self, peer: str) -> None:
        """Record a health check, which needs no token, from a peer."""
        self._checked[_plain(peer)] = time.monotonic()

    async def watch(self, port: int) -> None:
        """Close superfluous connections to a port until cancelled."""
        while True:
            short = False
            limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            count = _count()
            if count > WORTH_A_LOOK or len(self._known) + len(self._checked) > _MOST_REMEMBERED:
                short = count > limit // 2
                try:
                    await self._look(port, short=short)
                except OSError as error:  # no free descriptor for the scan
                    self.log.warning("connections cannot be checked: %s", error)
                except Exception:
                    self.log.exception("connections could not be checked")
            await asyncio.sleep(LOOK_OFTEN if short else LOOK_EVERY)

    async def _look(self, port: int, *, short: bool) -> None:
        before = set(self._known), set(self._checked)
        found = await asyncio.to_thread(sockets_of, port)
        now = time.monotonic()
        for mapping, earlier in zip((self._known, self._checked), before, strict=True):
            for peer in earlier - found.keys():
                mapping.pop(peer, None)  # type: ignore[attr-defined]  # of either dictionary
        strangers = found.keys() - self._known.keys()
        self._seen = {peer: self._seen.get(peer, now) for peer in strangers}
        closing = superfluous(
            [Stranger(peer, max(since, self._checked.get(peer, 0.0))) for peer, since in self._seen.items()],
            now,
            short=short,
        )
        if closing:
            await asyncio.to_thread(_shut_down, port, {each.peer: found[each.peer] for each in closing})
            self.log.info("connections without a token were closed", extra={"connections": len(closing)})


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open files of this process to the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def sockets_of(port: int) -> dict[str, int]:
    """Return the descriptors of the connections to a port, by peer address."""
    found: dict[str, int] = {}
    for each in _DESCRIPTORS.iterdir():
        with suppress(OSError):
            descriptor = int(each.name)
            if stat.S_ISSOCK(os.stat(descriptor).st_mode):
                peer = _peer(descriptor, port)
                if peer:
                    found[peer] = descriptor
    return found


def _shut_down(port: int, closing: dict[str, int]) -> None:
    for peer, descriptor in closing.items():
        # Checked on the duplicate: the descriptor may belong to another connection by now.
        with suppress(OSError), copied(descriptor) as connection:
            if _address(connection, port) == peer:
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def copied(descriptor: int) -> Iterator[socket.socket]:
    """Yield a duplicate of the socket on a descriptor.

    Raises:
        OSError: the descriptor is closed, or is not a socket.
    """
    copy = os.dup(descriptor)
    try:
        connection = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
    with connection:
        yield connection


def _peer(descriptor: int, port: int) -> str:
    with copied(descriptor) as connection:
        return _address(connection, port)


def _address(connection: socket.socket, port: int) -> str:
    """Return the peer's address in gRPC's format; empty if this is not a connection to the port."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6) or connection.getsockname()[1] != port:
        return ""
    host, peer_port = connection.getpeername()[:2]
    host = host.removeprefix("::ffff:")  # a dual-stack socket, as used by gRPC
    return f"ipv6:[{host}]:{peer_port}" if ":" in host else f"ipv4:{host}:{peer_port}"


def _plain(peer: str) -> str:
    """Return an address from gRPC, unescaped."""
    return unquote(peer) if "%" in peer else peer


def _count() -> int:
    try:
        return sum(1 for _ in _DESCRIPTORS.iterdir())
    except OSError:
        return _MOST_DESCRIPTORS  # no descriptor is left for the scan
