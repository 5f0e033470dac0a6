"""Databases that do not belong together: every command refuses them with the remedy."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from processes import alive
from system.installation import BIN, Installation, Server
from system.promises import (
    SHORT,
    acknowledged,
    attempts,
    number,
    runs,
    signal_all,
    stored,
    sweep,
)
from waiting import until

SCHEDULER = Path("scheduler/scheduler.sqlite")
METRICS = Path("metric-store/metrics.sqlite")
SUMMARY = """
import time
from pathlib import Path
import sweepd
run = sweepd.init()
turn = 0
while not Path("release").exists():
    turn += 1
    run.summary["turn"] = turn
    time.sleep(0.2)
"""
REMEDY = "restore all databases of the data folder from one backup"


def copy(source: Path, target: Path) -> None:
    """Copy a database that may be in use."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def put_back(source: Path, target: Path) -> None:
    """Replace the database of a server that is stopped."""
    for rest in target.parent.glob(f"{target.name}*"):
        rest.unlink()
    shutil.copy(source, target)


def own_number(database: Path) -> int:
    """Return the number of the newest commit of a database."""
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("select number from identity").fetchone()[0])


def peer_number(database: Path) -> int:
    """Return the newest commit of the other database that a database has recorded; -1: none."""
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("select peer_number from identity").fetchone()[0]
    return -1 if found is None else int(found)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Stopped server with two sweeps, and copies of its databases made after each sweep."""

    installation: Installation
    server: Server
    sweeps: tuple[str, str]

    @property
    def data(self) -> Path:
        return self.server.data

    def copy_of(self, which: str, database: Path) -> Path:
        return self.installation.folder / which / database.name

    def reset(self) -> None:
        for database in (SCHEDULER, METRICS):
            put_back(self.copy_of("late", database), self.data / database)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    installation = Installation(tmp_path_factory.mktemp("databases"))
    names: list[str] = []
    ended: list[Server] = []
    address: str | None = None
    try:
        for which in ("early", "late"):
            server = installation.start_server(*SHORT, listen=address)
            address = server.address
            names.append(installation.create(sweep("steps.py", runs=1, steps=5)))
            agent = installation.start_agent(names[-1])
            assert agent.process.wait(60) == 0, agent.log()[-2000:]
            assert len(stored(installation, names[-1])) >= 5
            assert server.stop() == 0
            for database in (SCHEDULER, METRICS):
                copy(server.data / database, installation.folder / which / database.name)
            ended.append(server)
        yield Prepared(installation, ended[-1], (names[0], names[1]))
    finally:
        installation.kill_everything()


@contextmanager
def refused(prepared: Prepared) -> Iterator[str]:
    """Start the server in the foreground; yield the line of its output with the reason of its failure."""
    log = prepared.installation.folder / "refused.log"
    command = [str(BIN / "sweepd"), "up", "--data", str(prepared.data), "--listen", prepared.server.address]
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*command, *SHORT], env=prepared.installation.environment, stdout=stream, stderr=stream
        )
    try:
        until(lambda: REMEDY in log.read_text(), what="the refusal is reported")
        yield next(line for line in log.read_text().splitlines() if REMEDY in line)
    finally:
        process.terminate()
        assert process.wait(15) == 0


@pytest.mark.parametrize(
    ("database", "change", "what"),
    [
        (SCHEDULER, "deleted", "scheduler.sqlite is new"),
        (SCHEDULER, "emptied", "scheduler.sqlite is new"),
        (SCHEDULER, "older", "scheduler.sqlite is from an older backup"),
        (METRICS, "deleted", "metrics.sqlite is new"),
        (METRICS, "emptied", "metrics.sqlite is new"),
        (METRICS, "older", "metrics.sqlite is from an older backup"),
    ],
)
def test_a_single_lost_or_restored_database_is_refused_with_the_remedy(
    prepared: Prepared, database: Path, change: str, what: str
) -> None:
    prepared.reset()
    path = prepared.data / database
    match change:
        case "deleted":
            path.unlink()
        case "emptied":
            path.write_bytes(b"")
        case _:
            put_back(prepared.copy_of("early", database), path)
    installation = prepared.installation
    with refused(prepared) as line:
        assert f"{path.parent}/{what}" in line
        status = installation.run("sweepd", "status", "--data", str(prepared.data))
        assert status.returncode == 0
        assert f"{path.parent}/{what}" in status.stdout
        for words in (("export", prepared.sweeps[0]), ("create", "sweep.yaml"), ("list",)):
            failed = installation.ctl(*words, code=1)
            assert f"{path.parent}/{what}" in failed.stderr, words
            assert failed.stdout == "", words
    detached = installation.run("sweepd", "up", "-d", "--data", str(prepared.data))
    assert detached.returncode == 1
    assert detached.stderr.count("\n") == 1
    assert what in detached.stderr
    assert REMEDY in detached.stderr


@pytest.mark.parametrize("which", ["early", "late"])
def test_both_databases_restored_from_one_copy_work(prepared: Prepared, which: str) -> None:
    for database in (SCHEDULER, METRICS):
        put_back(prepared.copy_of(which, database), prepared.data / database)
    server = prepared.installation.start_server(*SHORT, listen=prepared.server.address)
    assert len(stored(prepared.installation, prepared.sweeps[0])) >= 5
    name = prepared.installation.create(sweep("steps.py", runs=1, steps=3))
    agent = prepared.installation.start_agent(name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert len(stored(prepared.installation, name)) >= 3
    assert server.stop() == 0


@pytest.mark.parametrize("database", [SCHEDULER, METRICS])
def test_after_the_loss_of_one_database_pairing_continues_with_the_other(
    prepared: Prepared, database: Path
) -> None:
    prepared.reset()
    (prepared.data / database).unlink()
    installation = prepared.installation
    paired = installation.run("sweepd", "pair", "--data", str(prepared.data))
    assert paired.returncode == 0, paired
    backup = prepared.data / f"{METRICS}.before-pair"
    assert backup.exists() == (database == SCHEDULER)
    server = installation.start_server(*SHORT, listen=prepared.server.address)
    try:
        again = installation.run("sweepd", "pair", "--data", str(prepared.data))
        assert again.returncode == 1
        assert "is in use" in again.stderr
        if database == SCHEDULER:
            name = installation.create(sweep("steps.py", steps=2), "--id", prepared.sweeps[0].split("/")[-1])
            assert name == prepared.sweeps[0]
            with closing(sqlite3.connect(backup)) as connection:
                assert connection.execute("select count(*) from run").fetchone() == (2,)
            backup.unlink()
            assert stored(installation, name) == {}
        else:
            assert stored(installation, prepared.sweeps[0]) == {}
            assert len(runs(installation, prepared.sweeps[0])) == 1
            name = installation.create(sweep("steps.py", steps=2))
        agent = installation.start_agent(name)
        assert agent.process.wait(60) == 0, agent.log()[-2000:]
        assert {key[2] for key in stored(installation, name)} == {1, 2}
    finally:
        assert server.stop() == 0


def test_points_of_another_installation_are_not_attributed_to_sweeps_of_the_same_names(
    prepared: Prepared,
) -> None:
    prepared.reset()
    with closing(sqlite3.connect(prepared.data / SCHEDULER)) as connection, connection:
        connection.execute("update identity set database_id = 'of another installation'")
    paired = prepared.installation.run("sweepd", "pair", "--data", str(prepared.data))
    assert paired.returncode == 0, paired
    assert "has no record of 2 attempts" in paired.stderr
    (prepared.data / f"{METRICS}.before-pair").unlink()
    with closing(sqlite3.connect(prepared.data / METRICS)) as connection:
        assert connection.execute("select count(*) from attempt").fetchone() == (0,)


def test_older_copies_are_paired_by_their_common_commits(prepared: Prepared) -> None:
    prepared.reset()
    put_back(prepared.copy_of("early", SCHEDULER), prepared.data / SCHEDULER)
    installation = prepared.installation
    paired = installation.run("sweepd", "pair", "--data", str(prepared.data))
    assert paired.returncode == 0, paired
    assert "has no record of 1 attempt" in paired.stderr
    (prepared.data / f"{METRICS}.before-pair").unlink()
    server = installation.start_server(*SHORT, listen=prepared.server.address)
    assert len(stored(installation, prepared.sweeps[0])) >= 5
    assert server.stop() == 0


def test_after_an_orderly_stop_the_database_files_alone_are_complete(prepared: Prepared) -> None:
    prepared.reset()
    server = prepared.installation.start_server(*SHORT, listen=prepared.server.address)
    name = prepared.installation.create(sweep("steps.py", runs=1, steps=3))
    agent = prepared.installation.start_agent(name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert server.stop() == 0
    for database in (SCHEDULER, METRICS):
        copied = prepared.installation.folder / "alone" / database.name
        copied.parent.mkdir(exist_ok=True)
        shutil.copy(server.data / database, copied)
        put_back(copied, server.data / database)
    again = prepared.installation.start_server(*SHORT, listen=prepared.server.address)
    assert len(stored(prepared.installation, name)) >= 3
    assert again.stop() == 0


def test_without_both_databases_the_server_starts_empty(prepared: Prepared) -> None:
    for database in (SCHEDULER, METRICS):
        (prepared.data / database).unlink()
    server = prepared.installation.start_server(*SHORT, listen=prepared.server.address)
    assert json.loads(prepared.installation.ctl("list", "-o", "json").stdout) == []
    name = prepared.installation.create(sweep("steps.py", runs=1, steps=3))
    agent = prepared.installation.start_agent(name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert len(runs(prepared.installation, name)) == 1
    assert server.stop() == 0


@pytest.mark.parametrize("first", [SCHEDULER, METRICS])
def test_copies_made_while_the_server_works_match(installation: Installation, first: Path) -> None:
    """P30: one file is copied some time after the other, while points and hand-outs continue."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py", runs=60, steps=3))
    agent = installation.start_agent(name, "--slots", "2")
    until(lambda: len(acknowledged([agent])) >= 2)
    copies = installation.folder / "copies"
    copy(server.data / first, copies / first.name)
    known = len(acknowledged([agent]))
    until(lambda: len(acknowledged([agent])) > known)
    second = METRICS if first == SCHEDULER else SCHEDULER
    copy(server.data / second, copies / second.name)
    agent.process.kill()
    assert server.stop() == 0
    for database in (SCHEDULER, METRICS):
        put_back(copies / database.name, server.data / database)
    again = installation.start_server(*SHORT, listen=server.address)
    assert stored(installation, name)
    assert again.stop() == 0


