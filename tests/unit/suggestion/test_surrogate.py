"""The surrogate model, compared with the formulas of the textbook."""

import numpy as np
import pytest

from sweepd_suggestion.domain.surrogate import MixedMatern, NoisyMatern, Surrogate, subset
from sweepd_suggestion.domain.vectors import Array

RNG = np.random.default_rng(3)
VECTORS: Array = RNG.random((7, 2))
OTHERS: Array = RNG.random((4, 2))
VALUES: Array = RNG.normal(size=7)


def a_kernel() -> NoisyMatern:
    return NoisyMatern(MixedMatern(np.array([0.4, 0.9]), (0, 1), (False,) * 2, (False,) * 2), 1.7, 0.05)


def test_the_evidence_is_the_density_of_the_values() -> None:
    """Without the constant: it is the same for all models of the same values."""
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
