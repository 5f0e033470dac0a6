"""The rows of an attempt on disk, through any order of writing, reading, saving and crashing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepd.metrics_file import MAX_LINE_BYTES, MetricsFile
from sweepd_agent.core.numbering import Begin, Numbering, document, from_document
from sweepd_agent.core.rows import Observation, Row
from sweepd_agent.files.spool import ROWS_AT_ONCE, Spool, next_segment, spool_size, write_kept

WATCHED = ("loss",)


def a_spool(path: Path, numbering: Numbering | None = None, begins: tuple[Begin, ...] = ()) -> Spool:
    return Spool(
        path,
        numbering or Numbering(),
        watched=WATCHED,
        rungs=frozenset({3}),
        wall_clock=lambda: 5.0,
        begins=begins,
    )


def poll(spool: Spool) -> None:
    """Read all lines available, and mark them as saved."""
    while spool.poll():
        pass
    spool.saved(spool.numbering)


def all_rows(spool: Spool, after: int = 0) -> list[Row]:
    """Take rows message by message, as a stream does."""
    taken: list[Row] = []
    while rows := spool.rows(taken[-1].number if taken else after):
        assert len(rows) <= ROWS_AT_ONCE
        taken += rows
    return taken


def all_observations(spool: Spool, after: int = 0) -> list[Observation]:
    """Take observations, as a stream does."""
    taken: list[Observation] = []
    while after < spool.settled:
        items, upto = spool.observations(after)
        assert all(after < item.row <= upto for item in items)
        assert upto > after
        taken += items
        after = upto
    return taken


def test_the_first_row_a_rung_and_many_rows_are_urgent(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    file = MetricsFile(path)
    spool = a_spool(path)
    seen = []
    for _ in range(4):
        file.append(b'{"loss": 1}\n')
        spool.poll()
        seen.append(spool.urgent)
        spool.saved(spool.numbering)
    assert seen == [True, False, True, False]
    for _ in range(ROWS_AT_ONCE):
        file.append(b'{"acc": 1}\n')
    spool.poll()
    assert spool.urgent
    file.close()
    spool.close()


def test_a_row_may_be_sent_only_once_its_number_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"loss": 1}\n{"loss": 2}\n{"lo')
    spool = a_spool(path)
    spool.poll()
    assert spool.rows(0) == []
    assert spool.observations(0) == ([], 0)
    poll(spool)
    assert [row.values for row in spool.rows(0)] == [{"loss": 1}, {"loss": 2}]
    assert len(all_observations(spool)) == 2
    spool.close()


def test_an_endless_line_does_not_affect_others(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"loss": 1}\n' + b"x" * (3 * MAX_LINE_BYTES))
    spool = a_spool(path)
    poll(spool)
    assert spool.last_row == 1
    with path.open("ab") as file:
        file.write(b'\n{"loss": 2}\n')
    poll(spool)
    assert [row.values for row in all_rows(spool)] == [{"loss": 1}, {}, {"loss": 2}]
    assert spool.numbering.malformed == 1
    spool.close()


@pytest.mark.lengthy
def test_much_output_is_read_in_steps_but_a_long_line_in_one(tmp_path: Path) -> None:
    """So that other work of the agent never waits long."""
    path = tmp_path / "metrics.jsonl"
    file = MetricsFile(path, segment_bytes=100_000)
    for n in range(10_000):
        file.append(b'{"loss": %d}%s\n' % (n, b" " * (MAX_LINE_BYTES - 20) * (n == 5_000)))
    file.close()
    spool = a_spool(path)
    taken: list[Row] = []
    while True:
        more = spool.poll()
        assert spool.fresh < 2_000
        spool.saved(spool.numbering)
        taken += all_rows(spool, len(taken))
        if not more:
            break
    assert [row.values for row in taken] == [{"loss": n} for n in range(10_000)]
    assert spool.numbering.malformed == 0
    spool.close()


def test_rows_lost_by_the_disk_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(f'{{"loss": {n}}}\n' for n in range(10)))
    spool = a_spool(path)
    poll(spool)
    spool.close()
    path.write_text('{"loss": 0}\n')
    again = a_spool(path, spool.numbering)
    poll(again)
    assert [row.number for row in all_rows(again)] == list(range(1, 11))
    assert [item.row for item in all_observations(again)] == [1]
    again.close()


def log_steps(path: Path, *steps: int) -> None:
    with path.open("a") as file:
        file.writelines(f'{{"_step": {step}, "acc": {step}}}\n' for step in steps)


def shown_steps(spool: Spool) -> list[int]:
    return [row.step for row in all_rows(spool) if row.values]


def test_attempts_in_one_file_replace_earlier_rows_from_their_first_step_on(
    tmp_path: Path,
) -> None:
    """Every row keeps its number, in memory and when read again, also across a restart of the agent."""
    path = tmp_path / "metrics.jsonl"
    log_steps(path, 0, 1, 2, 3)
    first, begins = a_spool(path), [Begin(attempt=2, segment=1, offset=path.stat().st_size)]
    poll(first)
    assert shown_steps(first) == [0, 1, 2, 3]
    first.close()
    second = a_spool(path, begins=tuple(begins))
    poll(second)
    assert (second.last_row, all_rows(second)) == (0, []), "its first step is not known yet"
    with path.open("a") as file:
        file.write('{"acc": 9}\n')  # from a child process, which does not count steps
    log_steps(path, 2, 3)
    second.poll()
    assert second.urgent
    assert second.last_row == 0, "not on disk yet"
    poll(second)
    assert shown_steps(second) == [0, 1, 4, 2, 3]
    assert [row.number for row in all_rows(second)] == list(range(1, 8))
    second.close()
    path.rename(tmp_path / "metrics.jsonl.1")
    begins.append(Begin(attempt=3, segment=2, offset=0))
    log_steps(path, 1)
    third = a_spool(path, begins=tuple(begins))
    poll(third)
    assert shown_steps(third) == [0, 1]
    again = a_spool(path, from_document(json.loads(json.dumps(document(third.numbering)))), tuple(begins))
    assert all_rows(again) == all_rows(third)
    third.close()
    again.close()


def test_an_attempt_logged_by_children_alone_replaces_nothing_and_does_not_wait_for_its_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / "metrics.jsonl"
    log_steps(path, 0, 1, 2)
    begins = (Begin(attempt=2, segment=1, offset=path.stat().st_size),)
    spool = a_spool(path, begins=begins)
    for rows in (20, 1):
        with path.open("a") as file:
            file.write('{"acc": 9}\n' * rows)
        assert spool.last_row == 0
        poll(spool)
    assert spool.last_row == 24
    log_steps(path, 1)  # too late
    poll(spool)
    assert shown_steps(spool) == [*range(24), 1]
    again = a_spool(path, from_document(json.loads(json.dumps(document(spool.numbering)))), begins)
    assert all_rows(again) == all_rows(spool)
    spool.close()
    again.close()


def test_an_attempt_that_ends_without_a_row_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log_steps(path, 0, 1)
    spool = a_spool(path, begins=(Begin(attempt=2, segment=1, offset=path.stat().st_size),))
    poll(spool)
    spool.finish()
    assert spool.last_row == 0
    spool.saved(spool.numbering)
    assert shown_steps(spool) == [0, 1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(0, 3))
def test_the_rows_do_not_depend_on_how_the_bytes_are_split(cuts: list[int], polls: int) -> None:
    lines = [
        b'{"loss": 1, "_step": 0}\n',
        b'{"loss": 2, "_step": 1, "_open": true}\n',
        b"\n",
        b"torn {\n",
        b'{"a": {"b": NaN}, "_step": 1}\n',
        b'{"loss": 3}\n',
    ] * 3
    content = b"".join(lines)
    with tempfile.TemporaryDirectory() as folder:
        unsplit = Path(folder) / "whole"
        unsplit.write_bytes(content)
        reference = a_spool(unsplit)
        poll(reference)
        path = Path(folder) / "metrics.jsonl"
        spool = a_spool(path)
        offset = 0
        with path.open("ab", buffering=0) as file:
            for cut in [*cuts, len(content)]:
                file.write(content[offset : offset + cut])
                offset += cut
                for _ in range(polls):
                    spool.poll()
        poll(spool)
        assert repr(all_rows(spool)) == repr(all_rows(reference))
        assert all_observations(spool) == all_observations(reference)
        assert spool.numbering.progress == reference.numbering.progress
        spool.close()
        reference.close()


steps = st.lists(
    st.sampled_from(["write", "write", "late write", "look", "save", "crash", "take", "roll"]), max_size=40
)


@settings(max_examples=80, deadline=None)
@given(steps)
def test_no_crash_loses_repeats_or_renumbers_a_row(happened: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        files = {True: MetricsFile(path), False: MetricsFile(path, segment_bytes=1)}
        late = path.open("ab", buffering=0)  # a writer that never switches to a new segment
        spool, stored = a_spool(path), document(Numbering())
        taken: dict[int, object] = {}
        written = 0

        def take() -> None:
            for row in all_rows(spool):
                assert taken.setdefault(row.number, row.values["n"]) == row.values["n"], "a number changed"

        for step in [*happened, "look", "save", "take"]:
            if step in {"write", "roll", "late write"}:
                line = json.dumps({"loss": written, "n": written, "_step": written}).encode() + b"\n"
                if step == "late write":
                    late.write(line)
                else:
                    files[step == "write"].append(line)
                written += 1
            elif step == "look":
                while spool.poll():
                    pass
            elif step == "save":
                stored = json.loads(json.dumps(document(spool.numbering)))
                spool.saved(spool.numbering)
            elif step == "crash":
                spool.close()
                spool = a_spool(path, from_document(stored))
            else:
                take()
        assert sorted(taken) == list(range(1, written + 1))
        assert sorted(taken.values(), key=str) == sorted(range(written), key=str)
        assert [item.value for item in all_observations(spool)] == [
            row.values["loss"] for row in all_rows(spool)
        ]
        spool.close()
        late.close()
        for file in files.values():
            file.close()


def test_a_thinned_segment_gives_the_same_observations_and_keeps_every_16th_row(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    file = MetricsFile(path, segment_bytes=4_000)
    for n in range(1_000):
        watched = {"loss": n} if n % 10 == 0 else {"acc": n}
        file.append(json.dumps(watched | {"_step": n, "_open": n % 20 == 0}).encode() + b"\n")
    file.close()
    spool = a_spool(path)
    poll(spool)
    before = all_observations(spool)
    full = spool_size(path)
    thinned = 0
    while found := next_segment(path, spool.numbering):
        segment, closed = found
        write_kept(path, segment, closed, spool.numbering, spool.watched)
        spool.thinned(segment)
        spool.saved(spool.numbering)
        closed.unlink()
        thinned += 1
    spool.close()
    assert thinned >= 3
    assert spool_size(path) < full / 2
    again = a_spool(path, from_document(document(spool.numbering)))
    poll(again)
    assert again.last_row == 1_000
    assert all_observations(again) == before
    rows = [row.number for row in all_rows(again)]
    assert rows == sorted(set(rows))
    assert rows[-1] == 1_000
    assert set(range(16, 1_000, 16)) | {item.row for item in before} <= set(rows)
    assert len(rows) < 600
    again.close()
