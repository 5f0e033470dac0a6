"""TCP proxy between an agent and its server that can be cut or go half open."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_OTHER_HOST = b"00000000-0000-4000-8000-000000000000"
_PIECE = 65_536


class Link:
    """TCP proxy: `cut` closes and refuses all connections, `swallow` silently drops all bytes.

    It replaces the id of this host in messages of the server, so that an agent on this host stays on the link
    and does not attach to the scheduler directly.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._here = Path("/proc/sys/kernel/random/boot_id").read_text().strip().encode()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._cut = False
        self._cuts = 0
        self._swallowing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listener.getsockname())
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut(self) -> None:
        """Close all connections, and refuse new ones."""
        with self._guard:
            self._cut = True
            self._cuts += 1
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def swallow(self) -> None:
        """Stop forwarding, without closing connections."""
        self._swallowing = True

    def restore(self) -> None:
        """Forward new connections again; those that have lost bytes stay silent."""
        self._cut = self._swallowing = False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            cuts = self._cuts
            if self._cut:
                near.close()
                continue
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            with self._guard:
                self._open |= {near, far}
                refused = self._cuts != cuts  # cut while the connection was opened
            if refused:
                near.shutdown(socket.SHUT_RDWR)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        torn = False
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                torn = torn or self._swallowing
                if not torn:
                    sink.sendall(piece.replace(self._here, _OTHER_HOST))
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        with self._guard:
            self._open.discard(source)
        source.close()
