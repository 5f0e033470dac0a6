"""Draws fit the distributions of section 4, with and without constraints: statistical tests."""

from collections import Counter
from collections.abc import Callable, Mapping
from math import exp, log

import pytest
from scipy import stats

from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json, Point
from sweepd.spec.space.search_space import SearchSpace

DRAWS = 4_000
Cdf = Callable[[float], float]
NORMAL = stats.norm(1, 2).cdf
STANDARD = stats.norm(0, 1).cdf
BETA = stats.beta(2, 5).cdf


def space(parameters: Mapping[str, object], *constraints: str, **keys: object) -> SearchSpace:
    document = {"program": "t.py", "method": "random", "parameters": parameters, **keys}
    parsed = parse_mapping(document | {"constraints": list(constraints)})
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec.search_space


def drawn(keys: Mapping[str, object], seed: int = 5) -> list[Json]:
    one = space({"x": keys})
    return [one.random_point(seed, index)["x"] for index in range(DRAWS)]


def _uniform(low: float, high: float) -> Cdf:
    return lambda x: min(max((x - low) / (high - low), 0.0), 1.0)


def _of_log(low: float, high: float) -> Cdf:
    """Return the distribution function of a value whose natural logarithm is uniform."""
    return lambda x: _uniform(low, high)(log(x)) if x > 0 else 0.0


def _id(case: object) -> str:
    return str(case)[:60] if isinstance(case, dict) and "distribution" in case else ""


CONTINUOUS: list[tuple[dict[str, object], Cdf]] = [
    ({"min": -2.0, "max": 3}, _uniform(-2, 3)),
    ({"distribution": "uniform", "min": 1, "max": 4}, _uniform(1, 4)),
    ({"distribution": "log_uniform", "min": -3, "max": 0}, _of_log(-3, 0)),
    ({"distribution": "log_uniform_values", "min": 1e-5, "max": 10}, _of_log(log(1e-5), log(10))),
    ({"distribution": "inv_log_uniform", "min": -1, "max": 3}, _of_log(-3, 1)),
    ({"distribution": "inv_log_uniform_values", "min": 1e-5, "max": 10}, _of_log(log(1e-5), log(10))),
    ({"distribution": "normal", "mu": 1, "sigma": 2}, NORMAL),
    ({"distribution": "log_normal", "mu": 1, "sigma": 2}, lambda x: float(NORMAL(log(x)))),
    ({"distribution": "beta", "a": 2, "b": 5}, BETA),
    ({"distribution": "normal"}, STANDARD),
    ({"distribution": "log_normal"}, lambda x: float(STANDARD(log(x)))),
    ({"distribution": "beta"}, _uniform(0, 1)),
]


@pytest.mark.lengthy
@pytest.mark.parametrize(("keys", "cdf"), CONTINUOUS, ids=_id)
def test_drawn_numbers_fit_their_distribution(keys: dict[str, object], cdf: Cdf) -> None:
    values = [float(str(value)) for value in drawn(keys)]
    assert all(isinstance(value, float) for value in drawn(keys)[:50])
    assert stats.kstest([cdf(value) for value in values], "uniform").pvalue > 0.001


def _rounded(cdf: Cdf, q: float, first: int, last: int) -> dict[float, float]:
    """Return the probabilities of the multiples of q, with values outside moved to the ends."""
    shares: dict[float, float] = {}
    for k in range(first, last + 1):
        low = 0.0 if k == first else float(cdf((k - 0.5) * q))
        high = 1.0 if k == last else float(cdf((k + 0.5) * q))
        shares[round(k * q, 6)] = high - low
    return shares


DISCRETE: list[tuple[dict[str, object], Mapping[float, float]]] = [
    ({"values": [1, 2, 3, 3]}, {1: 0.25, 2: 0.25, 3: 0.5}),
    ({"values": [1, 2, 3], "probabilities": [0.2, 0.3, 0.5]}, {1: 0.2, 2: 0.3, 3: 0.5}),
    ({"min": -1, "max": 3}, dict.fromkeys(range(-1, 4), 0.2)),
    ({"distribution": "q_uniform", "min": 0, "max": 10, "q": 2}, _rounded(_uniform(0, 10), 2, 0, 5)),
    ({"distribution": "q_uniform", "min": 1, "max": 10, "q": 4}, _rounded(_uniform(1, 10), 4, 1, 2)),
    ({"distribution": "q_uniform", "min": 0.0, "max": 0.5, "q": 0.1}, _rounded(_uniform(0, 0.5), 0.1, 0, 5)),
    ({"distribution": "q_log_uniform", "min": 0, "max": 2, "q": 1}, _rounded(_of_log(0, 2), 1, 1, 7)),
    (
        {"distribution": "q_log_uniform_values", "min": 1, "max": 50, "q": 10},
        _rounded(_of_log(0, log(50)), 10, 1, 5),
    ),
    ({"distribution": "q_normal", "mu": 1, "sigma": 2}, _rounded(NORMAL, 1, -12, 14)),
    ({"distribution": "q_log_normal", "mu": 0, "sigma": 0.5, "q": 0.5}, {}),
    ({"distribution": "q_beta", "a": 2, "b": 5, "q": 0.25}, _rounded(BETA, 0.25, 0, 4)),
]


