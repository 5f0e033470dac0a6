"""Files of runs: complete uploads, versions, shared contents, names and limits; and system samples."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import replace
from typing import Any

import pytest

from conformance.metric_store.batches import Store, an_attempt, points, rows
from sweepd import v1
from sweepd.file_limits import MAX_FILE_BYTES, MAX_PIECE_BYTES
from sweepd_metric_store.domain.files import follows
from sweepd_metric_store.ports import (
    SYSTEM,
    AttemptName,
    FileArrived,
    FilePage,
    HistoryQuery,
    Position,
    Selection,
    Stored,
)

SERIES = 7 << 32
NAME = an_attempt()


def piece(
    number: int,
    content: bytes = b"",
    *,
    file: str = "a.txt",
    name: AttemptName = NAME,
    whole: bytes | None = None,
    offset: int = 0,
    size: int | None = None,
    left_out: str = "",
) -> FileArrived:
    whole = content if whole is None else whole
    last = offset + len(content) == len(whole)
    return FileArrived(
        name=name,
        number=SERIES + number,
        file=file,
        size=len(whole) if size is None else size,
        time=1.7e9,
        offset=offset,
        content=content,
        digest=hashlib.sha256(whole).digest() if last and not left_out else b"",
        left_out=left_out,
    )


def commit(store: Store, *arrivals: FileArrived) -> list[Stored]:
    return [store.writes.commit([arrival])[0] for arrival in arrivals]


def files(store: Store, run: str = NAME.run) -> FilePage:
    return asyncio.run(store.reads.list_files(run, "", 1_000))


def content(store: Store, file: str = "a.txt", run: str = NAME.run) -> bytes | None:
    async def read() -> bytes | None:
        blob = await store.reads.file_blob(run, file)
        if blob is None:
            return None
        found = b""
        while part := await store.reads.file_piece(run, file, blob, len(found)):
            found += part
        return found

    return asyncio.run(read())


def test_a_file_is_listed_once_it_is_complete(store: Store) -> None:
    whole = b"x" * MAX_PIECE_BYTES + b"y"
    (first,) = commit(store, piece(1, whole[:MAX_PIECE_BYTES], whole=whole))
    assert (first.cursor, first.rejection) == (SERIES + 1, "")
    assert files(store).files == []
    commit(store, piece(2, b"y", whole=whole, offset=MAX_PIECE_BYTES))
    (file,) = files(store).files
    assert (file.name, file.attempt, file.size, file.left_out) == ("a.txt", 1, len(whole), "")
    assert file.digest == hashlib.sha256(whole).digest()
    assert content(store) == whole


def test_repeated_and_early_pieces_change_nothing(store: Store) -> None:
    commit(store, piece(1, b"one"))
    repeated, early = commit(store, piece(1, b"other"), piece(5, b"early"))
    assert (repeated.cursor, early.cursor) == (SERIES + 1, SERIES + 1)
    assert content(store) == b"one"


def test_a_higher_series_replaces_a_lower_one(store: Store) -> None:
    assert follows(SERIES + 1, 0)
    assert not follows(SERIES + 2, 0)
    assert follows((8 << 32) + 1, SERIES + 5)
    assert not follows(SERIES + 6, (8 << 32) + 1)
    assert follows(SERIES + 6, SERIES + 5)


def test_an_incomplete_file_is_dropped_when_another_begins(store: Store) -> None:
    commit(store, piece(1, b"ha", whole=b"half"), piece(2, b"new"))
    assert content(store) == b"new"
    stale, fresh = commit(store, piece(3, b"lf", whole=b"half", offset=2), piece(4, b"newer"))
    assert stale.rejection
    assert (fresh.cursor, content(store)) == (SERIES + 4, b"newer")


def test_the_newest_version_of_the_newest_attempt_is_read(store: Store) -> None:
    later = an_attempt(attempt=2)
    commit(store, piece(1, b"one"), piece(2, b"two"), piece(3, b"kept", file="b.txt"))
    commit(store, piece(1, b"three", name=later))
    assert [(file.name, file.attempt) for file in files(store).files] == [("a.txt", 2), ("b.txt", 1)]
    assert (content(store), content(store, "b.txt")) == (b"three", b"kept")


def test_equal_contents_are_stored_once_and_kept_while_a_file_has_them(store: Store) -> None:
    other = an_attempt(run=2)
    commit(store, piece(1, b"same"), piece(1, b"same", name=other))

    async def blobs() -> set[int | None]:
        return {await store.reads.file_blob(run, "a.txt") for run in (NAME.run, other.run)}

    assert len(asyncio.run(blobs())) == 1
    commit(store, piece(2, b"different"))
    assert content(store, run=other.run) == b"same"
    assert content(store) == b"different"


def test_an_empty_file_is_stored(store: Store) -> None:
    commit(store, piece(1, b""))
    assert [(file.size, file.left_out) for file in files(store).files] == [(0, "")]
    assert content(store) == b""


def test_a_file_that_is_not_uploaded_is_listed_with_the_reason(store: Store) -> None:
    commit(store, piece(1, file="huge", size=2**40, left_out="it is too large"))
    (file,) = files(store).files
    assert (file.size, file.digest, file.left_out) == (2**40, b"", "it is too large")
    assert content(store, "huge") is None


@pytest.mark.parametrize("file", ["", "/a", "../a", "a/../b", "a//b", "a\\b", "a\nb", "C:a", "x" * 600])
def test_unsafe_names_are_rejected_and_acknowledged(store: Store, file: str) -> None:
    refused, fine = commit(store, piece(1, b"x", file=file), piece(2, b"y"))
    assert refused.rejection
    assert (refused.cursor, fine.rejection) == (SERIES + 1, "")
    assert [each.name for each in files(store).files] == ["a.txt"]


def test_files_beyond_the_limit_or_their_declared_size_are_rejected(store: Store) -> None:
    large = piece(1, b"x", size=MAX_FILE_BYTES + 1)
    longer = piece(2, b"x" * 10, size=5)
    (answer, more) = commit(store, large, longer)
    assert answer.rejection == "it is larger than 16 MiB"
    assert more.rejection
    assert content(store) is None


def test_the_numbers_of_agents_are_accepted(store: Store) -> None:
    """Their series are times in seconds since 1970: the current time, and the highest series."""
    for series in (int(time.time()), 2**31 - 1):
        number = (series << 32) + 1
        (answer,) = commit(store, replace(piece(1, b"x", file=str(series)), number=number))
        assert (answer.rejection, answer.cursor) == ("", number)


@pytest.mark.parametrize("number", [(2**31 << 32) + 1, 2**64 - 2**32 + 1])
def test_a_number_out_of_range_is_rejected_and_fails_nothing_else_of_its_commit(
    store: Store, number: int
) -> None:
    out_of_range = replace(piece(1, b"x"), number=number)
    answers = store.writes.commit([piece(1, b"one"), out_of_range, piece(1, b"two", name=an_attempt(run=2))])
    assert [bool(answer.rejection) for answer in answers] == [False, True, False]
    assert [answer.cursor for answer in answers] == [SERIES + 1, SERIES + 1, SERIES + 1]
    assert content(store) == b"one"


@pytest.mark.parametrize(
    "flaw", [{"left_out": "it is too large"}, {"size": MAX_FILE_BYTES + 1}, {"offset": 7}]
)
def test_the_limit_of_files_includes_those_without_content(
    store: Store, monkeypatch: pytest.MonkeyPatch, flaw: dict[str, Any]
) -> None:
    monkeypatch.setattr("sweepd_metric_store.domain.files.MAX_RUN_FILES", 3)
    results = commit(store, *(piece(at, b"x", file=f"f{at}", **flaw) for at in range(1, 6)))
    assert [answer.cursor for answer in results] == [SERIES + at for at in range(1, 6)]
    assert [file.name for file in files(store).files] == ["f1", "f2", "f3"]
    assert all("3 files already" in answer.rejection for answer in results[3:] if "offset" not in flaw)
    (replaced,) = commit(store, piece(6, b"x", file="f2"))
    assert (replaced.rejection, content(store, "f2")) == ("", b"x")


def test_the_limits_of_files_cover_all_attempts_of_a_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweepd_metric_store.domain.files.MAX_RUN_BYTES", 10)
    monkeypatch.setattr("sweepd_metric_store.domain.files.MAX_RUN_FILES", 2)
    second, other = an_attempt(attempt=2), an_attempt(run=2)
    commit(store, piece(1, b"123456"))
    too_large, fits = commit(
        store, piece(1, b"12345", file="b", name=second), piece(2, b"1", file="b", name=second)
    )
    too_many, in_another_run = commit(
        store, piece(3, b"", file="c", name=second), piece(1, b"123456", file="c", name=other)
    )
    assert "would be larger" in too_large.rejection
    assert "files already" in too_many.rejection
    assert (fits.rejection, in_another_run.rejection) == ("", "")
    (replaced,) = commit(store, piece(4, b"654321", name=second))  # it replaces a file of the same size
    assert (replaced.rejection, content(store)) == ("", b"654321")


def test_attempts_evicted_from_memory_count_for_the_limit_of_their_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweepd_metric_store.domain.files.MAX_RUN_FILES", 3)
    monkeypatch.setattr("sweepd_metric_store.store.ledger.MAX_SERIES", 4)
    second = an_attempt(attempt=2)
    commit(store, piece(1, b"1", file="f1"), piece(1, b"x", name=an_attempt(run=2)))
    commit(store, piece(1, b"2", file="f2", name=second))
    store.writes.commit([rows(second, 1, [{"loss": 1.0}])])
    commit(store, piece(1, b"x", name=an_attempt(run=3)))  # evicts the first attempt, inactive for longest
    third, fourth = commit(store, piece(2, b"3", file="f3"), piece(2, b"4", file="f4", name=second))
    assert (third.rejection, fourth.rejection) == ("", "the run has 3 files already")


def test_contents_replaced_by_a_newer_attempt_are_deleted(store: Store) -> None:
    async def blob() -> int | None:
        return await store.reads.file_blob(NAME.run, "a.txt")

    async def is_kept(number: int | None) -> bool:
        return number is not None and await store.reads.file_piece(NAME.run, "a.txt", number, 0) is not None

    commit(store, piece(1, b"one"))
    old = asyncio.run(blob())
    commit(store, piece(1, b"two", name=an_attempt(attempt=2)))
    assert not asyncio.run(is_kept(old))
    (late,) = commit(store, piece(2, b"late"))
    assert (late.rejection, content(store)) == ("", b"two")
    commit(store, piece(2, name=an_attempt(attempt=2), size=9, left_out="it is too large"))
    assert content(store) is None


def test_a_content_that_does_not_match_its_digest_is_rejected(store: Store) -> None:
    mismatched = piece(1, b"false", whole=b"wrong")
    assert commit(store, mismatched)[0].rejection == "its content does not match its digest"
    assert files(store).files == []


def test_files_and_points_share_a_commit(store: Store) -> None:
    answers = store.writes.commit([rows(NAME, 1, [{"loss": 1.0}]), piece(1, b"one"), piece(2, b"two")])
    assert [answer.cursor for answer in answers] == [1, SERIES + 1, SERIES + 2]
    store.writes.close()
    assert store.reopened().commit([piece(2, b"late")])[0].cursor == SERIES + 2
    assert content(store) == b"two"


def test_pages_of_files_continue_after_a_name(store: Store) -> None:
    commit(store, *(piece(number, b"x", file=f"f{number}") for number in range(1, 6)))
    page = asyncio.run(store.reads.list_files(NAME.run, "f2", 2))
    assert ([file.name for file in page.files], page.rest) == (["f3", "f4"], "f4")
    assert asyncio.run(store.reads.list_files(NAME.run, "f4", 2)).rest is None


def test_system_samples_are_a_separate_history(store: Store) -> None:
    """Their rows may have the same numbers and keys as those of the script."""
    system = AttemptName(sweep=NAME.sweep + SYSTEM, run=NAME.run + SYSTEM, attempt=1)
    store.writes.commit([rows(NAME, 1, [{"loss": 1.0, "system/cpu": 5.0}])])
    store.writes.commit([rows(system, 1, [{"system/cpu": 90.0}, {"system/cpu": 91.0}])])
    store.writes.commit([rows(NAME, 2, [{"loss": 0.5}])])

    def history(run: str) -> list[tuple[str, int, str]]:
        selection = Selection(runs=frozenset({run}))
        page = asyncio.run(
            store.reads.history(HistoryQuery(selection=selection, start=Position(), budget=10**6))
        )
        found = points([v1.Series.FromString(each) for each in page.items])
        assert {point[0] for point in found} == {NAME.run}
        return [(key, row, value) for _, _, key, row, _, value in found]

    assert history(NAME.run) == [("loss", 1, "1.0"), ("loss", 2, "0.5"), ("system/cpu", 1, "5.0")]
    assert history(system.run) == [("system/cpu", 1, "90.0"), ("system/cpu", 2, "91.0")]


def test_a_run_with_the_id_system_keeps_its_name(store: Store) -> None:
    name = AttemptName(sweep="acme/mnist", run="acme/mnist/system", attempt=1)
    store.writes.commit([rows(name, 1, [{"loss": 1.0}])])
    selection = Selection(runs=frozenset({name.run}))
    query = HistoryQuery(selection=selection, start=Position(), budget=10**6)
    found = points([v1.Series.FromString(each) for each in asyncio.run(store.reads.history(query)).items])
    assert [point[0] for point in found] == [name.run]


def test_a_sweep_with_the_id_system_does_not_have_the_samples_of_its_project(store: Store) -> None:
    """Standalone runs are stored under the name of their project."""
    samples = AttemptName(sweep="acme/mnist" + SYSTEM, run="acme/mnist/a1" + SYSTEM, attempt=1)
    store.writes.commit([rows(samples, 1, [{"system/cpu": 5.0}])])
    query = HistoryQuery(selection=Selection(sweep="acme/mnist/system"), start=Position(), budget=10**6)
    assert not asyncio.run(store.reads.history(query)).items


def test_a_read_of_a_deleted_content_never_returns_another_one(store: Store) -> None:
    first = b"a" * MAX_PIECE_BYTES + b"end"
    commit(
        store,
        piece(1, first[:MAX_PIECE_BYTES], whole=first),
        piece(2, b"end", whole=first, offset=MAX_PIECE_BYTES),
    )
    blob = asyncio.run(store.reads.file_blob(NAME.run, "a.txt"))
    assert blob is not None
    assert asyncio.run(store.reads.file_piece(NAME.run, "a.txt", blob, 0)) == first[:MAX_PIECE_BYTES]
    commit(store, piece(3, size=MAX_FILE_BYTES + 1, left_out="it is too large"))
    secret, other = b"b" * MAX_PIECE_BYTES + b"secret", AttemptName(sweep="b/c/s", run="b/c/s-1", attempt=1)
    commit(
        store,
        piece(1, secret[:MAX_PIECE_BYTES], whole=secret, name=other),
        piece(2, b"secret", whole=secret, offset=MAX_PIECE_BYTES, name=other),
    )
    assert asyncio.run(store.reads.file_piece(NAME.run, "a.txt", blob, MAX_PIECE_BYTES)) is None
