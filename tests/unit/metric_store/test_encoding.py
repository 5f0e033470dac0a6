"""Round trips of encoded bodies, and decoding of answers made of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd import v1
from sweepd.v1 import metric_service_pb2
from sweepd_metric_store import encoding
from sweepd_metric_store.domain.batch import Kind, Spine, Stretch, Values
from sweepd_metric_store.domain.summary import extended
from sweepd_metric_store.servicer import SERVICE_NAME


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (v1.GetHistoryResponse, "series"),
        (v1.ListSummariesResponse, "summaries"),
        (v1.WatchHistoryResponse, "series"),
        (v1.ExportPointsResponse, "series"),
    ],
)
def test_the_list_of_a_response_is_its_first_field(message: type[v1.GetHistoryResponse], name: str) -> None:
    assert message.DESCRIPTOR.fields_by_name[name].number == 1


def test_the_page_token_of_a_response_is_its_second_field() -> None:
    for message in (v1.GetHistoryResponse, v1.ListSummariesResponse):
        assert message.DESCRIPTOR.fields_by_name["next_page_token"].number == 2


def test_the_encoded_service_agrees_with_the_contract() -> None:
    assert metric_service_pb2.DESCRIPTOR.services_by_name["MetricService"].full_name == SERVICE_NAME


KINDS = st.one_of(
    st.tuples(st.just(Kind.DOUBLE), st.lists(st.floats(), min_size=1, max_size=40)),
    st.tuples(st.just(Kind.INT), st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40)),
    st.tuples(st.just(Kind.BOOL), st.lists(st.booleans(), min_size=1, max_size=40)),
    st.tuples(st.just(Kind.STRING), st.lists(st.text(max_size=20), min_size=1, max_size=40)),
)


def a_stretch(kind: Kind, values: Values, first_row: int) -> Stretch:
    rows = range(first_row, first_row + len(values))
    spine = Spine(rows=rows, steps=[-row for row in rows], times=[row / 8 for row in rows])
    return Stretch(kind=kind, spine=spine, values=values)


@given(KINDS, st.integers(1, 20))
def test_any_stretch_is_decoded_exactly_also_in_pieces(made: tuple[Kind, Values], size: int) -> None:
    kind, values = made
    whole = a_stretch(kind, values, 2**40)
    pieces = [encoding.chunk_bytes(whole.part(at, at + size)) for at in range(0, len(values), size)]
    found = encoding.stretch(encoding.joined_chunks(pieces))
    assert found.kind is kind
    assert list(map(repr, found.values)) == list(map(repr, values))
    assert list(found.spine.rows) == list(whole.spine.rows)
    assert list(found.spine.steps) == list(whole.spine.steps)
    assert list(found.spine.times) == list(whole.spine.times)


@given(KINDS)
def test_any_summary_is_decoded_exactly(made: tuple[Kind, Values]) -> None:
    known = extended(None, a_stretch(*made, 1))
    found = encoding.summary(encoding.summary_bytes(known), number_count=known.number_count)
    assert repr(found) == repr(known).replace(f"last_row={known.last_row}", "last_row=0")


@given(st.integers(0, 2**21))
def test_a_page_decodes_to_its_series(length: int) -> None:
    chunk = v1.SeriesChunk(rows=[1], steps=[2], times=[3.0])
    chunk.strings.values.append("x" * length)
    content = encoding.page([encoding.series("e/p/r", 3, "loss", [chunk.SerializeToString()] * 2)], "token")
    assert v1.GetHistoryResponse.FromString(content) == v1.GetHistoryResponse(
        series=[v1.Series(run="e/p/r", attempt=3, key="loss", chunks=[chunk, chunk])], next_page_token="token"
    )


def test_a_summary_gets_its_names() -> None:
    rest = v1.KeySummary(count=3, last=v1.MetricValue(int_value=5), mean=0.0)
    found = v1.KeySummary.FromString(encoding.key_summary("e/p/r", "ключ", rest.SerializeToString()))
    rest.run, rest.key = "e/p/r", "ключ"
    assert found == rest


def test_the_stored_form_of_a_chunk_does_not_change() -> None:
    spine = Spine(rows=[1, 300], steps=[-1, 2**62], times=[0.5, -0.0])
    chunk = encoding.chunk_bytes(Stretch(kind=Kind.DOUBLE, spine=spine, values=[float("nan"), float("-inf")]))
    assert chunk.hex() == (
        "0a0301ac02"
        "120b0180808080808080808001"
        "1a10000000000000e03f0000000000000080"
        "22120a10000000000000f87f000000000000f0ff"
    )
