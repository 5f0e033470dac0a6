"""Points as vectors of the model: distances, categories, inactive parameters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suggestion_studies import a_spec
from sweepd.spec.point import Json, Point
from sweepd.spec.space.search_space import SearchSpace
from sweepd_suggestion.domain.surrogate import subset
from sweepd_suggestion.domain.vectors import INACTIVE, Array, Coordinates

RULED = {
    "kind": {"values": ["flat", "deep"]},
    "depth": {"min": 1, "max": 4, "when": "kind == 'deep'"},
    "rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0},
    "odd": {"values": [True, 1, "1", None, 1.0], "when": "rate > 0.01"},
    "left": {"values": [3, 1, 2]},
    "right": {"values": ["iii", "i", "ii"]},
}


def ruled_space() -> SearchSpace:
    constraints = ["left < 3 or kind == 'flat'", "rate < 0.9"]
    return a_spec(RULED, zip=[["left", "right"]], constraints=constraints).search_space


def places(parameters: dict[str, object], *points: Point) -> Array:
    return Coordinates(a_spec(parameters).search_space).vectors(list(points))[:, 0]


@pytest.mark.parametrize("distribution", ["log_uniform_values", "inv_log_uniform_values"])
def test_equal_ratios_are_equally_far_where_the_range_is_logarithmic(distribution: str) -> None:
    """Section 6.3: such a range is searched in log space."""
    rate = {"distribution": distribution, "min": 1e-6, "max": 1.0}
    points: list[Point] = [{"rate": 10.0**exponent} for exponent in range(-6, 1)]
    steps = np.diff(places({"rate": rate}, *points))
    assert np.allclose(steps, steps[0])
    assert abs(steps[0]) == pytest.approx(1 / 6)


def test_categories_are_distinguished_as_in_the_sweep_language() -> None:
    """Section 3: `1` and `1.0` are one value; `true`, `1` and `"1"` are three."""
    values: list[Json] = [True, 1, "1", None, 1.0, [1], {"a": 1}]
    points: list[Point] = [{"c": value} for value in values]
    codes = places({"c": {"values": values}}, *points).tolist()
    assert codes[1] == codes[4]
    assert len(set(codes)) == 6


def test_a_value_of_probability_zero_has_its_own_position() -> None:
    """Section 6.3: weighted categoricals work, also for an enqueued point."""
    weighted = {"values": ["a", "b", "c"], "probabilities": [0.5, 0.0, 0.5]}
    codes = places({"c": weighted}, {"c": "a"}, {"c": "b"}, {"c": "c"})
    assert len(set(codes.tolist())) == 3


def test_the_far_tails_of_unbounded_distributions_are_not_searched() -> None:
    space = a_spec(
        {
            "bounded": {"min": 0.0, "max": 1.0},
            "normal": {"distribution": "normal"},
            "rounded": {"distribution": "q_normal", "sigma": 100, "q": 1.0},
            "steps": {"min": 1, "max": 4},
        }
    ).search_space
    ends = Coordinates(space).from_shares(np.array([[0.0] * 4, [1.0] * 4]))
    assert ends[:, 0].tolist() == [0.0, 1.0]
    beyond = Coordinates(space).from_shares(np.array([[-0.1] * 4, [1.1] * 4]))
    assert np.array_equal(beyond, ends)
    assert ends[:, 1].tolist() == [0.002, 0.998]
    assert np.allclose(ends[:, 2], [0.002, 0.998], atol=1e-3)
    assert ends[:, 3].tolist() == [0.125, 0.875]  # the middle of the interval of each integer


def test_a_position_moved_out_of_the_range_by_rounding_is_clipped() -> None:
    coordinates = Coordinates(a_spec({"x": {"min": 2.0, "max": 4.0}}).search_space)
    assert [coordinates.point(np.array([place])) for place in (-1e-9, 1.0 + 1e-9)] == [{"x": 2.0}, {"x": 4.0}]


@given(seed=st.integers(0, 2**40))
def test_a_point_is_restored_from_its_vector(seed: int) -> None:
    space = ruled_space()
    coordinates = Coordinates(space)
    points = [space.random_point(seed, index) for index in range(4)]
    for point, vector in zip(points, coordinates.vectors(points), strict=True):
        back = coordinates.point(vector)
        assert back == point | {"rate": back["rate"]}
        assert isinstance(back["rate"], float)
        assert back["rate"] == pytest.approx(point["rate"])


@pytest.mark.lengthy
@given(seed=st.integers(0, 2**40), scale=st.sampled_from([0.003, 0.1, 1.0]))
def test_vectors_around_a_point_are_snapped_to_points_of_the_space(seed: int, scale: float) -> None:
    space = ruled_space()
    coordinates, rng = Coordinates(space), np.random.default_rng(seed)
    known = coordinates.vectors([space.random_point(seed, index) for index in range(8)])
    near = coordinates.to_points(coordinates.around(known, scale, rng))
    for vector in near:
        point = coordinates.point(vector)
        assert space.violations(point) == ()
        assert np.allclose(coordinates.vectors([point])[0], vector)
    absent = near == INACTIVE
    assert not absent[:, ~coordinates.conditional].any()


@given(losses=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=90), most=st.integers(2, 40))
def test_the_best_runs_are_always_selected(losses: list[float], most: int) -> None:
    """Section 6.3: the best runs are always in the model, also where a part of it is fitted to few runs."""
    values = np.array(losses)
    chosen = subset(values, most)
    assert len(chosen) == len(set(chosen.tolist())) == min(len(losses), most)
    best = np.argsort(values, kind="stable")[: most // 2]
    assert set(best.tolist()) <= set(chosen.tolist())


@pytest.mark.parametrize(("count", "share"), [(2, 0.75), (20, 0.335)])
def test_around_a_point_one_parameter_is_changed_and_about_three_in_ten_of_the_others(
    count: int, share: float
) -> None:
    space = a_spec({f"p{number}": {"min": 0.0, "max": 1.0} for number in range(count)}).search_space
    centres = np.full((500, count), 0.5)
    moved = Coordinates(space).around(centres, 0.01, np.random.default_rng(1)) != centres
    assert moved.any(axis=1).all()
    assert moved.mean() == pytest.approx(share, abs=0.03)


def test_vectors_are_snapped_to_points_that_satisfy_conditions_and_constraints() -> None:
    full = np.array([[0.2, 0.7], [0.8, 0.6], [0.4, 0.1]])
    x, y = {"min": 0.0, "max": 1.0}, {"min": 0.0, "max": 1.0, "when": "x > 0.3"}
    settled = {
        name: Coordinates(a_spec(parameters, constraints=constraints).search_space).to_points(full).tolist()
        for name, parameters, constraints in (
            ("free", {"x": x, "y": x}, []),
            ("constrained", {"x": x, "y": x}, ["x < y"]),
            ("conditional", {"x": x, "y": y}, []),
        )
    }
    assert settled == {
        "free": full.tolist(),
        "constrained": [[0.2, 0.7]],
        "conditional": [[0.2, INACTIVE], [0.8, 0.6], [0.4, 0.1]],
    }
