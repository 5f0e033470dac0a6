"""Remembered requests: their owners, quotas and ages."""

import pytest

from sweepd_kernel.errors import Status, StorageError
from sweepd_scheduler.domain.events import ClockReading
from sweepd_scheduler.domain.requests.remembered import (
    ALL_PROJECTS,
    DAY,
    EVERYBODY,
    Recollection,
    Remembered,
    RememberedRequests,
    Repeatable,
    RequestIdReusedError,
    RequestKey,
    RequestQuotaError,
    Used,
)
from sweepd_scheduler.domain.undo_log import UndoLog

NOON = 1_800_000_000_000_000
NOW = ClockReading(100.0, NOON, bytes(32))


def a_call(name: str = "r", project: str = "local/p", fingerprint: bytes = b"f") -> Repeatable:
    return Repeatable(key=RequestKey("ann", project, name), fingerprint=fingerprint)


def begun(quota: int = 10_000, total: int = 100_000, **used: int) -> tuple[RememberedRequests, UndoLog]:
    undo_log = UndoLog()
    requests = RememberedRequests(undo_log, quota=quota, total=total)
    requests.restore(0, NOW)
    mine, in_total = used.get("mine", 0), used.get("in_total", 0)
    requests.begin(
        Recollection(
            used={
                ("ann", "local/p"): Used(size_bytes=mine, oldest=NOON - DAY + 60_000_000),
                EVERYBODY: Used(size_bytes=in_total, oldest=NOON - DAY + 30_000_000),
            }
        )
    )
    return requests, undo_log


def test_a_request_repeated_within_a_batch_gets_the_staged_response() -> None:
    requests, undo_log = begun()
    requests.remember(a_call(), b"first", NOW)
    assert requests.response_to(a_call()) == b"first"
    with pytest.raises(RequestIdReusedError):
        requests.response_to(a_call(fingerprint=b"another"))
    assert requests.response_to(a_call(project="local/q", fingerprint=b"another")) is None
    undo_log.back_to(0)
    assert requests.response_to(a_call()) is None


def test_a_full_quota_refuses_requests_and_reports_when_there_is_room() -> None:
    requests, _ = begun(mine=9_900)
    with pytest.raises(RequestQuotaError, match="0 h 2 min") as refused:
        requests.remember(a_call(), b"first", NOW)
    assert refused.value.status is Status.RESOURCE_EXHAUSTED
    assert refused.value.retry_after == 60.0
    assert refused.value.metadata == {"account": "ann", "project": "local/p", "quota_bytes": "10000"}
    requests.remember(a_call(project="local/q"), b"of another project", NOW)


def test_a_response_that_just_fits_is_kept() -> None:
    size = begun()[0].remember(a_call(), b"first", NOW).size_bytes
    begun(mine=10_000 - size)[0].remember(a_call(), b"first", NOW)
    with pytest.raises(RequestQuotaError):
        begun(mine=10_001 - size)[0].remember(a_call(), b"first", NOW)


def test_the_quota_of_an_account_covers_all_of_its_projects_and_no_other_account() -> None:
    requests = RememberedRequests(UndoLog(), account=10_000)
    requests.restore(0, NOW)
    full = Used(size_bytes=9_900, oldest=NOON - DAY + 60_000_000)
    requests.begin(Recollection(used={("ann", ALL_PROJECTS): full}))
    with pytest.raises(RequestQuotaError, match="for account ann fill") as refused:
        requests.remember(a_call(project="local/new"), b"first", NOW)
    assert refused.value.metadata["project"] == ALL_PROJECTS
    assert refused.value.retry_after == 60.0
    other = Repeatable(key=RequestKey("bob", "local/new", "r"), fingerprint=b"f")
    requests.remember(other, b"of another account", NOW)


def test_there_is_a_quota_for_all_accounts_together() -> None:
    requests, _ = begun(in_total=99_999)
    with pytest.raises(RequestQuotaError, match="all accounts") as refused:
        requests.remember(a_call(), b"first", NOW)
    assert refused.value.retry_after == 30.0


def test_staged_responses_count_for_the_quota_until_they_are_undone() -> None:
    requests, undo_log = begun()
    requests.remember(a_call(), bytes(6_000), NOW)
    with pytest.raises(RequestQuotaError):
        requests.remember(a_call("s"), bytes(6_000), NOW)
    undo_log.back_to(0)
    requests.remember(a_call("s"), bytes(6_000), NOW)


def test_a_hundred_thousand_small_responses_a_day_fit_the_quota() -> None:
    small = Remembered(key=a_call("r" * 36).key, fingerprint=b"", response=bytes(1_000), time=0)
    assert 100_000 * small.size_bytes < 128 * 1024 * 1024


def test_requests_age_while_the_scheduler_runs_whatever_the_wall_clock_does() -> None:
    requests = RememberedRequests(UndoLog())
    requests.restore(NOON, ClockReading(5.0, NOON + 400 * DAY, bytes(32)))
    assert requests.time(ClockReading(65.0, NOON - DAY, bytes(32))) == NOON + 60_000_000
    assert requests.remember(a_call(), b"", ClockReading(7.0, 0, bytes(32))).time == NOON + 2_000_000


def test_while_stored_requests_cannot_be_read_each_that_may_be_one_is_refused() -> None:
    requests, _ = begun()
    requests.refuse(StorageError("scheduler", "its database", "disk error"))
    with pytest.raises(StorageError):
        requests.response_to(a_call())
    assert requests.response_to(None) is None
    requests.begin(Recollection())
    assert requests.response_to(a_call()) is None
