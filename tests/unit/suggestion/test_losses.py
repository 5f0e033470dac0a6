"""The scale that losses are put on for a model, and the gain that is expected from a candidate."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from suggestion_studies import a_spec
from sweepd_suggestion.domain.gaussian_process import (
    SHIFTS,
    LossScale,
    log_expected_improvement,
    most_likely_scale,
)
from sweepd_suggestion.domain.vectors import Array, Coordinates

LOSSES = st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=30).map(np.array)


@given(losses=LOSSES, shift=st.sampled_from(SHIFTS))
def test_the_order_of_losses_is_kept_and_the_best_comes_back(losses: Array, shift: float | None) -> None:
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


def test_one_absurd_loss_does_not_hide_the_differences_of_the_others() -> None:
    """The outlier is clipped, and the model takes the scale on which the other values differ."""
    losses = np.array([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1e12])
    coordinates = Coordinates(a_spec({"x": {"min": 0.0, "max": 1.0}}).search_space)
    for order in (np.arange(7), np.array([3, 0, 6, 4, 1, 5, 2])):
        vectors = np.linspace(0.0, 1.0, 7)[order, np.newaxis]
        scaled = most_likely_scale(losses, vectors, coordinates).scaled(losses)
        assert scaled[5] - scaled[0] > 0.5


def test_the_expected_improvement_is_exact_where_doubles_carry_it() -> None:
    # Closed form at mean = best: deviation / sqrt(2 pi).
    gain = log_expected_improvement(np.array([1.0]), np.array([2.0]), 1.0)
    assert np.allclose(np.exp(gain), 2.0 / np.sqrt(2 * np.pi))


def test_the_expected_improvement_falls_without_end_as_a_candidate_gets_worse() -> None:
    means = np.concatenate([np.linspace(-5.0, 50.0, 400), np.geomspace(51.0, 1e5, 100)])
    gains = log_expected_improvement(means, np.ones_like(means), 0.0)
    assert np.isfinite(gains).all()
    assert (np.diff(gains) < 0).all()
    assert (np.abs(np.diff(gains[:400])) < 8.0).all()  # no jump where one formula takes over from the other
