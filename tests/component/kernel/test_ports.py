"""Port of a daemon: the previous one, if the process that uses it releases it in time."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from sweepd_kernel.flags import Address
from sweepd_kernel.rpc import listener

ANY = Address("127.0.0.1", 0)


@pytest.mark.parametrize("is_released", [True, False])
def test_a_restart_waits_for_its_previous_port_until_it_is_released_or_a_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_released: bool
) -> None:
    port_file = tmp_path / "port"
    with socket.create_server(("127.0.0.1", 0)) as previous:
        before = previous.getsockname()[1]
        port_file.write_text(f"{before}\n")
        if is_released:
            monkeypatch.setattr(time, "sleep", lambda _: previous.close())
        reservation = listener.reserve(ANY, port_file)
    reservation.release()
    assert (reservation.address.port == before) == is_released
    assert port_file.read_text() == f"{reservation.address.port}\n"
