"""Shared parts of the tests of promises: sweeps, short timeouts, and queries of the results."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from system.installation import TRIALS, Agent, Installation, Server

SHORT = ("--lease", "2s", "--lost-after", "4s")


def sweep(trial: str, runs: int = 1, **parameters: float) -> str:
    """Return the file of a grid sweep with some runs of a trial."""
    values = ", ".join(str(number) for number in range(runs))
    fixed = "".join(f"  {name}: {{value: {value}}}\n" for name, value in parameters.items())
    return (
        f"program: {TRIALS / trial}\n"
        'command: [python, "${program}", "${args}"]\n'
        "method: grid\nmetric: {name: loss}\nparameters:\n"
        f"  a: {{values: [{values}]}}\n{fixed}"
    )


def runs(installation: Installation, name: str) -> list[dict[str, object]]:
    """Return the runs of a sweep as exported."""
    return installation.export(name, "run")


def given_up_by_an_agent(installation: Installation) -> tuple[str, Agent]:
    """Return a sweep and its ended agent, whose folder `agent` has rows that were not delivered."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py"))
    metric_store = server.service_pids()["metric-store"]
    os.kill(metric_store, signal.SIGSTOP)
    agent = installation.start_agent(name, "--grace", "1s", state="agent")
    assert agent.process.wait(30) == 1, agent.log()
    assert "has not acknowledged all data" in agent.log()
    os.kill(metric_store, signal.SIGCONT)
    return name, agent


def assert_rows_of_sweep(installation: Installation, name: str, outcome: dict[str, object]) -> None:
    """Check that a sync has stored all rows of the only run of a sweep."""
    assert (outcome["outcome"], outcome["runs"]) == ("brought-in", [f"{name}-1"])
    rows = [point["row"] for point in installation.export(name, "point") if point["key"] == "loss"]
    assert rows
    assert len(rows) == outcome["rows"]


def attempts(run: dict[str, object]) -> list[tuple[int, str]]:
    """Return number and state of each attempt of a run."""
    listed = run["attempts"]
    assert isinstance(listed, list)
    return [(attempt["attempt"], attempt["state"]) for attempt in listed]


def stored(installation: Installation, name: str) -> dict[tuple[object, ...], object]:
    """Return the value of each exported point by run, attempt, row and key; check that each is unique."""
    found: dict[tuple[object, ...], object] = {}
    for point in installation.export(name, "point"):
        key = (point["run"], point["attempt"], point["row"], point["key"])
        assert key not in found, key
        found[key] = point["value"]
    return found


def acknowledged(agents: Iterable[Agent]) -> dict[tuple[object, object], int]:
    """Return the last row acknowledged to agents, by run and attempt."""
    rows: dict[tuple[object, object], int] = {}
    for agent in agents:
        for event in agent.events("metrics_acked"):
            key, row = (event["run"], event["attempt"]), event["row"]
            assert isinstance(row, int)
            if row:  # 0: only observations have been acknowledged so far
                rows[key] = max(rows.get(key, 0), row)
    return rows


def assert_patient_rows(points: dict[tuple[object, ...], object], run: str, attempt: int, last: int) -> None:
    """Compare every row up to `last` with the values that `patient.py` logs."""
    for row in range(1, last + 1):
        odd = ("NaN", "Infinity", "-Infinity", 0.1 + row)[row % 4]
        assert points[run, attempt, row, "odd"] == odd, row
        loss = points[run, attempt, row, "loss"]
        assert isinstance(loss, float | int)
        assert math.isclose(loss, 1 / row, rel_tol=0, abs_tol=0), row
        assert points[run, attempt, row, "row_seen"] == row


def assert_sound(server: Server) -> None:
    """Run the integrity check of every database."""
    databases = [path for path in server.data.rglob("*.sqlite") if path.is_file()]
    names = sorted(path.name for path in databases)
    assert names == ["accounts.sqlite", "metrics.sqlite", "scheduler.sqlite"]
    for path in databases:
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("pragma integrity_check").fetchall() == [("ok",)], path


def number(event: dict[str, object], field: str) -> float:
    """Return a numeric field of an event."""
    value = event[field]
    assert isinstance(value, int | float), event
    return value


def parent_of(pid: int) -> int:
    """Return the parent of a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def state_of(installation: Installation, name: str) -> str:
    """Return the state of a sweep or run."""
    return str(json.loads(installation.ctl("get", name, "-o", "json").stdout)["state"])


def signal_all(pids: Iterable[int], number_: int) -> None:
    """Send a signal to processes, as simultaneously as possible."""
    for pid in pids:
        os.kill(pid, number_)
