"""How the ports of a daemon's services are chosen, kept over restarts, and kept from others."""

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sweepd.folders import make_folder
from sweepd_kernel.address import Address, require_loopback
from sweepd_kernel.errors import StartError
from sweepd_kernel.server import remembered_port, require_free

DEFAULT_LISTEN = Address("127.0.0.1", 7333)
# Seconds; a process that was killed may take a moment to let go of its port.
_PATIENCE = 0.5
_LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Reservation:
    """A port that is bound and not listened on.

    While it is held the system gives the port to nobody who asks for any, and a server that allows the reuse
    of addresses, as gRPC's does, can still listen on it. So a service that dies finds its port free.
    """

    address: Address
    holder: socket.socket

    def release(self) -> None:
        """Let go of it; in a forked child the parent's hold stays."""
        self.holder.close()


def reserve(listen: Address, port_file: Path) -> Reservation:
    """Reserve `listen`; at port 0 the port noted in `port_file`, else any free one, which is noted there.

    Raises:
        StartError: the port is in use, or heard by other machines.
    """
    require_loopback(listen)
    if listen.port:
        return _reserve_exactly(listen)
    noted = remembered_port(port_file)
    if noted:
        with suppress(StartError):
            return _reserve_exactly(listen.with_port(noted))
    reservation = _reserve_exactly(listen)
    with suppress(OSError):  # a full disk costs the memory of the port, not the daemon
        make_folder(port_file.parent)
        port_file.write_text(f"{reservation.address.port}\n")
    return reservation


def reserve_door(listen: Address | None, port_file: Path) -> Reservation:
    """Reserve `listen`, or where nothing was asked for: the port of last time, the usual one, any free one.

    Raises:
        StartError: the port that was asked for is in use, or heard by other machines.
    """
    if listen is not None:
        return reserve(listen, port_file)
    if not remembered_port(port_file):
        with suppress(StartError):
            return _reserve_exactly(DEFAULT_LISTEN, patience=0.0)
    return reserve(DEFAULT_LISTEN.with_port(0), port_file)


def _reserve_exactly(listen: Address, *, patience: float = _PATIENCE) -> Reservation:
    deadline = time.monotonic() + patience
    while True:
        is_last = time.monotonic() >= deadline
        try:
            return _bound(listen)
        except StartError:
            if is_last:
                raise
        time.sleep(_LOOK_EVERY)


def _bound(listen: Address) -> Reservation:
    require_free(listen)
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    holder = socket.socket(family, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((listen.host, listen.port))
    except OSError as error:
        holder.close()
        raise StartError(f"cannot listen on {listen}: {error.strerror}") from None
    port: int = holder.getsockname()[1]
    return Reservation(listen.with_port(port), holder)
