"""A port for a server that a test restarts: meanwhile the system gives it to no other process."""

import socket


class HeldPort:
    """Bound and not listened on, so that a server which allows the reuse of addresses can listen there."""

    def __init__(self) -> None:
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", 0))
        self.number: int = self._holder.getsockname()[1]

    @property
    def address(self) -> str:
        """Address to listen on and to connect to."""
        return f"127.0.0.1:{self.number}"

    def release(self) -> None:
        """Let the system have it."""
        self._holder.close()
