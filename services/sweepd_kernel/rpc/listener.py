"""Listeners: the only module that chooses, reserves and binds ports, and creates gRPC servers.

TLS is configured by the `credentials` of a `Listener`; without credentials, connections are not encrypted.
`process/bootstrap.py` creates the listener of each service. The client's counterpart is `sweepd.rpc.channel`.
"""

import errno
import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import grpc
import grpc.aio

from sweepd.private_files import make_folder
from sweepd_kernel.errors import StartError
from sweepd_kernel.flags import Address

DEFAULT_LISTEN = Address("127.0.0.1", 7333)
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.so_reuseport", 0),  # else a second server shares the port silently
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_concurrent_streams", 100),
    # A token may be bound to a hundred projects with long names, which the gateway sends with each call.
    ("grpc.max_metadata_size", 32 * 1024),
    # Matches the clients' keepalive: allows pings every 30 s on an idle connection, but no floods.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Closes connections that never speak HTTP/2; `connections.py` closes HTTP/2 ones without a token.
    ("grpc.server_handshake_timeout_ms", 10_000),
)
_IN_USE = "it is in use; port 0 chooses a free one"
# Seconds; a killed process may take some time to release its port.
_PATIENCE = 0.5
_RETRY_INTERVAL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Port to listen on.

    Args:
        address: host and port; port 0 takes the stored port, else any free port.
        port_file: file that stores the port; None: not stored.
        credentials: certificate and key of the server; None: no encryption, so only loopback is allowed.
    """

    address: Address
    port_file: Path | None = None
    credentials: grpc.ServerCredentials | None = None

    def bind(self, server: grpc.aio.Server) -> Address:
        """Bind `server`; return the address with the actual port.

        Raises:
            StartError: the port cannot be bound, or other machines could reach it in clear text.
        """
        if self.credentials is None:
            require_loopback(self.address)
        return _bind_port(self.address, self.port_file, partial(self._bind_exactly, server))

    def _bind_exactly(self, server: grpc.aio.Server, address: Address) -> Address:
        require_free(address)
        try:
            if self.credentials is None:
                port = server.add_insecure_port(str(address))
            else:
                port = server.add_secure_port(str(address), self.credentials)
        except RuntimeError:
            port = 0
        if not port:
            raise StartError(f"cannot listen on {address}: {_IN_USE}")
        return address.with_port(port)


def new_server(interceptors: Sequence[grpc.aio.ServerInterceptor]) -> grpc.aio.Server:
    """Return a server with the options of all services, not yet bound to a port."""
    return grpc.aio.server(interceptors=tuple(interceptors), options=OPTIONS)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Port that is bound but not listened on.

    While it is held, Linux never assigns the port to a process that asks for any free port, but a server
    with SO_REUSEADDR, such as gRPC's, can listen on it. So a restarted service gets its port again.
    """

    address: Address
    holder: socket.socket

    @property
    def port(self) -> int:
        """The reserved port."""
        return self.address.port

    def release(self) -> None:
        """Release the port; in a forked child, the parent keeps the reservation."""
        self.holder.close()


Bound = TypeVar("Bound", Address, Reservation)


def reserve(listen: Address, port_file: Path) -> Reservation:
    """Reserve `listen`; for port 0, the port stored in `port_file`, else any free port, which is then stored.

    Raises:
        StartError: the port cannot be bound, or other machines could reach it in clear text.
    """
    require_loopback(listen)
    return _bind_port(listen, port_file, _reserve_exactly)


def reserve_gateway(listen: Address | None, port_file: Path) -> Reservation:
    """Reserve `listen`; if None, the stored port, else the default port, else any free port.

    Raises:
        StartError: the port cannot be bound, or other machines could reach it in clear text.
    """
    if listen is not None:
        return reserve(listen, port_file)
    if not stored_port(port_file):
        with suppress(StartError):
            return _reserve_exactly(DEFAULT_LISTEN, patience=0.0)
    return reserve(DEFAULT_LISTEN.with_port(0), port_file)


def require_loopback(listen: Address) -> None:
    """Refuse an address that other machines can reach: tokens would be sent there in clear text.

    Raises:
        StartError: the host is not on the loopback interface.
    """
    try:
        loopback = ipaddress.ip_address(listen.host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise StartError(f"cannot listen on {listen}: without encryption only loopback addresses are allowed")


def require_free(listen: Address) -> None:
    """Refuse a port that is in use.

    gRPC would also report this, but in several lines and after it has started threads.

    Raises:
        StartError: the port is in use, or this account may not bind it.
    """
    _bound_socket(listen).close()


def stored_port(port_file: Path | None) -> int:
    """Return the port stored in `port_file`; 0 if there is none."""
    if port_file is None:
        return 0
    with suppress(OSError, ValueError):
        port = int(port_file.read_text())
        return port if 0 < port < 65_536 else 0
    return 0


def _bind_port(listen: Address, port_file: Path | None, bind: Callable[[Address], Bound]) -> Bound:
    """Acquire an address; for port 0, with the stored port, else any free port, which is then stored.

    Raises:
        StartError: `bind` refuses every candidate.
    """
    if listen.port:
        return bind(listen)
    if stored := stored_port(port_file):
        with suppress(StartError):
            return bind(listen.with_port(stored))
    bound = bind(listen)
    if port_file is not None:
        with suppress(OSError):  # on a full disk, the port is not stored, but the service starts
            make_folder(port_file.parent)
            port_file.write_text(f"{bound.port}\n")
    return bound


def _reserve_exactly(listen: Address, *, patience: float = _PATIENCE) -> Reservation:
    deadline = time.monotonic() + patience
    while True:
        is_last = time.monotonic() >= deadline
        try:
            holder = _bound_socket(listen)
        except StartError:
            if is_last:
                raise
        else:
            return Reservation(listen.with_port(holder.getsockname()[1]), holder)
        time.sleep(_RETRY_INTERVAL)


def _bound_socket(listen: Address) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in listen.host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((listen.host, listen.port))
    except OSError as error:
        bound.close()
        why = _IN_USE if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
        raise StartError(f"cannot listen on {listen}: {why}") from None
    return bound
