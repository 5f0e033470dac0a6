"""Values of command-line flags: addresses and durations."""

import argparse
from dataclasses import dataclass

from sweepd.durations import parse_duration


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port; port 0 means any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def with_port(self, port: int) -> "Address":
        """Return the same host with another port."""
        return Address(self.host, port)


def parse_address(text: str) -> Address:
    """Parse `HOST:PORT`; `localhost` becomes 127.0.0.1, and an IPv6 host is in brackets.

    Raises:
        ValueError: the text does not have that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"{text!r} is not an address; write HOST:PORT")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return Address("127.0.0.1" if host == "localhost" else host, int(port))


def address(text: str) -> Address:
    """Parse the address of a flag, for `add_argument(type=address)`."""
    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def duration(text: str) -> float:
    """Parse the duration of a flag into seconds, for `add_argument(type=duration)`."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