def test_no_kill_of_either_service_makes_their_databases_differ(installation: Installation) -> None:
    """P1, P4: whatever is killed and whenever, both services restart, and every row is stored once."""
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py", runs=2, steps=120, seconds=0.05))
    agent = installation.start_agent(name, "--slots", "2")
    until(lambda: len(acknowledged([agent])) == 2)
    for round_ in range(6):
        victims = (("scheduler",), ("metric-store",), ("scheduler", "metric-store"))[round_ % 3]
        pids = server.service_pids()
        signal_all((pids[victim] for victim in victims), signal.SIGKILL)
        rows = sum(acknowledged([agent]).values())
        until(lambda rows=rows: sum(acknowledged([agent]).values()) > rows or not alive(agent.pid), within=30)  # type: ignore[misc]
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    until(lambda: installation.ctl("export", name, code=None).returncode == 0, what="both serve again")
    assert sum(key[3] == "loss" for key in stored(installation, name)) == 2 * 120
    assert server.stop() == 0
    assert REMEDY not in server.log.read_text()
    assert installation.start_server(*SHORT, listen=server.address).stop() == 0


@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_a_running_scheduler_notices_that_its_database_was_replaced(
    installation: Installation, change: str
) -> None:
    server = installation.start_server(*SHORT)
    early = installation.folder / "early.sqlite"
    copy(server.data / SCHEDULER, early)
    name = installation.create(sweep("steps.py", runs=1, steps=5))
    assert installation.start_agent(name).process.wait(60) == 0
    until(lambda: peer_number(server.data / METRICS) > own_number(early), what="it would be missed")
    aside = installation.folder / "aside"
    aside.mkdir()
    for each in (server.data / SCHEDULER).parent.glob(f"{SCHEDULER.name}*"):
        each.rename(aside / each.name)
    if change == "replaced":
        shutil.copy(early, server.data / SCHEDULER)
    until(lambda: REMEDY in installation.ctl("list", code=None).stderr, what="it is noticed")
    assert server.stop() == 0
    late = installation.folder / "late.sqlite"
    copy(aside / SCHEDULER.name, late)
    put_back(late, server.data / SCHEDULER)
    again = installation.start_server(*SHORT, listen=server.address)
    assert installation.json("get", name)["state"] == "finished"
    assert again.stop() == 0


