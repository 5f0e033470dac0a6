"""Drawn values: the reference's quantiles, and the rules in which this language differs."""

from collections.abc import Sequence
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.distributions.continuous import LogUniformValues
from sweepd.spec.distributions.distribution import Distribution, grid_values
from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json, Parameter
from unit.spec.strategies import parameters

US = (0.001, 0.1, 0.25, 0.3, 0.5, 0.6321, 0.75, 0.9, 0.999)


def distribution(**keys: object) -> Distribution:
    parsed = parse_mapping({"method": "random", "parameters": {"x": keys}})
    assert parsed.spec is not None, parsed.diagnostics
    node = parsed.spec.parameters["x"]
    assert isinstance(node, Parameter)
    return node.distribution


def size(drawn: Distribution) -> int | None:
    return None if drawn.support is None else len(drawn.support)


# Computed with sweeps 0.3.0 (HyperParameter.ppf at US), but for the quantised ranges, which it does not clip.
REFERENCE: list[tuple[dict[str, object], Sequence[Json]]] = [
    ({"values": [1, 2, 3]}, [1, 1, 1, 1, 2, 2, 3, 3, 3]),
    (
        {"values": ["a", "b"], "probabilities": [0.3, 0.7]},
        ["a", "a", "a", "b", "b", "b", "b", "b", "b"],
    ),
    ({"min": 1, "max": 5}, [1, 1, 2, 2, 3, 4, 4, 5, 5]),
    ({"min": 0.5, "max": 5}, [0.5045, 0.95, 1.625, 1.85, 2.75, 3.34445, 3.875, 4.55, 4.9955]),
    (
        {"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.1},
        [0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.8, 0.9, 1.0],
    ),
    (
        {"distribution": "log_uniform", "min": -3, "max": 0},
        [
            0.04993665384,
            0.06720551274,
            0.105399224562,
            0.122456428253,
            0.223130160148,
            0.331641736383,
            0.472366552741,
            0.740818220682,
            0.997004495503,
        ],
    ),
    (
        {"distribution": "log_uniform_values", "min": 1e-4, "max": 1},
        [
            0.000100925288608,
            0.000251188643151,
            0.001,
            0.00158489319246,
            0.01,
            0.0337598104855,
            0.1,
            0.398107170553,
            0.990831944893,
        ],
    ),
    ({"distribution": "q_log_uniform", "min": 0, "max": 3, "q": 2}, [2, 2, 2, 2, 4, 6, 10, 14, 20]),
    (
        {"distribution": "inv_log_uniform", "min": -3, "max": 0},
        [
            1.0030045045,
            1.34985880758,
            2.11700001661,
            2.45960311116,
            4.48168907034,
            6.6612023414,
            9.48773583636,
            14.8797317249,
            20.025370607,
        ],
    ),
    (
        {"distribution": "inv_log_uniform_values", "min": 1e-3, "max": 10},
        [
            0.00100925288608,
            0.00251188643151,
            0.01,
            0.0158489319246,
            0.1,
            0.337598104855,
            1.0,
            3.98107170553,
            9.90831944893,
        ],
    ),
    (
        {"distribution": "normal", "mu": 1, "sigma": 2},
        [
            -5.18046461234,
            -1.56310313109,
            -0.348979500392,
            -0.0488010254161,
            1.0,
            1.67484082243,
            2.34897950039,
            3.56310313109,
            7.18046461234,
        ],
    ),
    (
        {"distribution": "q_normal", "mu": 1, "sigma": 2, "q": 0.5},
        [-5.0, -1.5, -0.5, 0.0, 1.0, 1.5, 2.5, 3.5, 7.0],
    ),
    (
        {"distribution": "log_normal", "mu": 1, "sigma": 0.5},
        [
            0.57977443684,
            1.4322178935,
            1.94013027892,
            2.09132898869,
            2.71828182846,
            3.21783960934,
            3.80853604483,
            5.15917035562,
            12.7447083373,
        ],
    ),
    ({"distribution": "q_log_normal", "mu": 1, "sigma": 0.5, "q": 1}, [1, 1, 2, 2, 3, 3, 4, 5, 13]),
    (
        {"distribution": "beta", "a": 2, "b": 5},
        [
            0.00825549278775,
            0.0925952589131,
            0.16116291679,
            0.181803471319,
            0.264449983296,
            0.324965846219,
            0.389479485201,
            0.510316306551,
            0.818613866919,
        ],
    ),
    (
        {"distribution": "q_beta", "a": 2, "b": 5, "q": 0.1},
        [0.0, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.5, 0.8],
    ),
    ({"distribution": "q_uniform", "min": 1, "max": 10, "q": 4}, [4, 4, 4, 4, 4, 8, 8, 8, 8]),
    (
        {"distribution": "q_log_uniform_values", "min": 1, "max": 100, "q": 5},
        [5, 5, 5, 5, 10, 20, 30, 65, 100],
    ),
]


@pytest.mark.parametrize(("keys", "values"), REFERENCE, ids=lambda keys: str(keys)[:40])
def test_quantiles_equal_the_reference(keys: dict[str, object], values: Sequence[Json]) -> None:
    drawn = [distribution(**keys).quantile(u) for u in US]
    if isinstance(values[0], float):
        assert drawn == pytest.approx(values, rel=1e-10)
    else:
        assert drawn == values


def test_an_exponent_range_draws_between_the_powers() -> None:
    ends = [distribution(distribution="log_uniform", min=-3, max=0).quantile(u) for u in (0.0, 1.0)]
    assert ends == pytest.approx([0.0498, 1], rel=1e-3)
    ends = [distribution(distribution="inv_log_uniform", min=-3, max=1).quantile(u) for u in (0.0, 1.0)]
    assert ends == pytest.approx([exp(-1), exp(3)])


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ({"min": 1, "max": 9, "q": 4}, 4),
        ({"min": 1.0, "max": 9, "q": 4}, 4),
        ({"min": 1, "max": 9, "q": 4.0}, 4.0),
        ({"min": 1, "max": 9}, 5),
        ({"min": 1.0, "max": 9}, 5.0),
        ({"min": 0, "max": 0.6, "q": 0.1}, 0.3),
    ],
)
def test_the_type_of_a_quantised_value_follows_q(keys: dict[str, object], value: float) -> None:
    drawn = distribution(distribution="q_uniform", **keys).quantile(0.5)
    assert drawn == value
    assert type(drawn) is type(value)


