"""Connections without a token are closed, and the sockets of a port are found."""

import socket

from sweepd_kernel.connections import (
    MOST_STRANGERS,
    PATIENCE,
    YOUNGEST,
    Stranger,
    sockets_of,
    superfluous,
)

NOW = 1_000.0


def strangers(count: int, age: float) -> list[Stranger]:
    return [Stranger(f"ipv4:127.0.0.1:{number}", NOW - age) for number in range(count)]


def test_a_stranger_has_time_to_show_a_token() -> None:
    old, young = Stranger("old", NOW - PATIENCE), Stranger("young", NOW - PATIENCE + 0.1)
    assert list(superfluous([young, old], NOW, short=True)) == [old]


def test_of_too_many_strangers_the_oldest_go() -> None:
    older, newer = Stranger("older", NOW - 3.0), Stranger("newer", NOW - 2.5)
    rest = strangers(MOST_STRANGERS - 1, age=2.0)
    assert list(superfluous([*rest, newer, older], NOW, short=False)) == [older]
    assert not superfluous([*rest, newer], NOW, short=False)


def test_strangers_that_have_just_come_go_only_where_descriptors_run_out() -> None:
    many = strangers(MOST_STRANGERS + 10, age=YOUNGEST / 2)
    assert not superfluous(many, NOW, short=False)
    assert len(superfluous(many, NOW, short=True)) == 10


def test_connections_to_a_port_are_found_by_the_address_of_their_peer() -> None:
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        port = server.getsockname()[1]
        with (
            socket.create_connection(("127.0.0.1", port)) as old,
            socket.create_connection(("::1", port)) as new,
            socket.create_connection(other.getsockname()),
            server.accept()[0] as first,
            server.accept()[0] as second,
            other.accept()[0],
        ):
            assert sockets_of(port) == {
                f"ipv4:127.0.0.1:{old.getsockname()[1]}": first.fileno(),
                f"ipv6:[::1]:{new.getsockname()[1]}": second.fileno(),
            }
