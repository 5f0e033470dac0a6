"""P23, P25, P27: an unavailable scheduler, any order of starts, and orderly ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from processes import alive
from system.installation import BIN, Agent, Installation, Server, listens
from system.promises import (
    SHORT,
    acknowledged,
    assert_patient_rows,
    attempts,
    number,
    runs,
    stored,
    sweep,
)
from waiting import until


def started(agent: Agent, count: int = 1) -> list[dict[str, object]]:
    """Return the runs that an agent has started, once there are `count`."""
    until(lambda: len(agent.events("run_started")) >= count, what="runs start")
    return agent.events("run_started")


def only_services(installation: Installation, server: Server) -> bool:
    """Return True if only the processes of the server run."""
    return not set(installation.processes()) - {server.process.pid, *server.service_pids().values()}


@pytest.mark.parametrize(
    ("timeouts", "away"),
    [
        (SHORT, 5.0),
        pytest.param(("--lease", "30s", "--lost-after", "2m"), 31.0, marks=pytest.mark.slow),
    ],
)
def test_the_scheduler_may_be_unavailable_for_longer_than_a_lease(
    installation: Installation, timeouts: tuple[str, ...], away: float
) -> None:
    """P23: no trial ends, no point is lost, no run is handed out twice."""
    server = installation.start_server(*timeouts)
    name = installation.create(sweep("patient.py", runs=2))
    agent = installation.start_agent(name, "--slots", "2")
    events = started(agent, 2)
    until(lambda: len(acknowledged([agent])) == 2)
    pid = server.service_pids()["scheduler"]
    os.kill(pid, signal.SIGSTOP)
    frozen_at = time.monotonic()
    until(lambda: agent.events("disconnected"), within=40)
    until(lambda: time.monotonic() - frozen_at > away, within=40)
    assert all(alive(number(event, "run_pid")) for event in events)
    os.kill(pid, signal.SIGKILL)
    until(lambda: len(agent.events("connected")) >= 2, within=70)
    before = acknowledged([agent])
    until(lambda: all(acknowledged([agent])[key] > row for key, row in before.items()))
    (installation.work / "release").touch()
    assert agent.process.wait(30) == 0, agent.log()[-2000:]
    points = stored(installation, name)
    for run in runs(installation, name):
        assert (run["state"], attempts(run)) == ("finished", [(1, "ended")])
        last = max(int(str(key[2])) for key in points if key[0] == run["run"])
        assert_patient_rows(points, str(run["run"]), 1, last)


def test_an_agent_that_starts_before_its_server_waits_for_it(installation: Installation) -> None:
    """P25: it tries to connect until a server responds, however long that takes."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py"))
    assert server.stop() == 0
    agent = installation.start_agent(name, "--server", server.address)
    until(lambda: agent.events("disconnected"))
    installation.start_server(*SHORT, listen=server.address)
    assert agent.process.wait(30) == 0, agent.log()[-2000:]
    assert [run["state"] for run in runs(installation, name)] == ["finished"]


def test_agent_and_services_wait_for_services_that_start_later(installation: Installation) -> None:
    """P25: gateway and agent start first; then scheduler, suggestion and metric store, one by one."""
    gateway, scheduler, suggestion, metrics = (f"{installation.host}:{port}" for port in range(7001, 7005))
    inner = ["--metrics", metrics, "--suggestion", suggestion]

    def serve(name: str, address: str, *flags: str) -> subprocess.Popen[bytes]:
        data = installation.folder / name
        command = [str(BIN / "sweepd"), name, "--listen", address, "--data", str(data), *flags]
        with (installation.folder / f"{name}.log").open("w") as log:
            return subprocess.Popen(command, env=installation.environment, stderr=log)

    serving = [serve("gateway", gateway, *inner, "--scheduler", scheduler)]
    early = installation.start_agent("local/steps/late", "--server", gateway, "--wait", "60s", state="early")
    until(lambda: early.events("disconnected"))
    serving.append(serve("scheduler", scheduler, *inner, *SHORT))
    until(lambda: installation.ctl("list", "--server", gateway, code=None).returncode == 0)
    early.process.kill()
    early.process.wait()
    file = str(installation.write("late.yaml", sweep("steps.py")))
    installation.ctl("create", file, "--id", "late", "--server", gateway)
    agent = installation.start_agent("local/steps/late", "--server", gateway, state="early")
    until(lambda: agent.events("result_acked"))  # still without metric store and suggestion
    serving.append(serve("suggestion", suggestion))
    serving.append(serve("metric-store", metrics))
    assert agent.process.wait(30) == 0, agent.log()[-2000:]
    exported = installation.ctl("export", "late", "-o", "jsonl", "--server", gateway).stdout
    assert exported.count('"loss"') >= 5
    until(lambda: listens(suggestion), what="no one has needed it")
    for process in serving:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(10) for process in serving] == [0, 0, 0, 0]
    installation.nothing_is_left()


