"""Malformed requests: they do not fail other requests of the same commit."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.metric_store.batches import Store, an_attempt, history, log, points, rows
from sweepd import v1
from sweepd_metric_store import codec
from sweepd_metric_store.ports import Selection

NUMBERS = st.one_of(st.integers(0, 6), st.sampled_from([2**31, 2**63 - 1, 2**63, 2**64 - 1]))
SIGNED = st.one_of(st.integers(-3, 3), st.sampled_from([2**63 - 1, -(2**63)]))
SMALL = st.one_of(st.integers(0, 6), st.just(2**32 - 1))
TEXTS = st.one_of(st.sampled_from(["a", "b", ""]), st.text(max_size=300), st.just("\0"), st.just("x" * 5_000))
COLUMNS = st.builds(
    v1.Column,
    key=SMALL,
    row_offsets=st.lists(SMALL, max_size=4),
    doubles=st.one_of(st.none(), st.builds(v1.DoubleValues, values=st.lists(st.floats(), max_size=4))),
    ints=st.one_of(st.none(), st.builds(v1.IntValues, values=st.lists(SIGNED, max_size=4))),
    strings=st.one_of(st.none(), st.builds(v1.StringValues, values=st.lists(TEXTS, max_size=4))),
)
BATCHES = st.builds(
    v1.PointBatch,
    steps=st.lists(SIGNED, max_size=5),
    times=st.lists(st.floats(), max_size=5),
    keys=st.lists(TEXTS, max_size=4),
    columns=st.lists(COLUMNS, max_size=4),
    dropped=st.lists(st.builds(v1.RowRange, first=NUMBERS, last=NUMBERS), max_size=3),
)
REQUESTS = st.builds(
    v1.AppendRequest,
    run=TEXTS,
    sweep=TEXTS,
    attempt=SMALL,
    lane=st.sampled_from([v1.LANE_POINTS, v1.LANE_SAMPLES]),
    start=NUMBERS,
    end=NUMBERS,
    body=st.one_of(BATCHES.map(v1.PointBatch.SerializeToString), st.binary(max_size=50)),
    resumed_from_step=st.one_of(st.none(), SIGNED),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(REQUESTS, min_size=1, max_size=6))
def test_malformed_requests_are_answered_and_a_valid_batch_of_the_same_commit_is_stored(
    store: Store, requests: list[v1.AppendRequest]
) -> None:
    good = an_attempt(1, 1, f"local/good/{uuid4()}")
    arrivals = [codec.arrival(request) for request in requests]
    answers = store.writes.commit([*arrivals, rows(good, 1, [{"x": 1.0}]), log(good, 0, b"line\n")])
    assert [answer.cursor for answer in answers[-2:]] == [1, 5]
    assert len(answers) == len(requests) + 2
    assert len(points(asyncio.run(history(store, Selection(sweep=good.sweep))))) == 1
    for request in requests:
        found = asyncio.run(history(store, Selection(runs={request.run}), all_attempts=True, max_points=3))
        assert all(each.key for each in found)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, SMALL, NUMBERS, st.binary(max_size=20))
def test_a_malformed_log_piece_does_not_fail_a_valid_one_of_the_same_commit(
    store: Store, run: str, attempt: int, offset: int, content: bytes
) -> None:
    request = v1.AppendRequest(
        run=run, sweep="s", attempt=attempt, lane=v1.LANE_LOG, start=offset, body=content
    )
    good = an_attempt(1, 1, f"local/good/{uuid4()}")
    answers = store.writes.commit([codec.arrival(request), log(good, 0, b"line\n")])
    assert answers[1].cursor == 5
    if not (run and len(run) <= 1_024 and attempt):
        assert answers[0].rejection
