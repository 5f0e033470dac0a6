"""The surrogate model, compared with textbook formulas."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from suggestion_studies import a_spec
from sweepd_suggestion.domain.surrogate import (
    MixedMatern,
    NoisyMatern,
    Surrogate,
    _groups,
    _most_probable,
    _roughly_most_probable,
    _typical_length,
    subset,
)
from sweepd_suggestion.domain.vectors import INACTIVE, Array, Coordinates

RNG = np.random.default_rng(3)
VECTORS: Array = RNG.random((7, 2))
OTHERS: Array = RNG.random((4, 2))
VALUES: Array = RNG.normal(size=7)


def a_kernel() -> NoisyMatern:
    return NoisyMatern(MixedMatern(np.array([0.4, 0.9]), (0, 1), (False,) * 2, (False,) * 2), 1.7, 0.05)


def test_the_evidence_is_the_density_of_the_values() -> None:
    """The constant is left out, as it is the same for all models of the same values."""
    gram = a_kernel().covariance(VECTORS)
    density = -0.5 * (VALUES @ np.linalg.inv(gram) @ VALUES + np.linalg.slogdet(gram).logabsdet)
    assert Surrogate(a_kernel(), VECTORS, VALUES).log_evidence == pytest.approx(density, abs=1e-5)


def test_predictions_are_those_of_the_conditional_distribution() -> None:
    kernel = a_kernel()
    inverse = np.linalg.inv(kernel.covariance(VECTORS))
    cross = kernel.covariance(OTHERS, VECTORS)
    means, deviations = Surrogate(kernel, VECTORS, VALUES).predict(OTHERS)
    assert np.allclose(means, cross @ inverse @ VALUES, atol=1e-5)
    assert np.allclose(np.square(deviations), 1.7 - np.diag(cross @ inverse @ cross.T), atol=1e-5)


def test_a_believed_point_keeps_its_mean_and_is_less_uncertain() -> None:
    model = Surrogate(a_kernel(), VECTORS, VALUES)
    before, unsure = model.predict(OTHERS)
    after, sure = model.believing(OTHERS[:2]).predict(OTHERS)
    assert np.allclose(after, before, atol=1e-5)
    assert (sure[:2] < 0.6 * unsure[:2]).all()
    assert (sure <= unsure + 1e-9).all()
    assert model.believing(OTHERS[:0]) is model


def test_equal_points_are_accepted_even_without_noise() -> None:
    kernel = NoisyMatern(MixedMatern(np.array([0.4, 0.9]), (0, 1), (False,) * 2, (False,) * 2), 1.0, 0.0)
    means, _ = Surrogate(kernel, VECTORS[[0, 0]], np.array([1.0, 1.0])).predict(VECTORS[:1])
    assert means == pytest.approx([1.0], abs=1e-6)


@pytest.mark.parametrize(
    ("values", "most", "chosen"),
    [
        (range(10), 4, [0, 1, 2, 9]),
        (range(10, 0, -1), 4, [0, 7, 8, 9]),
        ([5, 0, 5, 5, 1, 5, 5], 5, [0, 1, 3, 4, 6]),
        (range(3), 3, [0, 1, 2]),
        (range(3), 9, [0, 1, 2]),
    ],
)
def test_half_of_a_subset_is_the_lowest_and_the_others_are_evenly_spread(
    values: list[int], most: int, chosen: list[int]
) -> None:
    assert subset(np.array(values, dtype=float), most).tolist() == chosen


def test_a_typical_length_grows_with_the_number_of_parameters_that_points_have() -> None:
    full, half = [0.0, 0.3, 1.0, 2.0], [0.0, INACTIVE, 1.0, INACTIVE]
    assert _typical_length(np.array([full, full])) == 1.0
    assert _typical_length(np.array([full, half])) == pytest.approx(0.5 * np.sqrt(3.0))
    assert _typical_length(np.array([[INACTIVE], [INACTIVE]])) == 0.5


LOW_NOISE = np.log(1e-3)
FREE = np.array([(-50.0, 50.0)] * 4)


def test_priors_keep_parameters_near_typical_and_hold_the_noise_more_loosely() -> None:
    """A gradient of 0.5 shifts each parameter in proportion to the square of the width of its prior."""
    pull = np.full(4, 0.5)
    start = np.array([0.0, 1.0, 2.0, -3.0])
    found, density = _most_probable(lambda theta: (float(theta @ pull), pull), start, FREE)
    assert found == pytest.approx([-0.5, 0.5, 1.5, LOW_NOISE - 2.0], abs=1e-3)
    assert density == pytest.approx(float(found @ pull) + 0.5 * (3 * 0.25 + 1.0), abs=1e-3)


def test_a_second_ascent_starts_at_shorter_lengths_and_less_noise() -> None:
    """The first ascent starts in a local maximum, where the gradient does not lead to the global one."""
    greater = np.array([0.0, -1.0, -1.0, np.log(1e-4)])

    def objective(theta: Array) -> tuple[float, Array]:
        away = theta - greater
        bumps = 9.0 * np.exp(-((away / 0.2) ** 2))
        bumps[0] = 0.0
        return -float(bumps.sum()), 2.0 * away / 0.04 * bumps

    start = np.array([0.0, 0.0, 0.0, LOW_NOISE])
    assert _most_probable(objective, start, FREE)[0] == pytest.approx(greater, abs=0.1)
    assert _roughly_most_probable(objective, start, FREE)[0] == pytest.approx(start, abs=0.1)


@pytest.mark.parametrize(("seed", "count", "noise"), [(1, 14, 0.0), (8, 10, 0.5)])
def test_a_fit_finds_the_same_parameters_as_scipy(seed: int, count: int, noise: float) -> None:
    """Log-normal priors: lengths around a typical one, a signal of 1, and noise of 0.001.

    In the second example a rough fit ends in a lesser maximum, of more noise.
    """
    coordinates = Coordinates(a_spec({name: {"min": 0.0, "max": 1.0} for name in "xy"}).search_space)
    rng = np.random.default_rng(seed)
    vectors = rng.random((count, 2))
    values = np.sin(25.0 * vectors[:, 0]) + noise * rng.normal(size=count)
    values = (values - values.mean()) / values.std()
    reference = GaussianProcessRegressor(
        ConstantKernel() * Matern([1.0, 1.0], nu=2.5) + WhiteKernel(), alpha=0.0, optimizer=None
    ).fit(vectors, values)
    typical = np.log([1.0, np.sqrt(0.5), np.sqrt(0.5), 1e-3])

    def improbability(theta: Array) -> float:
        priors = norm.logpdf(theta, typical, [1.0, 1.0, 1.0, 2.0]).sum()
        return float(-reference.log_marginal_likelihood(theta) - priors)

    starts = [typical, typical - [0.0, 1.0, 1.0, 2.0]]
    best = min((minimize(improbability, start) for start in starts), key=lambda found: float(found.fun))
    fitted, rough = (
        Surrogate.fitted(vectors, values, coordinates, roughly=roughly)._kernel.theta
        for roughly in (False, True)
    )
    assert fitted == pytest.approx(best.x, abs=0.01)
    assert (improbability(rough) > best.fun + 1.0) == (noise > 0.0)


def test_columns_have_lengths_of_their_own_unless_they_are_very_many() -> None:
    kinds = np.arange(49) % 3 == 0
    assert _groups(kinds[:48]) == tuple(range(48))
    assert _groups(kinds) == tuple(kinds.astype(int).tolist())
