"""The search space: order, counting, drawing, the unit cube, membership."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json, Path, Point, canonical_json
from sweepd.spec.space.dimension import Radix
from sweepd.spec.space.search_space import SearchSpace
from sweepd.spec.space.walk import Count
from unit.spec.strategies import finite_parameters, parameters, spaces


def space(entries: dict[str, object], method: str = "random") -> SearchSpace:
    parsed = parse_mapping({"method": method, "parameters": entries})
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec.search_space


def enumerated(grid: SearchSpace) -> list[Point]:
    """Return all points of a grid without conditions and constraints: each combination is one."""
    points = [grid.grid.at(index) for index in range(grid.grid.size or 0)]
    found = [point for point in points if point is not None]
    assert len(found) == len(points)
    return found


def test_the_last_name_varies_fastest() -> None:
    grid = space({"b": {"values": [1, 2]}, "a": {"values": ["x", "y"]}}, "grid")
    points = enumerated(grid)
    assert [(point["a"], point["b"]) for point in points] == [("x", 1), ("x", 2), ("y", 1), ("y", 2)]


def test_dimensions_are_ordered_by_code_point_and_groups_by_name() -> None:
    ordered = space(
        {
            "a": {"values": [1, 2]},
            "B": {"parameters": {"z": {"values": [1, 2]}, "y": {"min": 0, "max": 1}}},
            "c": {"value": 3},
            "Ab": {"min": 0.0, "max": 1.0},
        }
    )
    assert [dimension.name for dimension in ordered.dimensions] == ["Ab", "B.y", "B.z", "a"]
    assert [dimension.kind for dimension in ordered.dimensions] == [
        "real",
        "integer",
        "categorical",
        "categorical",
    ]
    assert list(ordered.random_point(1, 0)) == ["Ab", "B", "a", "c"]


def test_constants_are_in_every_point_and_constants_alone_make_one_point() -> None:
    alone = space({"opt": {"parameters": {"a": {"value": [1]}}}, "b": {"value": None}}, "grid")
    assert alone.grid.size == alone.support.size == 1
    assert alone.grid.count() == alone.support.count() == Count(1)
    assert alone.grid.at(0) == {"b": None, "opt": {"a": [1]}}
    assert alone.support.next(0, 1) == (0, alone.grid.at(0))
    for beyond in (-1, 1):
        with pytest.raises(IndexError):
            alone.grid.at(beyond)


def test_a_huge_grid_is_counted_without_listing_it() -> None:
    huge = space({f"p{index}": {"min": 1, "max": 1000} for index in range(4)}, "grid")
    assert huge.grid.size == 10**12
    assert huge.grid.count() == Count(10**12), "a product, exact without enumeration"
    assert huge.grid.at(10**12 - 1) == {"p0": 1000, "p1": 1000, "p2": 1000, "p3": 1000}
    assert huge.grid.at(1234567890) == {"p0": 2, "p1": 235, "p2": 568, "p3": 891}
    with pytest.raises(IndexError):
        huge.grid.at(10**12)


def test_a_huge_inactive_range_is_skipped_in_one_step() -> None:
    parameters = {"kind": {"values": ["a", "b"]}, "n": {"min": 1, "max": 10**15, "when": "kind == 'b'"}}
    points = space(parameters).support
    assert points.next(0, 10) == (0, {"kind": "a"})
    assert points.next(1, 10) == (10**15, {"kind": "b", "n": 1})
    assert points.count() == Count(10**15 + 1)


def test_repeated_values_are_one_point_of_a_grid() -> None:
    grid = space({"a": {"values": [3, 3.0, "3", True, 1]}}, "grid")
    assert [point["a"] for point in enumerated(grid)] == [3, "3", True, 1]


def test_a_random_point_depends_on_seed_and_index_alone() -> None:
    drawn = space({"x": {"min": 0.0, "max": 1.0}, "k": {"values": list("abcdef")}})
    more = space({"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}})
    assert drawn.random_point(7, 3) == {"k": "b", "x": 0.1867761165449534}
    assert more.random_point(7, 3)["x"] == drawn.random_point(7, 3)["x"]
    assert drawn.random_point(7, 3) != drawn.random_point(8, 3)
    points = [canonical_json(drawn.random_point(7, index)) for index in range(1000)]
    assert len(set(points)) == 1000


def test_random_draws_fill_the_range_evenly() -> None:
    drawn = space({"x": {"min": 0.0, "max": 1.0}})
    tenths = [0] * 10
    for index in range(2000):
        value = drawn.random_point(-5, index)["x"]
        assert isinstance(value, float)
        tenths[int(value * 10)] += 1
    assert all(140 < count < 260 for count in tenths)


def test_a_point_of_another_sweep_is_converted_to_the_values_of_this_space() -> None:
    parameters = {
        "n": {"min": 1, "max": 9},
        "x": {"min": 0.0, "max": 9.0},
        "s": {"values": [1, "1", 2.5]},
        "inner": {"values": [0, 1], "when": "n > 5"},
    }
    adopting = space(parameters)
    given: Point = {"n": 3.0, "x": 3.0, "s": 2.5, "inner": 1, "other": 4}
    assert repr(adopting.adopted(given)) == repr({"n": 3, "s": 2.5, "x": 3.0})
    kept: Point = {"n": 9.5, "x": 1e300, "s": "2"}
    assert adopting.adopted(kept) == kept  # invalid values stay, to be reported
    assert len(adopting.violations(kept)) >= 3


def test_values_outside_the_space_are_reported_by_parameter() -> None:
    checked = space(
        {"a": {"min": 1, "max": 3}, "g": {"parameters": {"b": {"values": ["x"]}}}, "c": {"value": 1}}
    )
    assert checked.violations({"a": 2, "g": {"b": "x"}, "c": 1.0}) == ()
    assert checked.violations({"a": 2.0, "g": {"b": "y"}, "c": 2, "d": 0}) == (
        "a: 2.0 is not an integer from 1 to 3",
        "c: 2 is not 1, the only value",
        'g.b: "y" is none of "x"',
        "d is not a parameter",
    )
    assert checked.violations({"g": 3}) == ("a is missing", "c is missing", "g must be a mapping")


def test_an_empty_group_is_not_the_same_as_an_absent_one() -> None:
    inner = {"x": {"values": [1, 2]}}
    checked = space({"kind": {"values": ["a", "b"]}, "g": {"when": "kind == 'a'", "parameters": inner}})
    assert checked.violations({"kind": "b"}) == ()
    unused = "is used only if `kind == 'a'` holds"
    assert checked.violations({"kind": "b", "g": {}}) == (f"g {unused}",)
    assert checked.violations({"kind": "b", "g": {"x": 1}}) == (f"g.x {unused}",)
    assert checked.violations({"kind": "a", "g": {}}) == ("g.x is missing",)


def test_a_value_of_a_range_that_does_not_begin_at_zero_is_found() -> None:
    grid = space({"q": {"distribution": "q_uniform", "min": 1, "max": 3, "q": 0.5}}, "grid").grid
    assert grid.next(0, 100, {"q": 2.0}) == (2, {"q": 2.0})


@pytest.mark.parametrize("error", [-1e-12, 0.0, 1e-12])
@pytest.mark.parametrize("value", [1.0, 2.5])
def test_the_first_and_the_last_value_of_a_range_are_found_despite_rounding(
    value: float, error: float
) -> None:
    grid = space({"q": {"distribution": "q_uniform", "min": 1, "max": 3, "q": 0.5}}, "grid").grid
    assert grid.next(0, 100, {"q": value + error}) == (2 * value - 2, {"q": value})


def test_a_row_of_a_zip_is_found_by_any_of_its_values() -> None:
    parameters = {"a": {"values": [1, 2]}, "b": {"values": [3, 4]}}
    document = {"program": "t.py", "method": "grid", "parameters": parameters, "zip": [["a", "b"]]}
    spec = parse_mapping(document).spec
    assert spec is not None
    every_given: list[dict[Path, Json]] = [{("a",): 2}, {("b",): 4}, {("a",): 2, ("b",): 4}]
    for given_values in every_given:
        assert Radix(spec.search_space.dimensions[0], [[1, 3], [2, 4]]).agreeing(given_values) == [1]


def test_unit_coordinates_are_checked() -> None:
    checked = space({"x": {"min": 0.0, "max": 1.0}})
    for vector in ([], [0.5, 0.5], [1.5], [float("nan")]):
        with pytest.raises(ValueError, match="coordinate"):
            checked.from_unit(vector)
    with pytest.raises(ValueError, match="x is missing"):
        checked.to_unit({})


@pytest.mark.lengthy
@given(entries=spaces(parameters), seed=st.integers(-(2**63), 2**63 - 1), index=st.integers(0, 10**9))
def test_every_random_point_lies_in_the_space_and_survives_the_unit_cube(
    entries: dict[str, object], seed: int, index: int
) -> None:
    drawn = space(entries)
    point = drawn.random_point(seed, index)
    assert drawn.violations(point) == ()
    vector = [coordinate for coordinate in drawn.to_unit(point) if coordinate is not None]
    assert len(vector) == len(drawn.dimensions), "without conditions none is absent"
    assert drawn.violations(drawn.from_unit(vector)) == ()


@pytest.mark.lengthy
@given(entries=spaces(finite_parameters))
def test_a_grid_counts_exactly_the_points_it_enumerates(entries: dict[str, object]) -> None:
    grid = space(entries, "grid")
    size = grid.grid.size
    assert size is not None
    assume(size <= 300)
    points = enumerated(grid)
    assert grid.grid.count() == Count(size), "each combination is a point"
    assert len({canonical_json(point) for point in points}) == size
    assert all(grid.violations(point) == () for point in points)
    with pytest.raises(IndexError):
        grid.grid.at(size)


@pytest.mark.lengthy
@given(entries=spaces(finite_parameters))
def test_every_draw_from_a_finite_space_is_among_its_points(entries: dict[str, object]) -> None:
    finite = space(entries)
    size = finite.support.size
    assert size is not None
    assume(size <= 300)
    points = {canonical_json(finite.support.next(index, 1)[1]) for index in range(size)}
    assert len(points) == size
    assert finite.support.count() == Count(size)
    assert {canonical_json(finite.random_point(3, index)) for index in range(20)} <= points