def test_quantised_values_carry_no_float_noise() -> None:
    listed = distribution(distribution="q_uniform", min=0, max=0.7, q=0.1).support
    assert listed is not None
    assert list(listed) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_quantised_values_leave_their_range_only_if_no_multiple_is_in_it() -> None:
    inside = distribution(distribution="q_uniform", min=1, max=10, q=4)
    assert list(inside.support or ()) == [4, 8]
    outside = distribution(distribution="q_uniform", min=1, max=3, q=4)
    assert [outside.quantile(u) for u in (0.0, 0.4, 0.6, 1.0)] == [0, 0, 4, 4]
    assert list(outside.support or ()) == [0, 4]


def test_a_grid_counts_quantised_steps_from_min_and_leaves_max_out() -> None:
    assert list(grid_values(distribution(distribution="q_uniform", min=1, max=10, q=4)) or ()) == [1, 5, 9]
    assert list(grid_values(distribution(distribution="q_uniform", min=1, max=9, q=4)) or ()) == [1, 5]
    steps = grid_values(distribution(distribution="q_uniform", min=0.05, max=0.4, q=0.1))
    assert list(steps or ()) == [0.05, 0.15, 0.25, 0.35]


def test_without_spread_the_value_is_the_mean() -> None:
    assert distribution(distribution="normal", mu=3, sigma=0).quantile(0.9) == 3.0
    assert distribution(distribution="q_normal", mu=3.3, sigma=0, q=0.5).quantile(0.1) == 3.5
    assert size(distribution(distribution="log_normal", mu=0, sigma=0)) == 1


def test_a_quantised_log_normal_distribution_can_draw_zero() -> None:
    drawn_from = distribution(distribution="q_log_normal", mu=0, sigma=1, q=2)
    assert [drawn_from.quantile(u) for u in (0.0, 0.4, 0.6)] == [0, 0, 2]
    assert drawn_from.contains(0)


def test_sizes_count_the_distinct_values_that_can_be_drawn() -> None:
    assert size(distribution(value=[1])) == 1
    assert size(distribution(values=[1, 1.0, True, "1", None])) == 4
    assert size(distribution(values=["a", "b", "c"], probabilities=[0.5, 0, 0.5])) == 2
    assert size(distribution(min=-2, max=2)) == 5
    assert size(distribution(distribution="q_beta", q=0.25)) == 5
    assert size(distribution(distribution="q_normal")) is None
    assert size(distribution(min=0.0, max=1)) is None


def test_membership_is_by_value_but_integers_must_be_integers() -> None:
    assert distribution(values=[1, "a"]).contains(1.0)
    assert not distribution(values=[1, "a"]).contains(True)
    assert not distribution(values=[1, "a"]).contains(float("nan"))
    assert distribution(min=0.0, max=1).contains(1)
    assert not distribution(min=0.0, max=1).contains(True)
    assert not distribution(min=0, max=1).contains(1.0)
    assert not distribution(min=0.0, max=1).contains(1.1)
    assert not distribution(distribution="q_uniform", min=0, max=9, q=3).contains(4)
    assert distribution(distribution="q_uniform", min=1, max=10, q=4).contains(5)  # a grid's value


EVERY_KIND: tuple[dict[str, object], ...] = (
    {"value": 3},
    {"values": [1, 2]},
    {"values": [1, 2], "probabilities": [0.5, 0.5]},
    {"min": 0, "max": 9},
    {"min": 0.0, "max": 9.0},
    {"distribution": "log_uniform_values", "min": 1, "max": 9},
    {"distribution": "normal"},
    {"distribution": "beta"},
    {"distribution": "q_uniform", "min": 0, "max": 9, "q": 3},
    {"distribution": "q_uniform", "min": 0.0, "max": 9.0, "q": 0.5},
    {"distribution": "q_log_uniform_values", "min": 1, "max": 9, "q": 3},
    {"distribution": "q_normal", "q": 1},
    {"distribution": "q_beta", "q": 0.25},
)