@pytest.mark.parametrize(("keys", "shares"), DISCRETE, ids=_id)
def test_listed_and_quantised_values_have_their_frequencies(
    keys: dict[str, object], shares: Mapping[float, float]
) -> None:
    if not shares:
        cdf = stats.norm(0, 0.5).cdf
        shares = _rounded(lambda x: float(cdf(log(x))) if x > 0 else 0.0, 0.5, 0, 40)
    assert fits(Counter(float(str(value)) for value in drawn(keys)), shares)


def fits(counts: Mapping[float, int], shares: Mapping[float, float]) -> bool:
    """Apply Pearson's test; values expected fewer than five times are combined."""
    assert set(counts) <= set(shares)
    draws = sum(counts.values())
    expected, observed = [0.0], [0]
    for value, share in shares.items():
        if share * draws < 5:
            expected[0] += share * draws
            observed[0] += counts.get(value, 0)
        else:
            expected.append(share * draws)
            observed.append(counts.get(value, 0))
    if expected[0] < 1:
        assert observed[0] < 6
        expected[1], observed[1] = expected[1] + expected[0], observed[1] + observed[0]
        expected, observed = expected[1:], observed[1:]
    total = sum(expected)
    return bool(stats.chisquare(observed, [each * draws / total for each in expected]).pvalue > 0.001)


def test_log_uniform_and_log_uniform_values_draw_the_same() -> None:
    exponents = space({"x": {"distribution": "log_uniform", "min": log(1e-4), "max": log(0.1)}})
    values = space({"x": {"distribution": "log_uniform_values", "min": 1e-4, "max": 0.1}})
    for index in range(100):
        one, other = exponents.random_point(1, index)["x"], values.random_point(1, index)["x"]
        assert one == pytest.approx(other, rel=1e-12)


def test_exponents_that_look_like_bounds_are_drawn_as_exponents() -> None:
    """The most common mistake made with this format: 0.00001 ... 0.1 draws 1.00001 ... 1.105."""
    keys = {"distribution": "log_uniform", "min": 0.00001, "max": 0.1}
    values = [float(str(value)) for value in drawn(keys)]
    assert 1.00001 <= min(values) < 1.001
    assert 1.104 < max(values) <= exp(0.1)


SMALL = {"a": {"min": 1, "max": 4}, "b": {"min": 1, "max": 4}, "c": {"min": 1, "max": 3}}
TOGETHER: list[tuple[tuple[str, ...], Callable[[int, int, int], bool]]] = [
    ((), lambda a, b, c: True),
    (("a < b",), lambda a, b, c: a < b),
    (("a < b", "c != 2"), lambda a, b, c: a < b and c != 2),
    (("a < b and c != 2",), lambda a, b, c: a < b and c != 2),
    (("a + b + c < 6",), lambda a, b, c: a + b + c < 6),
    (("a <= b", "b <= c"), lambda a, b, c: a <= b <= c),
]


@pytest.mark.lengthy
@pytest.mark.parametrize(("constraints", "holds"), TOGETHER)
def test_constrained_draws_have_the_distribution_of_rejection_sampling(
    constraints: tuple[str, ...], holds: Callable[[int, int, int], bool]
) -> None:
    small = space(SMALL, *constraints)

    def number(point: Point) -> float:
        return float("".join(str(point[name]) for name in "abc"))

    allowed = [
        100 * a + 10 * b + c for a in range(1, 5) for b in range(1, 5) for c in range(1, 4) if holds(a, b, c)
    ]
    counts = Counter(number(small.random_point(3, index)) for index in range(DRAWS))
    assert fits(counts, {float(each): 1 / len(allowed) for each in allowed})


def test_rows_of_a_zip_are_equally_frequent() -> None:
    zipped = space({"a": {"values": [1, 2, 3]}, "b": {"values": [1, 4, 9]}}, zip=[["a", "b"]])
    points = [zipped.random_point(1, index) for index in range(DRAWS)]
    assert all(point["b"] == int(str(point["a"])) ** 2 for point in points)
    assert fits(Counter(float(str(point["a"])) for point in points), dict.fromkeys((1.0, 2.0, 3.0), 1 / 3))


def test_conditional_parameters_are_drawn_independently_of_absent_ones() -> None:
    conditional = space(
        {
            "k": {"values": [1, 2]},
            "x": {"min": 0.0, "max": 1.0, "when": "k == 1"},
            "y": {"min": 0.0, "max": 1.0},
        }
    )
    points = [conditional.random_point(9, index) for index in range(DRAWS)]
    with_x = [float(str(point["x"])) for point in points if "x" in point]
    assert fits(Counter(float(str(point["k"])) for point in points), {1.0: 0.5, 2.0: 0.5})
    assert all(("x" in point) is (point["k"] == 1) for point in points)
    assert stats.kstest(with_x, "uniform").pvalue > 0.001
    alone = space({"y": {"min": 0.0, "max": 1.0}})
    assert [point["y"] for point in points[:20]] == [alone.random_point(9, index)["y"] for index in range(20)]
