"""SIGKILL of each process during a sweep: every point runs once, and acknowledged data is stored."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from system.installation import TRIALS, Agent, Installation, Server
from waiting import until

GRID = f"""
program: {TRIALS / "steps.py"}
command: [python, "${{program}}", "${{args}}"]
method: grid
metric: {{name: loss}}
parameters:
  a: {{values: [0, 1, 2]}}
  b: {{values: [0, 1, 2, 3]}}
  c: {{values: [0, 1, 2, 3, 4]}}
  seconds: {{value: 0.05}}
"""
SHORT = ("--lease", "2s", "--lost-after", "6s")


def ended(installation: Installation, sweep: str) -> int:
    """Return the number of finished runs of a sweep; 0 while the server is unavailable."""
    counts = installation.ctl("get", sweep, "-o", "json", code=None)
    if counts.returncode != 0:
        return 0
    return int(json.loads(counts.stdout)["runs"]["finished"])


def await_ended(installation: Installation, sweep: str, count: int) -> None:
    """Wait until `count` runs have finished."""
    until(lambda: ended(installation, sweep) >= count, within=60, what=f"{count} finished runs")


@pytest.mark.timeout(240)
def test_a_grid_survives_a_kill_of_every_process(installation: Installation) -> None:
    server = installation.start_server(*SHORT)
    sweep = installation.create(GRID)
    agents = [installation.start_agent(sweep, "--slots", "2", state=f"agent-{n}") for n in (1, 2)]
    for number, victim in enumerate(("scheduler", "metric-store", "suggestion", "gateway"), 1):
        await_ended(installation, sweep, 8 * number)
        os.kill(server.service_pids()[victim], signal.SIGKILL)
    await_ended(installation, sweep, 40)
    os.kill(agents[0].pid, signal.SIGKILL)
    agents[0].process.wait()
    again = installation.start_agent(sweep, "--slots", "2", state="agent-1")

    installation.ctl("wait", sweep, "--timeout", "120s", timeout=150)
    for agent in (agents[1], again):
        assert agent.process.wait(30) == 0, agent.log()[-3000:]

    runs = installation.export(sweep, "run")
    assert [run["state"] for run in runs] == ["finished"] * 60
    assert len({str(run["params"]) for run in runs}) == 60
    points: Counter[tuple[object, ...]] = Counter(
        (point["run"], point["attempt"], point["row"], point["key"])
        for point in installation.export(sweep, "point")
    )
    assert set(points.values()) == {1}
    for run in runs:
        for row in range(1, 6):
            assert points[run["run"], run["attempt"], row, "loss"] == 1, (run["run"], row)
    assert_acknowledged_points_are_stored([*agents, again], points)

    assert server.stop() == 0
    assert_databases_are_sound(server)
    until(lambda: not installation.processes(), within=10, what="no process left")


def assert_acknowledged_points_are_stored(agents: list[Agent], points: Counter[tuple[object, ...]]) -> None:
    """Compare the rows acknowledged to the agents with the exported ones."""
    acknowledged = [event for agent in agents for event in agent.events("metrics_acked")]
    assert acknowledged
    for event in acknowledged:
        if event.get("row"):
            assert points[event["run"], event["attempt"], event["row"], "loss"] == 1, event


def assert_databases_are_sound(server: Server) -> None:
    """Run the integrity check of every database."""
    databases = [path for path in Path(server.data).rglob("*.sqlite") if path.is_file()]
    assert len(databases) >= 2
    for path in databases:
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("pragma integrity_check").fetchall() == [("ok",)], path


@pytest.mark.timeout(120)
def test_a_scheduler_unavailable_for_longer_than_the_lease_costs_no_run_and_no_point(
    installation: Installation,
) -> None:
    server = installation.start_server(*SHORT)
    sweep = installation.create(
        GRID.replace("seconds: {value: 0.05}", "seconds: {value: 0.4}"), "--id", "away"
    )
    agent = installation.start_agent(sweep, "--slots", "4", "--count", "8")
    until(lambda: len(agent.events("run_started")) >= 4)
    pid = server.service_pids()["scheduler"]
    os.kill(pid, signal.SIGSTOP)
    begun = len(agent.events("run_started"))
    until(lambda: agent.events("disconnected") or len(agent.events("run_ended")) >= begun)
    os.kill(pid, signal.SIGKILL)

    assert agent.process.wait(60) == 0
    runs = [run for run in installation.export(sweep, "run") if run["state"] == "finished"]
    assert len(runs) == 8
    assert [run["attempt"] for run in runs] == [1] * 8
    rows = Counter(point["run"] for point in installation.export(sweep, "point") if point["key"] == "loss")
    assert set(rows.values()) == {5}


@pytest.mark.timeout(120)
def test_the_run_of_a_lost_agent_goes_to_another_and_counts_once(installation: Installation) -> None:
    installation.start_server(*SHORT)
    sweep = installation.create(GRID.replace("0.05", "0.5") + "run_cap: 1\n")
    first = installation.start_agent(sweep, "--no-adopt", state="first")
    until(lambda: first.events("run_started"))
    os.kill(first.pid, signal.SIGKILL)
    second = installation.start_agent(sweep, state="second")

    installation.ctl("wait", sweep, "--timeout", "60s")
    assert second.process.wait(30) == 0
    (run,) = installation.export(sweep, "run")
    assert (run["state"], run["attempt"]) == ("finished", 2)
    states = [attempt["state"] for attempt in run["attempts"]]  # type: ignore[attr-defined]  # plain JSON
    assert states == ["lost", "ended"]


@pytest.mark.timeout(120)
def test_logged_values_arrive_although_the_metric_store_was_unavailable(installation: Installation) -> None:
    server = installation.start_server(*SHORT)
    sweep = installation.create(GRID + "run_cap: 4\n")
    store = server.service_pids()["metric-store"]
    os.kill(store, signal.SIGSTOP)
    agent = installation.start_agent(sweep, "--slots", "2")
    until(lambda: len(agent.events("result_acked")) == 4, within=60, what="runs end without the metric store")
    os.kill(store, signal.SIGKILL)

    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    rows = Counter(point["run"] for point in installation.export(sweep, "point") if point["key"] == "loss")
    assert sorted(rows.values()) == [5, 5, 5, 5]
    values = [point["value"] for point in installation.export(sweep, "point") if point["key"] == "odd"]
    assert values.count("NaN") == 4
