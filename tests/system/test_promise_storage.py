"""P6: a full disk of the server or an agent; work resumes automatically once there is space."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from system.installation import Installation
from system.promises import SHORT, acknowledged, assert_sound, attempts, runs, stored, sweep
from waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk"),
]


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a small disk at a folder; yield the path of a file that fills it."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)], check=True)
    try:
        yield folder / "ballast"
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Use up all free space."""
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(bytes(4096)) == 4096:
            pass


def test_a_full_disk_of_the_server_is_reported_and_stops_no_trial(installation: Installation) -> None:
    """P6: changes are refused naming service and disk, reads work, trials continue; recovery within 10 s."""
    with small_disk(installation.folder / "server", "12m") as ballast:
        server = installation.start_server(*SHORT)
        name = installation.create(sweep("steps.py", runs=4, steps=40, seconds=0.05))
        agent = installation.start_agent(name, "--slots", "2")
        until(lambda: len(acknowledged([agent])) == 2)
        fill(ballast)

        def refused() -> bool:
            fill(ballast)
            return installation.ctl("pause", name, code=None).returncode == 1

        until(refused)
        complaint = installation.ctl("pause", name, code=1).stderr
        assert "the scheduler service cannot write" in complaint
        assert str(server.data / "scheduler") in complaint
        assert "no space left" in complaint
        assert "running" in installation.ctl("get", name).stdout
        until(lambda: len(agent.events("run_ended")) == 2)
        assert {event["exit_code"] for event in agent.events("run_ended")} == {0}

        ballast.unlink()
        until(lambda: len(agent.events("result_acked")) >= 2, within=10)
        assert agent.process.wait(60) == 0, agent.log()[-2000:]
        assert [attempts(run) for run in runs(installation, name)] == [[(1, "ended")]] * 4
        points = stored(installation, name)
        assert sum(key[3] == "loss" for key in points) == 4 * 40
        assert server.stop() == 0

        fill(ballast)
        again = installation.start_server(*SHORT, listen=server.address)
        installation.ctl("list")
        ballast.unlink()
        until(lambda: installation.ctl("create", "sweep.yaml", code=None).returncode == 0, within=10)
        assert again.stop() == 0
        assert_sound(again)


def test_a_full_disk_of_an_agent_costs_rows_but_no_run(installation: Installation) -> None:
    """P6: the trials continue, and their ends are reported once there is space."""
    installation.start_server(*SHORT)
    name = installation.create(sweep("patient.py", runs=2))
    with small_disk(installation.folder / "agent", "6m") as ballast:
        agent = installation.start_agent(name, "--min-free", "0", "--slots", "2", state="agent")
        until(lambda: len(acknowledged([agent])) == 2)
        fill(ballast)
        until(lambda: agent.events("notice"))
        (installation.work / "release").touch()
        trials = [event["run_pid"] for event in agent.events("run_started")]
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in trials))
        assert not agent.events("run_ended")
        assert any("No space left" in str(event["message"]) for event in agent.events("notice"))
        ballast.unlink()
        assert agent.process.wait(30) == 0, agent.log()[-2000:]
    assert [(run["state"], attempts(run)) for run in runs(installation, name)] == [
        ("finished", [(1, "ended")])
    ] * 2


@pytest.mark.needs("strace")  # to make syncs fail
def test_nothing_is_acknowledged_while_syncs_of_the_disk_fail(
    installation: Installation,
) -> None:
    """P5, P6: each sync fails; afterwards all rows are stored once."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py", runs=2, steps=40, seconds=0.05))
    agent = installation.start_agent(name, "--slots", "2")
    until(lambda: len(acknowledged([agent])) == 2)
    syncs = "fsync,fdatasync"
    log = installation.folder / "strace"
    store = server.service_pids()["metric-store"]
    tracer = subprocess.Popen(
        [
            "strace",
            "-f",
            "-p",
            str(store),
            "-o",
            str(log),
            "-e",
            f"trace={syncs}",
            "-e",
            f"inject={syncs}:error=EIO",
        ],
        stderr=subprocess.DEVNULL,
    )
    until(lambda: log.exists() and log.read_text().count("INJECTED") >= 2)
    before = acknowledged([agent])
    until(lambda: len(agent.events("run_ended")) == 2)
    assert acknowledged([agent]) == before
    tracer.send_signal(signal.SIGINT)
    tracer.wait(10)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert sum(key[3] == "loss" for key in stored(installation, name)) == 2 * 40
    assert server.stop() == 0
    assert_sound(server)