def test_while_the_databases_differ_nothing_is_acknowledged_and_no_trial_ends(
    installation: Installation,
) -> None:
    """Once the databases are restored, the same attempt delivers all of its rows."""
    server = installation.start_server(*SHORT)
    early = installation.folder / "early.sqlite"
    copy(server.data / METRICS, early)
    name = installation.create(sweep("patient.py"))
    agent = installation.start_agent(name)
    until(lambda: acknowledged([agent]))
    (started,) = agent.events("run_started")
    assert server.stop() == 0
    late = installation.folder / "late.sqlite"
    copy(server.data / METRICS, late)
    put_back(early, server.data / METRICS)
    before = acknowledged([agent])
    with refused(Prepared(installation, server, (name, name))):
        complaints = len(agent.events("disconnected"))
        until(
            lambda: any(
                REMEDY in str(each["message"]) for each in agent.events("disconnected")[complaints - 1 :]
            ),
            within=30,
            what="the agent reports it",
        )
        assert acknowledged([agent]) == before
        assert alive(number(started, "run_pid"))
    put_back(late, server.data / METRICS)
    again = installation.start_server(*SHORT, listen=server.address)
    until(lambda: sum(acknowledged([agent]).values()) > sum(before.values()), within=30)
    (installation.work / "release").touch()
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    (run,) = runs(installation, name)
    assert attempts(run) == [(1, "ended")]
    rows = {key[2] for key in stored(installation, name) if key[3] == "loss"}
    assert rows == set(range(1, len(rows) + 1))
    assert again.stop() == 0


def test_a_restart_after_a_commit_without_rows_keeps_the_databases_paired(installation: Installation) -> None:
    """Commits that change only a summary have their own numbers, which are not reused."""
    installation.write("summary.py", SUMMARY)
    server = installation.start_server(*SHORT)
    name = installation.create(sweep(str(installation.work / "summary.py")))
    agent = installation.start_agent(name)

    def commit_number() -> int:
        found = installation.ctl("get", "run", f"{name}-1", "-o", "json", code=None)
        details = json.loads(found.stdout)["details"] if found.returncode == 0 else None
        return int(((details or {}).get("summary") or {}).get("turn", 0))

    until(lambda: commit_number() > 2, within=30)
    assert server.stop() == 0
    again = installation.start_server(*SHORT, listen=server.address)
    before = commit_number()
    until(lambda: commit_number() > before + 2, within=30)
    (installation.work / "release").touch()
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert again.stop() == 0
    assert REMEDY not in again.log.read_text()
