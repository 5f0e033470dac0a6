"""All services under `sweepd up`, and each alone: starts in any order, kills and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from system.installation import BIN, Installation, listens
from waiting import until

SERVICES = ("metric-store", "suggestion", "scheduler", "gateway")


def test_an_idle_server_starts_quickly_and_leaves_no_process(installation: Installation) -> None:
    began = time.monotonic()
    server = installation.start_server(fresh=True)
    assert time.monotonic() - began < 5.0  # about 1 s on a quiet machine
    assert set(server.service_pids()) == set(SERVICES)
    assert server.stop() == 0
    installation.nothing_is_left()
    assert "Traceback" not in (installation.folder / "server.log").read_text()


def test_a_killed_service_is_restarted_while_the_others_continue(installation: Installation) -> None:
    server = installation.start_server(fresh=True)
    for victim in SERVICES:
        before = server.service_pids()
        os.kill(before[victim], signal.SIGKILL)
        until(lambda: server.service_pids()[victim] not in (0, before[victim]))  # noqa: B023
        until(lambda: installation.ctl("list", code=None).returncode == 0, within=10)
        after = server.service_pids()
        assert {name for name in before if before[name] != after[name]} == {victim}
    assert server.stop() == 0
    installation.nothing_is_left()


def test_a_killed_daemon_leaves_no_process_and_can_be_restarted_immediately(
    installation: Installation,
) -> None:
    server = installation.start_server(fresh=True)
    server.process.kill()
    server.process.wait()
    again = installation.start_server(fresh=True)
    assert again.address == server.address
    installation.ctl("list")
    assert again.stop() == 0
    installation.nothing_is_left()


@pytest.mark.parametrize("order", [SERVICES, SERVICES[::-1]])
def test_services_start_alone_in_any_order(installation: Installation, order: tuple[str, ...]) -> None:
    address = {name: f"{installation.host}:{port}" for port, name in enumerate(SERVICES, 7001)}
    inner = ["--metrics", address["metric-store"], "--suggestion", address["suggestion"]]
    flags = {
        "metric-store": [],
        "suggestion": [],
        "scheduler": inner,
        "gateway": [*inner, "--scheduler", address["scheduler"]],
    }
    started = []
    for name in order:
        data = installation.folder / name
        command = [str(BIN / "sweepd"), name, "--listen", address[name], "--data", str(data), *flags[name]]
        started.append(_start(command, installation))
    until(lambda: installation.ctl("list", code=None).returncode == 0)
    until(lambda: all(map(listens, address.values())), what="also those that a list does not need")
    for process in started:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(10) for process in started] == [0, 0, 0, 0]
    installation.nothing_is_left()


def _start(command: list[str], installation: Installation) -> subprocess.Popen[str]:
    log = Path(installation.folder / "alone.log")
    with log.open("a") as stream:
        return subprocess.Popen(
            command, env=installation.environment, stdout=subprocess.DEVNULL, stderr=stream, text=True
        )


def test_a_server_in_the_background_can_be_stopped(installation: Installation) -> None:
    data = str(installation.folder / "server")

    def sweepd(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "sweepd"), *arguments, "--data", data],
            env=installation.environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    up = sweepd("up", "-d", "--listen", "127.0.0.1:0")
    assert up.returncode == 0, up.stderr
    assert sweepd("status").returncode == 0
    installation.ctl("list")
    assert sweepd("down").returncode == 0
    assert sweepd("status").returncode == 3
    installation.nothing_is_left()
