"""Addresses in flags."""

import pytest

from sweepd_kernel.errors import StartError
from sweepd_kernel.flags import Address, parse_address
from sweepd_kernel.rpc.listener import require_loopback


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("localhost:7333", Address("127.0.0.1", 7333)),
        ("[::1]:7333", Address("::1", 7333)),
        ("example.org:443", Address("example.org", 443)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["", "7333", ":7333", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "a:-1"])
def test_anything_else_is_not_an_address(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        parse_address(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1"])
def test_the_loopback_interface_is_allowed(host: str) -> None:
    require_loopback(Address(host, 0))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_every_other_host_is_refused(host: str) -> None:
    with pytest.raises(StartError, match="without encryption"):
        require_loopback(Address(host, 0))
