"""Reserved port for a server that a test restarts, so that no other process takes it in the meantime."""

import socket


class ReservedPort:
    """Port that is bound without a listener; a server with address reuse can listen on it."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]

    @property
    def address(self) -> str:
        """Return the address to listen on and to connect to."""
        return f"127.0.0.1:{self.number}"

    def release(self) -> None:
        """Release the port."""
        self._socket.close()
