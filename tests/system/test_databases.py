"""Databases that do not belong together: refused with the remedy wherever somebody looks."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from system.installation import BIN, Installation, Server
from system.promises import SHORT, runs, stored, sweep
from waiting import until

SCHEDULER = Path("scheduler/scheduler.sqlite")
METRICS = Path("metric-store/metrics.sqlite")
REMEDY = "put back all databases of the data folder from one copy"


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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A stopped server with two sweeps, and copies of its databases from after each of them."""

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
    """Start the server in the foreground, and wait until its output tells why it cannot; give that line."""
    log = prepared.installation.folder / "refused.log"
    command = [str(BIN / "sweepd"), "up", "--data", str(prepared.data), "--listen", prepared.server.address]
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*command, *SHORT], env=prepared.installation.environment, stdout=stream, stderr=stream
        )
    try:
        until(lambda: REMEDY in log.read_text(), what="the refusal is told")
        yield next(line for line in log.read_text().splitlines() if REMEDY in line)
    finally:
        process.terminate()
        assert process.wait(15) == 0


@pytest.mark.parametrize(
    ("database", "change", "what"),
    [
        (SCHEDULER, "deleted", "scheduler.sqlite is new"),
        (SCHEDULER, "emptied", "scheduler.sqlite is new"),
        (SCHEDULER, "older", "scheduler.sqlite is from an older copy"),
        (METRICS, "deleted", "metrics.sqlite is new"),
        (METRICS, "emptied", "metrics.sqlite is new"),
        (METRICS, "older", "metrics.sqlite is from an older copy"),
    ],
)
def test_one_database_that_was_lost_or_put_back_alone_is_refused_with_the_remedy(
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
def test_both_databases_put_back_from_one_copy_work(prepared: Prepared, which: str) -> None:
    for database in (SCHEDULER, METRICS):
        put_back(prepared.copy_of(which, database), prepared.data / database)
    server = prepared.installation.start_server(*SHORT, listen=prepared.server.address)
    assert len(stored(prepared.installation, prepared.sweeps[0])) >= 5
    name = prepared.installation.create(sweep("steps.py", runs=1, steps=3))
    agent = prepared.installation.start_agent(name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert len(stored(prepared.installation, name)) >= 3
    assert server.stop() == 0


def test_without_both_databases_the_server_begins_anew(prepared: Prepared) -> None:
    for database in (SCHEDULER, METRICS):
        (prepared.data / database).unlink()
    server = prepared.installation.start_server(*SHORT, listen=prepared.server.address)
    assert json.loads(prepared.installation.ctl("list", "-o", "json").stdout) == []
    name = prepared.installation.create(sweep("steps.py", runs=1, steps=3))
    agent = prepared.installation.start_agent(name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    assert len(runs(prepared.installation, name)) == 1
    assert server.stop() == 0
