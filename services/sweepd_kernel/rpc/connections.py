"""Connections to a port; unauthenticated connections are closed if they are old or too many.

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

MAX_UNAUTHENTICATED = 256
"""Maximum number of open unauthenticated connections."""

MIN_AGE = 1.0
"""Age in seconds below which an excess connection stays open, unless descriptors are running out."""

SCAN_THRESHOLD = 128
"""Number of open descriptors above which the connections are scanned."""

SCAN_INTERVAL = 1.0
SHORT_SCAN_INTERVAL = 0.1
_MAX_PEERS = 10_000
_MAX_DESCRIPTORS = 1 << 20
_DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Unauthenticated connection. `since`: monotonic time of its last health check, else when first seen."""

    peer: str
    since: float


def connections_to_close(candidates: Iterable[Candidate], now: float, *, short: bool) -> Sequence[Candidate]:
    """Return the connections to close, oldest first.

    Args:
        candidates: all unauthenticated connections.
        now: monotonic seconds.
        short: True if the process is running out of descriptors.
    """
    oldest_first = sorted(candidates, key=lambda each: each.since)
    excess = len(oldest_first) - MAX_UNAUTHENTICATED
    return [
        each
        for place, each in enumerate(oldest_first)
        if now - each.since >= PATIENCE or (place < excess and (short or now - each.since >= MIN_AGE))
    ]


@dataclass(slots=True)
class Connections:
    """Monitor of the connections to one port."""

    log: logging.Logger
    _known: dict[str, None] = field(default_factory=dict)
    """Peers with an authenticated connection."""
    _checked: dict[str, float] = field(default_factory=dict)
    """Monotonic time of each peer's last health check."""
    _seen: dict[str, float] = field(default_factory=dict)
    """Monotonic time at which each unauthenticated peer was first seen."""

    def authenticated(self, peer: str) -> None:
        """Record a call with a valid token from a peer."""
        self._known[_unescaped(peer)] = None

    def checked(self, peer: str) -> None:
        """Record a health check, which needs no token, from a peer."""
        self._checked[_unescaped(peer)] = time.monotonic()

    async def watch(self, port: int) -> None:
        """Close old and excess unauthenticated connections to a port until cancelled."""
        while True:
            short = False
            limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            count = _open_descriptors()
            if count > SCAN_THRESHOLD or len(self._known) + len(self._checked) > _MAX_PEERS:
                short = count > limit // 2
                try:
                    await self._scan(port, short=short)
                except OSError as error:  # no free descriptor for the scan
                    self.log.warning("connections cannot be checked: %s", error)
                except Exception:
                    self.log.exception("connections could not be checked")
            await asyncio.sleep(SHORT_SCAN_INTERVAL if short else SCAN_INTERVAL)

    async def _scan(self, port: int, *, short: bool) -> None:
        before = set(self._known), set(self._checked)
        found = await asyncio.to_thread(sockets_of, port)
        now = time.monotonic()
        for mapping, earlier in zip((self._known, self._checked), before, strict=True):
            for peer in earlier - found.keys():
                mapping.pop(peer, None)  # type: ignore[attr-defined]  # of either dictionary
        unauthenticated = found.keys() - self._known.keys()
        self._seen = {peer: self._seen.get(peer, now) for peer in unauthenticated}
        closing = connections_to_close(
            [Candidate(peer, max(since, self._checked.get(peer, 0.0))) for peer, since in self._seen.items()],
            now,
            short=short,
        )
        if closing:
            await asyncio.to_thread(_shut_down, port, {each.peer: found[each.peer] for each in closing})
            self.log.info("connections without a token were closed", extra={"connections": len(closing)})


def raise_descriptor_limit() -> None:
    """Raise the soft limit on open files to the hard limit, but at most to `_MAX_DESCRIPTORS`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MAX_DESCRIPTORS)
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
        # Check the duplicate, because the descriptor may belong to another connection by now.
        with suppress(OSError), duplicated(descriptor) as connection:
            if _address(connection, port) == peer:
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def duplicated(descriptor: int) -> Iterator[socket.socket]:
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
    with duplicated(descriptor) as connection:
        return _address(connection, port)


def _address(connection: socket.socket, port: int) -> str:
    """Return the peer's address in gRPC's format; empty if this is not a connection to the port."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6) or connection.getsockname()[1] != port:
        return ""
    host, peer_port = connection.getpeername()[:2]
    host = host.removeprefix("::ffff:")  # a dual-stack socket, as used by gRPC
    return f"ipv6:[{host}]:{peer_port}" if ":" in host else f"ipv4:{host}:{peer_port}"


def _unescaped(peer: str) -> str:
    """Return an address from gRPC, unescaped."""
    return unquote(peer) if "%" in peer else peer


def _open_descriptors() -> int:
    try:
        return sum(1 for _ in _DESCRIPTORS.iterdir())
    except OSError:
        return _MAX_DESCRIPTORS  # no descriptor is left for the scan
