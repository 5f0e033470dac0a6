"""Size estimates are never below the real message size, and a page is filled as far as possible."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd import v1
from sweepd.codec.values import point_message
from sweepd.spec.methods.proposed import Source
from sweepd.spec.point import Json
from sweepd.spec.preview import PreviewedRun
from sweepd.spec.sweep_spec import ObjectiveValue
from sweepd_scheduler.agents.codec import tags_that_fit
from sweepd_scheduler.api.run_codec import run_message
from sweepd_scheduler.message_size import page, pages, point_weight, previewed_weight, run_weight
from unit.scheduler.world import GRID_4, World

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=30,
)


@pytest.mark.lengthy
@given(st.dictionaries(st.text("abc", min_size=1), VALUES, max_size=8))
def test_the_estimate_of_a_point_is_not_below_its_message_size(point: dict[str, Json]) -> None:
    assert point_weight(point) >= point_message(point).ByteSize()


@pytest.mark.lengthy
@given(st.dictionaries(st.text("abc", min_size=1), VALUES, max_size=8), st.lists(TEXT, max_size=8))
def test_the_estimate_of_a_previewed_run_is_not_below_its_message_size(
    point: dict[str, Json], argv: list[str]
) -> None:
    run = PreviewedRun(point=point, argv=tuple(argv), problem="", source=Source.SOBOL, repeat=999)
    message = v1.PreviewedRun(
        parameters=point_message(point), argv=argv, source=v1.POINT_SOURCE_SOBOL, repeat=999
    )
    alone = v1.SweepPreview(runs=[message])
    assert previewed_weight(run) >= alone.ByteSize()


@given(TEXT, TEXT, st.lists(TEXT))
def test_the_estimate_of_a_run_is_not_below_its_message_size(name: str, reason: str, tags: list[str]) -> None:
    world = World()
    world.create(GRID_4)
    run = world.takes_one(world.attach()).run
    run = replace(run, display_name=name * 100, reason=reason * 100, tags=tuple(tags) * 100)
    alone = v1.ListRunsResponse(runs=[run_message(run, ObjectiveValue.BEST)])
    assert run_weight(run) >= alone.ByteSize()


@given(st.lists(st.integers(0, 120)), st.integers(1, 9))
def test_pages_contain_every_entry_once(weights: list[int], limit: int) -> None:
    parts = list(pages(weights, limit, lambda weight: weight * 40_000))
    assert [each for part in parts for each in part.entries] == weights
    assert [part.more for part in parts] == [True] * (len(parts) - 1) + [False]
    assert all(1 <= len(part.entries) <= limit for part in parts) or not weights
    assert all(len(part.entries) == 1 or sum(part.entries) * 40_000 <= 3_000_000 for part in parts if weights)


def test_a_page_reads_no_more_than_it_needs_from_its_source() -> None:
    source = iter(range(100))
    assert page(source, 3, lambda _: 1).entries == (0, 1, 2)
    assert next(source) == 4


def test_lists_have_the_first_tags_of_a_run_uncut() -> None:
    assert tags_that_fit(["a", "b" * 996, "c", "d"]) == ("a", "b" * 996)
    assert tags_that_fit(["a" * 1_000, "b"]) == ()
    assert len(tags_that_fit([""] * 5_000)) == 1_000
    assert tags_that_fit([]) == ()