@pytest.mark.parametrize("keys", EVERY_KIND)
@pytest.mark.parametrize("value", ["1", None, True, [1], {}, float("nan"), float("inf"), -float("inf")])
def test_only_finite_numbers_belong_to_numbers(keys: dict[str, object], value: Json) -> None:
    assert not distribution(**keys).contains(value)


def test_a_value_maps_to_the_middle_of_its_share() -> None:
    even = distribution(values=["a", "b", "c", "d"])
    assert [even.to_unit(value) for value in "abcd"] == [0.125, 0.375, 0.625, 0.875]
    weighted = distribution(values=["a", "b", "c"], probabilities=[0.5, 0.25, 0.25])
    assert [weighted.to_unit(value) for value in "abc"] == [0.25, 0.625, 0.875]
    assert [distribution(min=1, max=4).to_unit(value) for value in (1, 2, 3, 4)] == [
        0.125,
        0.375,
        0.625,
        0.875,
    ]
    steps = distribution(distribution="q_uniform", min=0.0, max=4.0, q=2.0)  # 0 up to 1, 4 from 3 on
    assert [steps.to_unit(value) for value in (0.0, 2.0, 4.0)] == [0.125, 0.5, 0.875]


def test_a_logarithmic_range_has_no_share_at_zero_or_below() -> None:
    assert [LogUniformValues(min=1, max=100).cdf(x) for x in (-1.0, 0.0, 1.0, 10.0)] == [0.0, 0.0, 0.0, 0.5]


def test_values_of_a_grid_are_a_sequence() -> None:
    values = grid_values(distribution(distribution="q_uniform", min=0.5, max=2.5, q=0.5))
    assert values is not None
    every_value = [0.5, 1.0, 1.5, 2.0]
    assert list(values) == every_value
    for part in (slice(1, 3), slice(None, None, -2), slice(-2, None), slice(9, 12)):
        assert values[part] == every_value[part]
    assert (values[-1], values[-4]) == (2.0, 0.5)
    for beyond in (4, -5):
        with pytest.raises(IndexError):
            values[beyond]


unit = st.floats(0, 1)
# Closer to 1 doubles are too coarse for a tail to survive the round trip.
unit_below_one = st.floats(0, 1 - 1e-6)


@given(keys=parameters, u=unit_below_one)
def test_drawn_values_are_contained_and_map_back_to_themselves(keys: dict[str, object], u: float) -> None:
    drawn_from = distribution(**keys)
    value = drawn_from.quantile(u)
    assert drawn_from.contains(value)
    again = drawn_from.quantile(drawn_from.to_unit(value))
    if isinstance(value, float) and size(drawn_from) is None:
        assert again == pytest.approx(value, rel=1e-6, abs=1e-6)
    elif drawn_from.contains(again) and size(drawn_from) is not None:
        assert again == value


@given(keys=parameters, one=unit, other=unit)
def test_numbers_rise_with_their_quantile(keys: dict[str, object], one: float, other: float) -> None:
    drawn_from = distribution(**keys)
    if "values" in keys or "value" in keys:
        return
    low, high = (drawn_from.quantile(u) for u in sorted((one, other)))
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    assert low <= high


@pytest.mark.parametrize(("u", "value"), [(0.0, 0), (0.2, 0), (0.21, 4), (0.6, 8), (0.59, 4), (1.0, 8)])
def test_halves_are_rounded_to_the_even_multiple(u: float, value: int) -> None:
    """X = 10·u and q = 4: X/q is 0.5 at 0.2 and 1.5 at 0.6."""
    assert distribution(distribution="q_uniform", min=0, max=10, q=4).quantile(u) == value


@pytest.mark.parametrize("name", ["q_normal", "q_log_normal", "q_beta"])
def test_without_bounds_a_default_q_gives_floats(name: str) -> None:
    drawn = distribution(distribution=name).quantile(0.9)
    assert type(drawn) is float
    assert drawn == round(drawn)


@pytest.mark.parametrize("low", [-2, 0.25])
def test_the_minimum_can_be_drawn_and_the_first_and_last_value_too(low: float) -> None:
    assert distribution(distribution="uniform", min=low, max=4).quantile(0.0) == low
    assert [distribution(min=-2, max=4).quantile(u) for u in (0.0, 1 - 2**-53)] == [-2, 4]
    assert [distribution(values=["a", "b"]).quantile(u) for u in (0.0, 0.5, 1 - 2**-53)] == ["a", "a", "b"]


@given(keys=parameters, u=unit_below_one)
def test_values_are_plain_python_numbers(keys: dict[str, object], u: float) -> None:
    """As JSON for the run: an integer as an integer, a float as a float, no other type of number."""
    drawn = distribution(**keys).quantile(u)
    if not isinstance(drawn, list | dict):
        assert type(drawn) in (int, float, str, bool, type(None))
