"""Databases of earlier versions open in this one, with all that they hold; P30."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sweepd import v1
from sweepd_kernel.schema import ensure_schema
from sweepd_scheduler.domain.decision import StudyEvent
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.runs.run import AttemptState, RunState
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.domain.sweeps.sweep import SweepState
from sweepd_scheduler.domain.terms import Terms
from sweepd_scheduler.ports import Loaded
from sweepd_scheduler.sql import SqliteStore
from sweepd_scheduler.sql_records import SqliteRecords
from unit.scheduler.world import PARENT

DATABASES = Path(__file__).parent / "databases"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A database as the first version left it: one sweep goes on, with runs in every state; one is over."""
    path = tmp_path / "scheduler.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((DATABASES / "0001.sql").read_text())
    ensure_schema(path, "sweepd_scheduler")
    return path


def loaded(path: Path) -> Loaded:
    with closing(SqliteStore(path)) as store:
        return store.load(0)


def test_a_sweep_of_the_first_version_goes_on(first: Path) -> None:
    found = loaded(first)
    state = State(Terms())
    state.restore(found.sweeps, found.ended, found.number, 0.0)
    sweep, index = state.sweeps[1], state.index[1]
    assert (str(sweep.name), sweep.state, sweep.revision) == ("local/demo/going", SweepState.RUNNING, 1)
    assert (sweep.initial, sweep.counts.total, sweep.observations) == (0, 4, 9)
    assert sweep.best is not None
    assert (sweep.best.run, sweep.best.value) == (3, 0.125)
    assert [state.runs[(1, n)].state for n in (2, 3, 4)] == [
        RunState.RUNNING,
        RunState.PENDING,
        RunState.ASSIGNED,
    ]
    assert index.pending.first == 3
    assert state.runs[(1, 3)].place == 0, "a run that waited goes out before new ones, as it did"
    assert index.ended.best is not None
    assert (index.ended.best.run, index.ended.best.value) == (1, 0.5)
    assert {key: sorted(rung.costs) for key, rung in index.rungs.items()} == {
        (0, 1): [0.125, 0.25, 0.5],
        (0, 2): [0.7],
    }
    assert index.at_rung == {(0, 1): {2}}
    assert set(index.digests.values()) == {1}
    assert [request.request_id for request in found.requests] == ["r1"]


def test_the_search_is_told_the_same_again(first: Path) -> None:
    """The one value of an end was the best."""
    with closing(SqliteRecords(first)) as records:
        notes = [line.note for line in records.observations(1, 0, 100).entries]
    assert [(note.value, note.best) for note in notes if note.event is StudyEvent.ENDED] == [(0.5, 0.5)]
    assert {note.best for note in notes if note.event is not StudyEvent.ENDED} == {None}


def test_what_is_over_can_be_read(first: Path) -> None:
    (ended,) = loaded(first).ended
    assert (ended[0], ended[1].state) == (2, SweepState.FINISHED)
    with closing(SqliteRecords(first)) as records:
        sweep = records.sweep(SweepName(PARENT, "over"))
        assert sweep is not None
        best = records.runs(sweep, (), None, 10, best=True).entries
        assert [run.value(sweep.value_kind) for run in best] == [1.0, 2.0, 3.0, 4.0]
        failed = records.run(RunName(sweep.name, 4))
        assert failed is not None
        assert (failed.state, failed.newest.state) == (RunState.FAILED, AttemptState.ENDED)
        assert (failed.repeat, failed.failures, failed.stopping) == (0, 0, ())
        kinds = [line.kind for line in records.events(sweep.key, 4, 10)]
        assert kinds == ["run-assigned", "run-started", "run-failed"]


def test_a_copy_from_before_is_kept(first: Path) -> None:
    (copy,) = first.parent.glob("scheduler.sqlite.before-*")
    with closing(sqlite3.connect(copy)) as backup:
        assert backup.execute("select version_num from alembic_version").fetchall() == [("0001",)]
        assert backup.execute("select count(*) from run").fetchall() == [(8,)]
    with closing(sqlite3.connect(first)) as now:
        assert now.execute("pragma integrity_check").fetchall() == [("ok",)]


def test_runs_of_before_are_listed_with_their_names_and_tags(first: Path) -> None:
    """Those that are over tell nothing any more."""
    told = {
        1: v1.RunDetails(display_name="baseline", notes="n" * 100_000, tags=["ä", "b" * 997, "c"]),
        2: v1.RunDetails(notes="n"),
    }
    with closing(sqlite3.connect(first)) as connection:
        connection.execute("alter table run drop column display_name")
        connection.execute("alter table run drop column tags")
        connection.execute("alter table attempt drop column log_bytes")
        connection.execute("update alembic_version set version_num = '0005'")
        rows = [(number, details.SerializeToString()) for number, details in told.items()]
        connection.executemany("insert into run_details values (1, ?, 1, 1, ?)", rows)
        connection.commit()
    ensure_schema(first, "sweepd_scheduler")
    with closing(SqliteRecords(first)) as records:
        sweep = records.sweep(SweepName(PARENT, "going"))
        assert sweep is not None
        found = records.runs(sweep, (), None, 10, best=False).entries
    assert [run.display_name for run in found] == ["baseline", "", "", ""]
    assert [run.tags for run in found] == [("ä", "b" * 997), (), (), ()]
