"""Spaces with conditions, constraints and zips (section 19), compared with trying every combination."""

import pickle
from collections import Counter
from itertools import islice
from unittest.mock import patch

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sweepd.spec.methods.proposed import Cursor
from sweepd.spec.methods.sequence import counted_points, known_size, next_point
from sweepd.spec.point import InfeasibleError, Point, canonical_json, point_digest
from sweepd.spec.space import schedule
from sweepd.spec.space.search_space import SearchSpace
from sweepd.spec.space.walk import Count
from unit.spec.space.ruled import CHOICES, Ruled, ruled_spaces, walked

METHODS = ["grid", "random", "sobol", "bayes"]


def grid_of(ruled: Ruled) -> SearchSpace:
    spec = ruled.spec("grid")
    if spec is None:
        assert ruled.points() == [], "refused although there are points"
    assume(spec is not None)
    assert spec is not None
    return spec.search_space


def texts(points: list[Point]) -> list[str]:
    return [canonical_json(point) for point in points]


@pytest.mark.lengthy
@given(ruled=ruled_spaces())
def test_a_grid_hands_out_the_distinct_active_points_in_order_and_counts_them(ruled: Ruled) -> None:
    space = grid_of(ruled)
    expected = ruled.points()
    one_by_one = [space.grid.at(index) for index in range(space.grid.size or 0)]
    assert texts([point for point in one_by_one if point is not None]) == texts(expected)
    assert walked(space, 10_000) == expected, "keys are in the same order"
    assert space.grid.count() == space.support.count() == Count(len(expected))
    assert len({point_digest(point) for point in expected}) == len(expected)


@pytest.mark.lengthy
@given(ruled=ruled_spaces(), limit=st.integers(1, 5), worth=st.sampled_from([1, 4, 64]))
def test_skipping_finds_what_trying_each_combination_finds(ruled: Ruled, limit: int, worth: int) -> None:
    """Interrupted after a few candidates, the search resumes at the same index, whatever its look-ahead."""
    space = grid_of(ruled)
    with patch.object(schedule, "_MIN_SAVING", worth):
        assert walked(space, limit) == ruled.points()
        assert space.grid.count() == Count(len(ruled.points()))


@pytest.mark.lengthy
@given(ruled=ruled_spaces(), data=st.data())
def test_a_walk_can_begin_at_any_index(ruled: Ruled, data: st.DataObject) -> None:
    space = grid_of(ruled)
    size = space.grid.size or 0
    start = data.draw(st.integers(0, size))
    index, point = space.grid.next(start, 10_000)
    later = (n for n in range(start, size) if space.grid.at(n) is not None)
    assert index == next(later, size)
    assert point == (None if index == size else space.grid.at(index))


@pytest.mark.lengthy
@given(ruled=ruled_spaces(), data=st.data())
def test_a_walk_with_given_values_finds_all_points_that_have_them(ruled: Ruled, data: st.DataObject) -> None:
    space = grid_of(ruled)
    points = ruled.points()
    chosen: Point = data.draw(st.sampled_from(points)) if points else {}
    partial: Point = {}
    for name, value in chosen.items():
        if data.draw(st.booleans()):
            keys = data.draw(st.sets(st.sampled_from(sorted(value)))) if isinstance(value, dict) else ()
            partial[name] = {key: value[key] for key in keys} if isinstance(value, dict) else value
    assert walked(space, 7, partial) == [point for point in points if _has(point, partial)]
    assert space.partial_violations(partial) == ()
    if any(_has(point, partial) for point in points):
        completed = space.complete(partial, 5, -1)
        assert canonical_json(completed) in texts(points)
        assert _has(completed, partial)


def _has(point: Point, partial: Point) -> bool:
    for name, value in partial.items():
        found = point.get(name, {} if value == {} else None)  # an empty group requires nothing
        if name not in point and found is None:
            return False
        if isinstance(value, dict) and isinstance(found, dict):
            if not _has(found, value):
                return False
        elif canonical_json(found) != canonical_json(value):
            return False
    return True


