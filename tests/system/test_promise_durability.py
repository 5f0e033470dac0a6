"""P1 to P5: acknowledged data is stored once and unchanged, whichever process dies or is unavailable."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from system.installation import Agent, Installation
from system.link import Link
from system.promises import (
    SHORT,
    acknowledged,
    assert_patient_rows,
    assert_sound,
    number,
    runs,
    signal_all,
    stored,
    sweep,
)
from waiting import until


def test_acknowledged_points_survive_a_kill_of_all_processes(installation: Installation) -> None:
    """P1, P4: values are unchanged, including those that are not finite, and the databases are intact."""
    timeouts = ("--lease", "2s", "--lost-after", "60s")  # restarted processes must be in time for their run
    server = installation.start_server(*timeouts)
    name = installation.create(sweep("patient.py"))
    agents = [installation.start_agent(name, state="agent")]
    until(lambda: acknowledged(agents))
    for _ in range(3):
        seen = acknowledged(agents[-1:])
        until(lambda: acknowledged(agents[-1:]) != seen)  # noqa: B023 -- called in this iteration only
        pids = [*server.service_pids().values(), agents[-1].pid, server.process.pid]
        signal_all(pids, signal.SIGSTOP)  # the database must not change between the kills
        signal_all(pids, signal.SIGKILL)
        server.process.wait()
        agents[-1].process.wait()
        server = installation.start_server(*timeouts, listen=server.address)
        agents.append(installation.start_agent(name, state="agent"))
        until(lambda: acknowledged(agents[-1:]))
    safe = acknowledged(agents)
    (installation.work / "release").touch()
    assert agents[-1].process.wait(30) == 0
    (run,) = runs(installation, name)
    assert (run["state"], run["attempt"]) == ("finished", 1)
    points = stored(installation, name)
    (last,) = safe.values()
    assert_patient_rows(points, str(run["run"]), 1, last)
    assert server.stop() == 0
    assert_sound(server)


def test_points_sent_over_a_link_that_breaks_repeatedly_are_stored_once(
    installation: Installation,
) -> None:
    """P2: points sent again after a cut are recognised by run, attempt and row."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("patient.py", runs=2))
    with Link(server.address) as link:
        token = ("--token-file", str(server.data / "access-token"))
        agent = installation.start_agent(name, "--slots", "2", "--server", link.address, *token)
        for cuts in range(1, 5):
            rows = acknowledged([agent])
            until(lambda: len(acknowledged([agent])) == 2 and acknowledged([agent]) != rows)  # noqa: B023
            link.cut()
            until(lambda: len(agent.events("disconnected")) >= cuts)  # noqa: B023
            link.restore()
        rows = acknowledged([agent])
        until(lambda: acknowledged([agent]) != rows)
        (installation.work / "release").touch()
        assert agent.process.wait(30) == 0, agent.log()[-2000:]
    points = stored(installation, name)
    last = {key[:2]: key[2] for key in points}
    for run in runs(installation, name):
        assert (run["state"], run["attempt"]) == ("finished", 1)
        final = last[run["run"], 1]
        assert isinstance(final, int)
        assert_patient_rows(points, str(run["run"]), 1, final)
        assert sum(key[0] == run["run"] for key in points) == 4 * final


def test_rows_logged_while_the_metric_store_was_unavailable_arrive_with_the_next_agent(
    installation: Installation,
) -> None:
    """P3: they are on disk, and the next agent on that folder sends them."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py", runs=3))
    store = server.service_pids()["metric-store"]
    os.kill(store, signal.SIGSTOP)
    first = installation.start_agent(name, "--grace", "1s", state="agent")
    assert first.process.wait(30) == 1
    assert "the next agent with this --state will send the rest" in str(
        first.events("exiting")[-1]["message"]
    )
    assert len(first.events("result_acked")) == 3
    os.kill(store, signal.SIGCONT)

    second = installation.start_agent(name, state="agent")
    assert second.process.wait(30) == 0, second.log()[-2000:]
    points = stored(installation, name)
    for run in runs(installation, name):
        assert run["state"] == "finished"
        assert all((run["run"], 1, row, "loss") in points for row in range(1, 6))
    assert not list((installation.folder / "agent" / "runs").iterdir())


def test_databases_are_intact_after_kills_during_writes(installation: Installation) -> None:
    """P4: each service with a database is killed while points and ends arrive."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py", runs=400, seconds=0, steps=40))
    agent = installation.start_agent(name, "--slots", "4")
    for victim in ("scheduler", "metric-store") * 3:
        ended = len(agent.events("run_ended"))
        until(lambda: len(agent.events("run_ended")) >= ended + 8)  # noqa: B023
        os.kill(server.service_pids()[victim], signal.SIGKILL)
    installation.ctl("cancel", name, "--yes")
    assert agent.process.wait(30) == 0, agent.log()[-2000:]
    stored(installation, name)
    assert server.stop() == 0
    assert_sound(server)


@pytest.mark.needs("strace")  # to delay syncs
@pytest.mark.parametrize("service", ["metric-store", pytest.param("scheduler", marks=pytest.mark.slow)])
def test_nothing_is_acknowledged_before_it_is_synced(installation: Installation, service: str) -> None:
    """P5: while each sync is delayed by 2 s, no row is acknowledged earlier than that after its write."""
    server = installation.start_server()
    name = installation.create(sweep("patient.py"))
    agent = installation.start_agent(name)
    field = {"metric-store": "row", "scheduler": "observation_row"}[service]
    until(lambda: acknowledged([agent]))
    delayed = _delay_syncs(server.service_pids()[service], installation.folder / "strace")
    try:
        since = time.monotonic()
        seen = len(_rows(agent, field))
        until(lambda: len(_rows(agent, field)) >= seen + 4)
    finally:
        ended = time.monotonic()
        delayed.send_signal(signal.SIGINT)
        delayed.wait(10)
    (installation.work / "release").touch()
    assert agent.process.wait(30) == 0
    written = {
        int(number(point, "row")): number(point, "value")
        for point in installation.export(name, "point")
        if point["key"] == "clock"
    }
    waits = [
        acknowledged_at - written[row]
        for row, acknowledged_at in _rows(agent, field).items()
        if row > 0 and since < written[row] and acknowledged_at < ended
    ]
    assert waits
    assert min(waits) > 2.0


def _delay_syncs(pid: int, log: Path) -> subprocess.Popen[bytes]:
    syncs = "fsync,fdatasync"
    delay = f"inject={syncs}:delay_enter=2000000"
    command = ["strace", "-f", "-p", str(pid), "-e", f"trace={syncs}", "-e", delay, "-o", str(log)]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until(lambda: log.exists() and "sync" in log.read_text())
    return tracer


def _rows(agent: Agent, field: str) -> dict[int, float]:
    """Return the time at which each row was first acknowledged as the last one."""
    times: dict[int, float] = {}
    for event in agent.events("metrics_acked"):
        times.setdefault(int(number(event, field)), number(event, "mono"))
    return times
