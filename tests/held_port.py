"""A reserved port for a server that a test restarts, so that no other process gets it meanwhile."""

import socket


class HeldPort:
    """A port that is bound but not listened on: a server that reuses addresses can listen on it."""

    def __init__(self) -> None:
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", 0))
        self.number: int = self._holder.getsockname()[1]

    @property
    def address(self) -> str:
        """Return the address to listen on and to connect to."""
        return f"127.0.0.1:{self.number}"

    def release(self) -> None:
        """Release the port."""
        self._holder.close()
