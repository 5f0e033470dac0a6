"""Values of command-line flags: addresses and durations."""

from dataclasses import dataclass

from sweepd.durations import parse_duration
from sweepd.flag_parsers import for_flag


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


address = for_flag(parse_address)
"""Parse the address of a flag, for `add_argument(type=address)`."""
duration = for_flag(parse_duration)
"""Parse the duration of a flag into seconds, for `add_argument(type=duration)`."""