@pytest.mark.lengthy
@given(ruled=ruled_spaces(), seed=st.integers(0, 2**40))
def test_each_draw_is_a_point_and_survives_the_unit_cube(ruled: Ruled, seed: int) -> None:
    space = grid_of(ruled)
    expected = set(texts(ruled.points()))
    if not expected:
        return
    for index in range(5):
        point = space.random_point(seed, index)
        assert canonical_json(point) in expected
        assert space.violations(point) == ()
        assert space.feasible(point)
        vector = space.to_unit(point)
        assert len(vector) == len(space.dimensions)
        for missing in (0.0, 0.5, 1.0):
            # An absent parameter has no coordinate, and any value in its position changes nothing.
            assert space.from_unit([missing if u is None else u for u in vector]) == point


@pytest.mark.lengthy
@given(ruled=ruled_spaces(), vector=st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_unit_coordinates_respect_conditions_and_zips_but_not_constraints(
    ruled: Ruled, vector: list[float]
) -> None:
    space = grid_of(ruled)
    point = space.from_unit(vector[: len(space.dimensions)])
    assert space.feasible(point) is (canonical_json(point) in set(texts(ruled.points())))
    assert (space.violations(point) == ()) is space.feasible(point)


@pytest.mark.lengthy
@given(ruled=ruled_spaces(), method=st.sampled_from(METHODS), shuffle=st.booleans())
def test_every_method_hands_out_each_point_once_and_ends(ruled: Ruled, method: str, shuffle: bool) -> None:
    spec = ruled.spec(method, **({"shuffle": shuffle} if method == "grid" else {}))
    expected = ruled.points()
    if spec is None:
        assert not expected
        return
    size = known_size(spec, counted_points(spec))
    assert size == len(expected)
    cursor, seen, found, done = Cursor(), Counter[bytes](), list[Point](), False
    while not done:
        cursor, proposed, done = next_point(spec, cursor, seen, size)
        if proposed is not None:
            seen[proposed.digest] += 1
            found.append(proposed.point)
    assert sorted(texts(found)) == sorted(texts(expected))


@pytest.mark.lengthy
@given(ruled=ruled_spaces(), data=st.data())
def test_an_invalid_point_is_reported_by_parameter(ruled: Ruled, data: st.DataObject) -> None:
    """Any assignment of listed values is converted to a point, or the violations are reported."""
    space = grid_of(ruled)
    points = ruled.points()
    roles = data.draw(st.sets(st.sampled_from(ruled.roles)))
    point = ruled.point({role: data.draw(st.sampled_from(CHOICES[role])) for role in sorted(roles)})
    assert (space.violations(point) == ()) is (canonical_json(point) in set(texts(points)))
    if any(_has(each, point) for each in points):
        assert space.partial_violations(point) == (), "a completable point is not a violation"


@pytest.mark.lengthy
@given(ruled=ruled_spaces())
def test_a_space_survives_a_round_trip(ruled: Ruled) -> None:
    space = grid_of(ruled)
    again = pickle.loads(pickle.dumps(space))
    assert (again.parameters, again.dimensions) == (space.parameters, space.dimensions)
    assert walked(again, 100) == walked(space, 100)


@pytest.mark.lengthy
@given(ruled=ruled_spaces(), seed=st.integers(0, 2**20))
def test_a_draw_does_not_depend_on_earlier_draws(ruled: Ruled, seed: int) -> None:
    space = grid_of(ruled)
    try:
        forwards = [space.random_point(seed, index) for index in range(4)]
    except InfeasibleError:
        assert ruled.points() == []
        return
    assert [space.random_point(seed, index) for index in (3, 2, 1, 0)] == forwards[::-1]
    assert list(islice((space.random_point(seed, index) for index in range(4)), 4)) == forwards
