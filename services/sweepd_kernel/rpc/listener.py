"""Listeners: the one place where ports are chosen, held and bound, and gRPC servers are made.

TLS enters here, as the `credentials` of a `Listener`; without them it is not encrypted.
`process/bootstrap.py` makes the listener of each service.
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
    # A token bound to a hundred projects with long names: the gateway sends all of them with each call.
    ("grpc.max_metadata_size", 32 * 1024),
    # Matches the clients' keepalive: pings every 30 s on an idle connection are welcome, floods are not.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Cuts a connection that never speaks HTTP/2; `connections.py` closes those that do, without a token.
    ("grpc.server_handshake_timeout_ms", 10_000),
)
_IN_USE = "it is in use; port 0 takes a free one"
# Seconds; a process that was killed may take some time to release its port.
_PATIENCE = 0.5
_LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Description of a port to listen on.

    Args:
        address: host and port; port 0 takes the port of last time, else any free one.
        port_file: file that remembers the port; None: it is not remembered.
        credentials: certificate and key of the server; None: no encryption, on the loopback interface alone.
    """

    address: Address
    port_file: Path | None = None
    credentials: grpc.ServerCredentials | None = None

    def bind(self, server: grpc.aio.Server) -> Address:
        """Bind `server`, and return the address with its port.

        Raises:
            StartError: the port is taken, or other machines could reach it in clear text.
        """
        if self.credentials is None:
            require_loopback(self.address)
        return _taken(self.address, self.port_file, partial(self._bind_exactly, server))

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
    """Return a server with the options of all services; it listens nowhere yet."""
    return grpc.aio.server(interceptors=tuple(interceptors), options=OPTIONS)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A port that is bound but not listened on.

    While it is held the system gives the port to nobody who asks for any, and a server that allows the reuse
    of addresses, as gRPC's does, can still listen on it. So a service that dies finds its port free.
    """

    address: Address
    holder: socket.socket

    @property
    def port(self) -> int:
        """The port that is held."""
        return self.address.port

    def release(self) -> None:
        """Release the port; in a forked child the parent's hold stays."""
        self.holder.close()


Taken = TypeVar("Taken", Address, Reservation)


def reserve(listen: Address, port_file: Path) -> Reservation:
    """Reserve `listen`; at port 0 the port remembered in `port_file`, else any free one, which is remembered.

    Raises:
        StartError: the port is in use, or other machines could reach it in clear text.
    """
    require_loopback(listen)
    return _taken(listen, port_file, _reserve_exactly)


def reserve_gateway(listen: Address | None, port_file: Path) -> Reservation:
    """Reserve `listen`, or where none was given: the port of last time, the usual one, any free one.

    Raises:
        StartError: the given port is in use, or other machines could reach it in clear text.
    """
    if listen is not None:
        return reserve(listen, port_file)
    if not remembered_port(port_file):
        with suppress(StartError):
            return _reserve_exactly(DEFAULT_LISTEN, patience=0.0)
    return reserve(DEFAULT_LISTEN.with_port(0), port_file)


def require_loopback(listen: Address) -> None:
    """Refuse an address that other machines can reach: without encryption tokens would travel in clear text.

    Raises:
        StartError: the host is not on the loopback interface.
    """
    try:
        loopback = ipaddress.ip_address(listen.host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise StartError(f"cannot listen on {listen}: without encryption only 127.0.0.1 or [::1] are allowed")


def require_free(listen: Address) -> None:
    """Refuse a port that somebody listens on.

    gRPC would say so too, but in several lines and after it has started threads.

    Raises:
        StartError: the port is taken, or this account may not take it.
    """
    _bound_socket(listen).close()


def remembered_port(port_file: Path | None) -> int:
    """Return the port written in `port_file`, or 0."""
    if port_file is None:
        return 0
    with suppress(OSError, ValueError):
        port = int(port_file.read_text())
        return port if 0 < port < 65_536 else 0
    return 0


def _taken(listen: Address, port_file: Path | None, take: Callable[[Address], Taken]) -> Taken:
    """Take an address; at port 0 the port of last time, else any free one, which is remembered.

    Raises:
        StartError: `take` refuses all of them.
    """
    if listen.port:
        return take(listen)
    if remembered := remembered_port(port_file):
        with suppress(StartError):
            return take(listen.with_port(remembered))
    taken = take(listen)
    if port_file is not None:
        with suppress(OSError):  # a full disk costs the memory of the port, not the service
            make_folder(port_file.parent)
            port_file.write_text(f"{taken.port}\n")
    return taken


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
        time.sleep(_LOOK_EVERY)


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
