"""Damaged databases and those of older builds, as reported by commands."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from conformance.metric_store.damage import change, flipped
from conformance.metric_store.damage import stored as stored_body
from conformance.metric_store.test_older_builds import DATABASES
from system.installation import BIN, Installation
from system.promises import SHORT, sweep
from waiting import until

SCHEDULER = Path("scheduler/scheduler.sqlite")
METRICS = Path("metric-store/metrics.sqlite")
LOSS = """
    select c.{} from chunk c join series s on s.id = c.series_id join metric_key k on k.id = s.key_id
    join attempt a on a.id = s.attempt_id join run r on r.id = a.run_id
    where k.name = 'loss' and r.name like '%-1' order by c.rowid limit 1"""


def test_a_damaged_page_is_reported_and_everything_else_is_exported(installation: Installation) -> None:
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py", runs=2, steps=5))
    agent = installation.start_agent(name)
    assert agent.process.wait(60) == 0, agent.log()[-2000:]
    whole = installation.ctl("export", name).stdout.splitlines()
    assert server.stop() == 0
    path = server.data / METRICS
    body = stored_body(path, LOSS.format("body"))
    change(
        path,
        f"update chunk set body = ? where rowid = ({LOSS.format('rowid')})",
        flipped(body, len(body) - 2),
    )
    change(path, "update series set summary = zeroblob(4) where id = (select min(id) from series)")
    change(path, "update log_piece set body = zeroblob(length(body)) where rowid = 1")

    again = installation.start_server(*SHORT, listen=server.address)
    run = f"{name}-1"
    exported = installation.ctl("export", name, code=1)
    assert f"error: {path} is damaged: the points of 'loss', run {run}, attempt 1" in exported.stderr
    missing = [json.loads(line) for line in whole if line not in exported.stdout.splitlines()]
    assert missing
    assert {(line["type"], line["run"], line["key"]) for line in missing} == {("point", run, "loss")}

    table = installation.ctl("export", name, "-o", "csv", code=1)
    assert "the summary of" in table.stderr
    assert table.stdout.count("\n") == 3
    history = installation.ctl("history", run, "-o", "jsonl", code=1)
    assert "the points of 'loss'" in history.stderr
    assert history.stdout.count("\n") == 5
    assert installation.ctl("history", run, "--key", "step_seen", "-o", "jsonl").stdout.count("\n") == 5
    logs = installation.ctl("logs", run, code=1)
    assert f"the log, run {run}, attempt 1 cannot be read" in logs.stderr
    installation.ctl("logs", f"{name}-2")
    assert installation.ctl("get", run).stdout
    assert again.stop() == 0


@pytest.mark.parametrize("database", [SCHEDULER, METRICS])
@pytest.mark.parametrize("content", ["random", "truncated"])
def test_a_file_that_is_not_a_database_ends_the_start_with_one_line(
    installation: Installation, database: Path, content: str
) -> None:
    server = installation.start_server(*SHORT)
    installation.create(sweep("steps.py"))
    assert server.stop() == 0
    path = server.data / database
    whole = path.read_bytes()
    path.write_bytes(bytes(range(255, -1, -1)) * 40 if content == "random" else whole[: len(whole) // 2])
    refused = installation.run("sweepd", "up", "--data", str(server.data))
    assert refused.returncode == 1
    what = "it is not a database" if content == "random" else "some of its pages cannot be read"
    (error,) = [line for line in refused.stderr.splitlines() if line.startswith("error:")]
    assert f"{path} is damaged: {what}" in error
    assert "restore all databases of the data folder from one backup made before the damage" in error
    assert "trying again" not in refused.stderr
    assert "cannot write" not in refused.stderr


def test_damage_of_the_scheduler_at_run_time_is_reported_as_damage(installation: Installation) -> None:
    server = installation.start_server(*SHORT)
    name = installation.create(sweep("steps.py"))
    path = server.data / SCHEDULER
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(0)
        file.write(bytes(255 - at % 256 for at in range(size)))

    def output() -> str:
        return installation.ctl("pause", name, code=None).stderr

    until(lambda: f"{path} is damaged" in output(), what="the damage is reported")
    assert "cannot write" not in output()
    assert "trying again" not in server.log.read_text()


@pytest.mark.parametrize("database", [SCHEDULER, METRICS])
def test_a_folder_of_an_older_build_is_refused_in_one_line(
    installation: Installation, database: Path
) -> None:
    path = installation.folder / "server" / database
    path.parent.mkdir(parents=True)
    folder = DATABASES if database == METRICS else DATABASES.parents[1] / "scheduler" / "databases"
    (dump,) = folder.glob("*.sql")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text())
    done = subprocess.run(
        [str(BIN / "sweepd"), "up", "--data", str(installation.folder / "server")],
        env=installation.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert f"{path} was written by a build from before the first release" in error
    assert "move the data folder away" in error
