"""The scale of losses for the model, and the expected improvement of a candidate."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from suggestion_studies import a_spec
from sweepd_suggestion.domain.gaussian_process import (
    SHIFTS,
    LossScale,
    log_expected_improvement,
    most_likely_scale,
)
from sweepd_suggestion.domain.surrogate import MixedMatern, Surrogate
from sweepd_suggestion.domain.vectors import Array, Coordinates

PLACES = np.linspace(0.0, 1.0, 8)
LOSSES = st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=30).map(np.array)


@given(losses=LOSSES, shift=st.sampled_from(SHIFTS))
def test_scaling_keeps_the_order_of_losses_and_can_be_inverted(losses: Array, shift: float | None) -> None:
    scale = LossScale.of(losses, shift)
    if scale is None:
        return
    scaled = scale.scaled(losses)
    assert np.isfinite(scaled).all()
    order = np.argsort(losses, kind="stable")
    assert (np.diff(scaled[order]) >= 0).all()
    spread = scale.highest - scale.lowest
    back = scale.losses(scaled)
    assert np.allclose(back, np.minimum(losses, scale.highest), rtol=1e-6, atol=1e-6 * spread)


def test_equal_losses_have_no_scale() -> None:
    assert LossScale.of(np.array([3.0, 3.0, 3.0])) is None
    assert LossScale.of(np.array([3.0])) is None
    assert LossScale.of(np.array([1e6, 1e6 + 1e-7])) is None, "equal except for rounding"
    assert LossScale.of(np.array([0.0, 1e-300])) is None
    assert LossScale.of(np.array([0.0, 2e-300])) is not None
    assert LossScale.of(np.array([1e6, 1e6 + 1e-5])) is not None


def test_an_outlier_does_not_hide_the_differences_of_other_losses() -> None:
    """The outlier is clipped, and the model takes the scale on which the other values differ."""
    losses = np.array([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1e12])
    coordinates = Coordinates(a_spec({"x": {"min": 0.0, "max": 1.0}}).search_space)
    for order in (np.arange(7), np.array([3, 0, 6, 4, 1, 5, 2])):
        vectors = np.linspace(0.0, 1.0, 7)[order, np.newaxis]
        scaled = most_likely_scale(losses, vectors, coordinates).scaled(losses)
        assert scaled[5] - scaled[0] > 0.5


@pytest.mark.parametrize(
    ("losses", "shift"), [(PLACES, None), ((PLACES - 0.5) ** 2, 1.0), (np.exp(6.0 * PLACES), 0.03)]
)
def test_losses_are_compressed_as_much_as_makes_them_smooth(losses: Array, shift: float | None) -> None:
    coordinates = Coordinates(a_spec({"x": {"min": 0.0, "max": 1.0}}).search_space)
    assert most_likely_scale(losses, PLACES[:, np.newaxis], coordinates).shift == shift


def test_scales_are_compared_with_fewer_steps_than_complete_fits_take() -> None:
    coordinates = Coordinates(a_spec({"x": {"min": 0.0, "max": 1.0}}).search_space)
    losses, vectors = np.exp(6.0 * PLACES), PLACES[:, np.newaxis]
    likelihood = MixedMatern.with_gradient
    with patch.object(MixedMatern, "with_gradient", autospec=True, side_effect=likelihood) as steps:
        most_likely_scale(losses, vectors, coordinates)
        compared = steps.call_count
        for shift in SHIFTS:
            scale = LossScale.of(losses, shift)
            assert scale is not None
            Surrogate.fitted(vectors, scale.scaled(losses), coordinates)
    assert compared < 0.75 * (steps.call_count - compared)


def test_the_expected_improvement_is_exact_where_doubles_can_represent_it() -> None:
    # Closed form at mean = best: deviation / sqrt(2 pi).
    gain = log_expected_improvement(np.array([1.0]), np.array([2.0]), 1.0)
    assert np.allclose(np.exp(gain), 2.0 / np.sqrt(2 * np.pi))


@pytest.mark.parametrize("mean", [-3.0, 0.5, 1.0, 2.5, 4.0, 30.0])
@pytest.mark.parametrize("deviation", [0.25, 1.0, 4.0])
def test_the_expected_improvement_is_that_of_the_integral(mean: float, deviation: float) -> None:
    """The mean of max(1 - x, 0) for a normal x."""
    z = (1.0 - mean) / deviation
    integral = deviation * (norm.pdf(z) + z * norm.cdf(z))
    gain = log_expected_improvement(np.array([mean]), np.array([deviation]), 1.0)[0]
    if z > -5:
        assert np.exp(gain) == pytest.approx(integral, rel=1e-6)
    else:  # the asymptote of the tail
        assert gain == pytest.approx(np.log(deviation) + norm.logpdf(z) - 2 * np.log(-z), abs=0.1)


@pytest.mark.parametrize(
    ("losses", "highest"),
    [
        ([0.0, 9.0, 10.0, 11.0, 1e6], 311.0),  # the median is 10 above the lowest
        ([0.0, 1.0, 2.0, 12.0, 1e6], 312.0),  # and here 10 below the upper quartile
        ([0.0, 1.0, 2.0, 3.0, 50.0], 50.0),
        ([0.0, 0.1, 0.2, 0.3, 50.0], 6.3),
        ([1.0, 1.0, 1.0, 1.0, 9.0], 9.0),
    ],
)
def test_losses_far_above_the_others_count_as_equally_bad(losses: list[float], highest: float) -> None:
    scale = LossScale.of(np.array(losses))
    assert scale is not None
    assert scale.highest == pytest.approx(highest)
    above = scale.scaled(np.array([highest, highest + 1.0, 1e9]))
    assert above.tolist() == [above[0]] * 3


@pytest.mark.parametrize("shift", SHIFTS)
def test_the_slope_of_a_scale_is_its_derivative(shift: float | None) -> None:
    losses = np.array([1.0, 2.0, 3.5, 7.0, 20.0])
    scale = LossScale.of(losses, shift)
    assert scale is not None
    inside, step = losses[:-1], 1e-6
    slopes = (scale.scaled(inside + step) - scale.scaled(inside - step)) / (2 * step)
    assert scale.log_slope(inside) == pytest.approx(np.log(slopes * scale.spread).sum(), abs=1e-5)


def test_scaled_losses_have_mean_zero_and_deviation_one_and_can_be_inverted() -> None:
    losses = np.array([1.0, 2.0, 3.5, 7.0, 20.0])
    for shift in SHIFTS:
        scale = LossScale.of(losses, shift)
        assert scale is not None
        scaled = scale.scaled(losses)
        assert scaled.mean() == pytest.approx(0.0, abs=1e-12)
        assert scaled.std() == pytest.approx(1.0)
        assert np.allclose(scale.losses(scaled), losses)
        far = scale.losses(np.array([-100.0, 100.0]))
        assert far[1] == pytest.approx(1.0 + 19.0 * 10.0)
        assert far[0] >= 1.0 - 19.0 * 10.0


@pytest.mark.parametrize("z", [-100.0, -9_999.0, -10_000.0, -10_001.0, -99_999.0])
def test_the_expected_improvement_has_the_published_asymptote(z: float) -> None:
    """phi(z) / z^2 (1 - 3 / z^2 ...), at whatever distance."""
    gain = log_expected_improvement(np.array([-z]), np.array([1.0]), 0.0)[0]
    assert gain - norm.logpdf(z) == pytest.approx(np.log(1.0 / z**2 - 3.0 / z**4), abs=1e-5)


def test_the_expected_improvement_decreases_strictly_as_a_candidate_gets_worse() -> None:
    means = np.concatenate([np.linspace(-5.0, 50.0, 400), np.geomspace(51.0, 1e5, 100)])
    gains = log_expected_improvement(means, np.ones_like(means), 0.0)
    assert np.isfinite(gains).all()
    assert (np.diff(gains) < 0).all()
    assert (np.abs(np.diff(gains[:400])) < 8.0).all()  # no jump at the switch between the two formulas
