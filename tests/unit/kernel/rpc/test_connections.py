"""Connections without a token are closed, and the sockets of a port are found."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from sweepd_kernel.rpc.connections import (
    MAX_UNAUTHENTICATED,
    MIN_AGE,
    PATIENCE,
    Candidate,
    Connections,
    connections_to_close,
    duplicated,
    sockets_of,
)

NOW = 1_000.0
T = TypeVar("T")


class NoThreadAtFirst(ThreadPoolExecutor):
    """Executor that cannot start a thread for its first task."""

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self.submitted = 0
        self.worked = asyncio.Event()

    def submit(self, fn: Callable[..., T], /, *args: object, **kwargs: object) -> Future[T]:
        """Refuse the first task."""
        self.submitted += 1
        if self.submitted == 1:
            raise RuntimeError("can't start new thread")
        self.worked.set()
        return super().submit(fn, *args, **kwargs)


def connections(count: int, age: float) -> list[Candidate]:
    return [Candidate(f"ipv4:127.0.0.1:{number}", NOW - age) for number in range(count)]


def test_a_connection_has_some_time_to_present_a_token() -> None:
    old, young = (
        Candidate("old", NOW - PATIENCE),
        Candidate("young", NOW - PATIENCE + 0.1),
    )
    assert list(connections_to_close([young, old], NOW, short=True)) == [old]


def test_of_too_many_connections_without_a_token_the_oldest_are_closed() -> None:
    older, newer = (
        Candidate("older", NOW - 3.0),
        Candidate("newer", NOW - 2.5),
    )
    rest = connections(MAX_UNAUTHENTICATED - 1, age=2.0)
    assert list(connections_to_close([*rest, newer, older], NOW, short=False)) == [older]
    assert not connections_to_close([*rest, newer], NOW, short=False)


def test_new_connections_are_closed_only_if_descriptors_run_out() -> None:
    many = connections(MAX_UNAUTHENTICATED + 10, age=MIN_AGE / 2)
    assert not connections_to_close(many, NOW, short=False)
    assert len(connections_to_close(many, NOW, short=True)) == 10


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


def test_a_descriptor_that_is_no_longer_a_socket_is_not_left_open(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("w") as file:
        with pytest.raises(OSError, match="Socket operation on non-socket"), duplicated(file.fileno()):
            pass
        links = [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()]
        assert links.count(str(path)) == 1


@pytest.mark.lengthy
def test_the_watch_continues_after_a_failed_check(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        threads = NoThreadAtFirst()
        asyncio.get_running_loop().set_default_executor(threads)
        connections = Connections(logging.getLogger("test"))
        for number in range(10_001):  # so many that it checks, however few descriptors are open
            connections.authenticated(f"ipv4:127.0.0.1:{number}")
        watching = asyncio.create_task(connections.watch(1))
        worked = asyncio.create_task(threads.worked.wait())
        await asyncio.wait({watching, worked}, timeout=30.0, return_when=asyncio.FIRST_COMPLETED)
        assert worked.done(), "it has not checked again"
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    asyncio.run(scenario())
    (record,) = caplog.records
    assert record.getMessage() == "connections could not be checked"
    assert record.exc_text is not None
    assert "can't start new thread" in record.exc_text
