"""What may stand in `--listen` and in a service's address."""

import argparse
import ipaddress
from dataclasses import dataclass

from sweepd_kernel.errors import StartError


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port; port 0 stands for any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def with_port(self, port: int) -> "Address":
        """The same host with another port."""
        return Address(self.host, port)


def parse_address(text: str) -> Address:
    """Read `HOST:PORT`; `localhost` is 127.0.0.1, an IPv6 host stands in brackets.

    Raises:
        ValueError: it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"{text!r} is no address; write HOST:PORT")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return Address("127.0.0.1" if host == "localhost" else host, int(port))


def address(text: str) -> Address:
    """Read the address of a flag; for `add_argument(type=address)`."""
    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def require_loopback(listen: Address) -> None:
    """Refuse to be heard by other machines: there is no encryption yet, and the token would travel in clear.

    Raises:
        StartError: the host is not on the loopback interface.
    """
    try:
        loopback = ipaddress.ip_address(listen.host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise StartError(f"cannot listen on {listen}: without encryption only 127.0.0.1 or [::1] are allowed")
