"""Number of points: exact up to a million combinations, beyond that marked as an estimate."""

from collections.abc import Mapping, Sequence
from unittest.mock import patch

import pytest

from sweepd.spec.parse import parse_mapping
from sweepd.spec.space import sampling, walk
from sweepd.spec.space.search_space import SearchSpace
from sweepd.spec.space.walk import Count


def space(
    parameters: Mapping[str, object],
    *constraints: str,
    method: str = "grid",
    zips: Sequence[Sequence[str]] = (),
) -> SearchSpace:
    document = {"program": "t.py", "method": method, "parameters": parameters}
    parsed = parse_mapping(document | {"constraints": list(constraints), "zip": list(zips)})
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec.search_space


def integers(**sizes: int) -> dict[str, object]:
    return {name: {"min": 1, "max": size} for name, size in sizes.items()}


@pytest.mark.lengthy
def test_a_million_combinations_are_counted_exactly() -> None:
    """Pairs whose sum is even: half of them."""
    found = space(integers(a=1_000, b=1_000), "(a + b) % 2 == 0").grid.count()
    assert found == Count(500_000)


@pytest.mark.lengthy
def test_more_than_a_million_combinations_give_a_marked_estimate() -> None:
    found = space(integers(a=1_001, b=1_000), "(a + b) % 2 == 0").grid.count()
    assert found.is_estimate
    assert found.value == pytest.approx(500_500, rel=0.05)


@pytest.mark.lengthy
def test_only_parameters_connected_by_rules_are_enumerated() -> None:
    """Each part has few combinations, all of them together 10^15."""
    parameters = {
        **integers(a=300, b=300, c=300, d=300, e=1_000),
        "k": {"values": ["x", "y"]},
        "f": {"min": 1, "max": 500, "when": "k == 'x'"},
    }
    found = space(parameters, "a < b", "(c + d) % 2 == 0").grid.count()
    assert found == Count((300 * 299 // 2) * 45_000 * 1_000 * (500 + 1))


def test_parameters_that_no_rule_reads_are_not_enumerated() -> None:
    parameters = {
        "k": {"values": ["x", "y", "z"]},
        **{
            name: {"min": 1, "max": 1_000, "when": f"k == '{value}'"}
            for name, value in (("a", "x"), ("b", "x"), ("c", "y"))
        },
    }
    assert space(parameters).grid.count() == Count(1_000_000 + 1_000 + 1)


def test_without_rules_the_count_is_a_product_of_any_size() -> None:
    assert space(integers(**{f"p{n}": 1_000 for n in range(100)})).grid.count() == Count(10**300)


@pytest.mark.lengthy
@pytest.mark.parametrize(("size", "is_estimate"), [(100, False), (101, True)])
def test_the_limit_may_be_lower(size: int, is_estimate: bool) -> None:
    """An interactive page uses a lower limit; spaces with few valid points are still counted."""
    found = space(integers(a=size, b=100), "(a + b) % 2 == 0").grid.count(10_000)
    assert found.is_estimate is is_estimate
    bits = {f"p{n}": 2 for n in range(40)}
    assert space(integers(**bits), f"{' + '.join(bits)} >= 79").grid.count(10_000) == Count(41)


def test_an_infinite_space_has_no_count() -> None:
    endless = space({"x": {"min": 0.0, "max": 1.0}, **integers(a=3)}, method="random")
    assert endless.support.count() == Count(None)
    assert endless.support.size is endless.grid.size is None
    with pytest.raises(ValueError, match="x: the values of uniform cannot be listed"):
        endless.grid.next(0, 1)


def test_the_count_of_a_grid_differs_from_that_of_draws() -> None:
    """Steps of a quantised range are counted from its minimum in a grid, from zero in draws."""
    quantised = {"q": {"distribution": "q_uniform", "min": 1, "max": 10, "q": 4}}
    assert space(quantised).grid.count() == Count(3), "1, 5, 9"
    assert space(quantised).support.count() == Count(2), "4, 8"


@pytest.mark.parametrize(("size", "value"), [(196, 196), (197, None)])
def test_there_is_no_estimate_if_one_draw_contributes_more_than_a_fifth(size: int, value: int | None) -> None:
    """Of 200 draws, 4 have `n`: each counts as much as `size` of the others."""
    parameters = {"kind": {"min": 1, "max": 40}, "n": {"min": 1, "max": size, "when": "kind == 7"}}
    with patch.object(walk, "_DRAWS", 200):
        assert space(parameters).grid.count(30) == Count(value, is_estimate=True)


def test_an_estimate_counts_rows_of_a_zip_once_if_they_differ_only_in_an_absent_parameter() -> None:
    """The rows are four with `b`, and two without it: 20 * 4 + 20 * 2 points."""
    parameters = {
        "kind": {"min": 1, "max": 40},
        "a": {"values": [1, 1, 2, 2]},
        "b": {"values": [1, 2, 3, 4], "when": "kind > 20"},
    }
    zipped = space(parameters, zips=[["a", "b"]])
    assert zipped.grid.count() == Count(120)
    with patch.object(walk, "_DRAWS", 500):
        estimate = zipped.grid.count(30)
    assert estimate.is_estimate
    assert estimate.value == pytest.approx(120, rel=0.1)


def test_up_to_five_feasible_draws_still_give_an_estimate() -> None:
    """Of 200 draws, 4 are feasible."""
    with patch.object(walk, "_DRAWS", 200):
        found = space(integers(kind=40, m=1_000), "(kind - 7) * m == 0").grid.count(30)
    assert found == Count(40_000 * 4 // 200, is_estimate=True)


def test_of_equally_infeasible_components_the_one_with_more_draws_is_reported() -> None:
    """The one with more parameters gets fewer draws, which are less conclusive."""
    pair, triple = "a + b < 0", "c + d + e < 0"
    parameters = {name: {"min": 0.0, "max": 1.0} for name in "abcde"}
    for constraints in ([pair, triple], [triple, pair]):
        document = {"method": "random", "parameters": parameters, "constraints": constraints}
        with patch.object(sampling, "_MAX_VALUES", 1_200):
            (refusal,) = parse_mapping(document).refusals
        assert refusal.message.startswith("none of 600 random points satisfies them")