def test_services_end_in_time_with_connected_agents_and_watches(installation: Installation) -> None:
    """P27: exit code 0 within 10 s, and no process remains except connected agents and their trials."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("patient.py", runs=2))
    agent = installation.start_agent(name, "--slots", "2")
    started(agent, 2)
    watch = subprocess.Popen(
        [str(BIN / "sweepctl"), "watch", name],
        env=installation.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert watch.stdout is not None
    watch.stdout.readline()
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 10
    assert "Traceback" not in (installation.folder / "server.log").read_text()
    watch.kill()
    watch.wait()
    watch.stdout.close()
    assert agent.process.poll() is None
    again = installation.start_server(*SHORT, listen=server.address)
    (installation.work / "release").touch()
    assert agent.process.wait(40) == 0, agent.log()[-2000:]
    assert [run["state"] for run in runs(installation, name)] == ["finished"] * 2
    assert again.stop() == 0
    installation.nothing_is_left()


def test_an_agent_that_gets_sigterm_lets_its_run_finish(installation: Installation) -> None:
    """P27: it takes no new run."""
    server = installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py", runs=2))
    agent = installation.start_agent(name)
    (run,) = started(agent)
    agent.process.send_signal(signal.SIGTERM)
    until(lambda: agent.events("draining"))
    (installation.work / "release").touch()
    assert agent.process.wait(20) == 0, agent.log()[-2000:]
    assert [(each["run"], each["state"]) for each in runs(installation, name)] == [(run["run"], "finished")]
    until(lambda: only_services(installation, server))


def test_an_agent_that_gets_sigterm_hands_its_run_back_after_the_grace_period(
    installation: Installation,
) -> None:
    """P27: no retry is charged, and another agent takes the run immediately."""
    server = installation.join_server(*SHORT)
    name = installation.create(sweep("patient.py"))
    agent = installation.start_agent(name, "--grace", "2s")
    (run,) = started(agent)
    agent.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert agent.process.wait(10) == 0, agent.log()[-2000:]
    assert time.monotonic() - began < 3.5
    until(lambda: only_services(installation, server))
    (installation.work / "release").touch()
    second = installation.start_agent(name)
    assert started(second)[0]["run"] == run["run"]
    assert second.process.wait(30) == 0
    (row,) = runs(installation, name)
    assert (row["state"], attempts(row)) == ("finished", [(1, "ended"), (2, "ended")])


def test_a_second_sigterm_shortens_the_end_of_an_agent(installation: Installation) -> None:
    """P27: a trial that ignores signals and its child in another session end, too."""
    server = installation.join_server(*SHORT)
    name = installation.create(sweep("stubborn.py"))
    agent = installation.start_agent(name, "--grace", "60s")
    started(agent)
    until(lambda: acknowledged([agent]))
    agent.process.send_signal(signal.SIGTERM)
    until(lambda: agent.events("draining"))
    agent.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert agent.process.wait(15) == 0, agent.log()[-2000:]
    assert time.monotonic() - began < 6
    until(lambda: only_services(installation, server), within=2)
    until(lambda: [run["state"] for run in runs(installation, name)] == ["pending"])


@pytest.mark.parametrize("phase", ["no server", "nothing to do", "between runs", "undelivered"])
def test_an_agent_ends_on_sigterm_in_every_phase(installation: Installation, phase: str) -> None:
    """P27: also while it waits for a server, for work, or for the last acknowledgements."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py", runs=200, seconds=0, steps=1))
    grace = "1s" if phase == "undelivered" else "3s"  # it takes all of it there
    if phase == "no server":
        agent = installation.start_agent(name, "--server", "127.0.0.1:1", "--grace", grace)
        until(lambda: agent.events("disconnected"))
    elif phase == "nothing to do":
        installation.ctl("pause", name)
        agent = installation.start_agent(name, "--grace", grace)
        until(lambda: agent.events("connected"))
    else:
        agent = installation.start_agent(name, "--slots", "2", "--grace", grace)
        started(agent, 10)
    if phase == "undelivered":
        os.kill(server.service_pids()["metric-store"], signal.SIGSTOP)
        acked = len(agent.events("run_ended"))
        until(lambda: len(agent.events("run_ended")) > acked + 2)
    began = time.monotonic()
    agent.process.send_signal(signal.SIGTERM)
    code = agent.process.wait(10)
    assert time.monotonic() - began < 5
    assert code == (1 if phase == "undelivered" else 0), agent.log()[-2000:]
    assert "Traceback" not in agent.log()
    until(lambda: only_services(installation, server))
    os.kill(server.service_pids()["metric-store"], signal.SIGCONT)
    states = {run["state"] for run in runs(installation, name)}
    assert states <= {"finished", "pending"}, states
