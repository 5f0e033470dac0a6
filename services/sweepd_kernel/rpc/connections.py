"""Connections to a port; those without a token are closed when they are old or many.

gRPC accepts connections itself, and keeps one that says nothing: a thousand of them use up the descriptors of
a process. So this looks at the sockets of the process, and shuts down those of strangers; gRPC closes them.
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
"""Seconds that a connection has to show a token; each health check gives it as many again."""

MOST_STRANGERS = 256
"""Connections without a token that may be open at once."""

YOUNGEST = 1.0
"""Seconds that a connection has in any case, while there are descriptors left."""

WORTH_A_LOOK = 128
"""Descriptors of a process up to which nobody is in the way."""

LOOK_EVERY = 1.0
LOOK_OFTEN = 0.1
_MOST_REMEMBERED = 10_000
_MOST_DESCRIPTORS = 1 << 20
_DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class Stranger:
    """A connection that has shown no token. `since`: when it was first seen, or last made a health check."""

    peer: str
    since: float


def superfluous(strangers: Iterable[Stranger], now: float, *, short: bool) -> Sequence[Stranger]:
    """Return the strangers to be closed, the oldest first.

    Args:
        strangers: all of them.
        now: monotonic seconds.
        short: descriptors are running out.
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
    """Watches the connections to one port."""

    log: logging.Logger
    _known: dict[str, None] = field(default_factory=dict)
    """Peers whose connection has shown a token."""
    _checked: dict[str, float] = field(default_factory=dict)
    """When each other peer made its last health check."""
    _seen: dict[str, float] = field(default_factory=dict)
    """When each stranger was first seen."""

    def authenticated(self, peer: str) -> None:
        """Record that a call with a good token has come from a peer."""
        self._known[_plain(peer)] = None

    def checked(self, peer: str) -> None:
        """Record that a health check, which needs no token, has come from a peer."""
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
                except OSError as error:  # without a free descriptor it cannot look; gRPC frees some
                    self.log.warning("connections cannot be looked at: %s", error)
                except Exception:
                    self.log.exception("connections could not be looked at")
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
    """Let this process open as many files as its hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def sockets_of(port: int) -> dict[str, int]:
    """Return the descriptors of the connections that peers have made to a port, by their addresses."""
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
        # Asked of the copy: the number may belong to another connection by now.
        with suppress(OSError), copied(descriptor) as connection:
            if _address(connection, port) == peer:
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def copied(descriptor: int) -> Iterator[socket.socket]:
    """Hold a copy of the socket that a number stands for.

    Raises:
        OSError: the number stands for nothing, or for something else than a socket.
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
    """Return the address of the peer as gRPC writes it; empty: it is not a connection to this port."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6) or connection.getsockname()[1] != port:
        return ""
    host, peer_port = connection.getpeername()[:2]
    host = host.removeprefix("::ffff:")  # a socket of both families, as gRPC makes them
    return f"ipv6:[{host}]:{peer_port}" if ":" in host else f"ipv4:{host}:{peer_port}"


def _plain(peer: str) -> str:
    """Return an address from gRPC without its escapes."""
    return unquote(peer) if "%" in peer else peer


def _count() -> int:
    try:
        return sum(1 for _ in _DESCRIPTORS.iterdir())
    except OSError:
        return _MOST_DESCRIPTORS  # none is left to look with
