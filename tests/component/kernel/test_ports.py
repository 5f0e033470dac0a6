"""Port of a daemon: the previous one, if its user releases it in time."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from sweepd_kernel.flags import Address
from sweepd_kernel.rpc import listener

ANY = Address("127.0.0.1", 0)


@pytest.mark.parametrize("is_released", [True, False])
def test_the_port_of_last_time_is_waited_for_while_one_that_was_killed_is_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_released: bool
) -> None:
    note = tmp_path / "port"
    with socket.create_server(("127.0.0.1", 0)) as ending:
        before = ending.getsockname()[1]
        note.write_text(f"{before}\n")
        if is_released:
            monkeypatch.setattr(time, "sleep", lambda _: ending.close())
        reservation = listener.reserve(ANY, note)
    reservation.release()
    assert (reservation.address.port == before) == is_released
    assert note.read_text() == f"{reservation.address.port}\n"
