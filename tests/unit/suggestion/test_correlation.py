"""Correlations of values with parameters."""

import numpy as np
import pytest

from sweepd_suggestion.domain.feature_importance import category_correlations, correlation

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_a_correlation_agrees_with_numpy_whatever_the_scale(scale: float) -> None:
    left, noise = RNG.normal(size=20), RNG.normal(size=20)
    right = 3.0 - left + noise
    expected = np.corrcoef(left, right)[0, 1]
    assert correlation(left * scale, right) == pytest.approx(expected)
    assert correlation(right, left * scale + scale) == pytest.approx(expected)
    assert correlation(left, left * scale) == pytest.approx(1.0)
    assert correlation(left, -left * scale) == pytest.approx(-1.0)


def test_a_constant_has_no_correlation() -> None:
    rising = np.arange(3.0)
    assert correlation(rising, np.full(3, 0.1)) is None
    assert correlation(np.full(3, 0.1), rising) is None
    assert correlation(np.full(3, 1e150), rising) is None
    assert correlation(rising, np.zeros(3)) is None
    assert correlation(rising, 1e6 + np.array([0.0, 1e-7, 0.0])) is None, "constant except for rounding"
    assert correlation(rising, 1e6 + np.array([0.0, 1e-5, 0.0])) is not None
    assert correlation(rising[:1], rising[:1]) is None
    assert correlation(rising[:0], rising[:0]) is None
    assert correlation(rising[:2], rising[:2]) == pytest.approx(1.0)


def test_each_category_correlates_by_its_indicator() -> None:
    places, values = RNG.integers(3, size=30), RNG.normal(size=30)
    found = category_correlations(places, values)
    for category, one in enumerate(found):
        assert one == pytest.approx(np.corrcoef(places == category, values)[0, 1])
    assert len(found) == 3


def test_categories_without_differences_have_no_correlation() -> None:
    places = np.array([0, 1, 0])
    assert category_correlations(places, np.full(3, 2.0)) == [None, None]
    assert category_correlations(places[[0, 2]], np.array([1.0, 2.0])) == [None]
    assert category_correlations(places[:0], np.array([])) == []


def test_correlations_do_not_exceed_one_through_rounding() -> None:
    found: list[float | None] = []
    for _ in range(200):
        line, places = RNG.normal(size=7), np.array([0, 1, *RNG.integers(2, size=8)])
        slope, offset = RNG.normal(size=2)
        found += [correlation(line, line * slope), *category_correlations(places, places * slope + offset)]
    exact = [one for one in found if one is not None]
    assert (min(exact), max(exact)) == (-1.0, 1.0)
    assert np.abs(exact) == pytest.approx(1.0)
