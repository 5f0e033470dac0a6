"""Covariance of vectors, including those of points that lack a parameter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from sweepd_suggestion.domain.surrogate import MixedMatern, NoisyMatern
from sweepd_suggestion.domain.vectors import INACTIVE, Array

# A number and a category that are always active, and one of each that is conditional.
CATEGORICAL = (False, True, False, True)
CONDITIONAL = (False, False, True, True)
LENGTHS = np.array([0.7, 1.5, 0.4, 2.0])
NUMBERS, CODES = st.floats(0.0, 1.0), st.integers(0, 3).map(float)
ROWS = st.tuples(NUMBERS, CODES, NUMBERS | st.just(INACTIVE), CODES | st.just(INACTIVE))


def a_kernel(groups: tuple[int, ...] = (0, 1, 2, 3), lengths: Array = LENGTHS) -> MixedMatern:
    return MixedMatern(lengths, groups, CATEGORICAL, CONDITIONAL)


def covariance(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return float(a_kernel()(np.array([one]), np.array([other]))[0, 0])


@given(rows=st.lists(ROWS, min_size=1, max_size=12))
def test_the_kernel_is_positive_semidefinite_for_any_points(rows: list[tuple[float, ...]]) -> None:
    gram = a_kernel()(np.array(rows))
    assert np.array_equal(gram, gram.T)
    assert np.allclose(np.diag(gram), 1.0)
    assert np.linalg.eigvalsh(gram).min() > -1e-9


@given(x=NUMBERS, y=NUMBERS)
def test_a_point_without_a_number_is_equally_far_from_all_points_that_have_it(x: float, y: float) -> None:
    absent, here, there = (0.5, 1.0, INACTIVE, 0.0), (0.5, 1.0, x, 0.0), (0.5, 1.0, y, 0.0)
    assert covariance(absent, absent) == 1.0
    assert covariance(absent, here) == pytest.approx(covariance(absent, there))
    assert covariance(absent, here) < 1.0


def test_an_absent_number_is_one_radius_away_from_every_value() -> None:
    """Absence is the centre of the circle; one radius is the chord of 60 degrees, and numbers lie on 90."""
    absent, low, high = ((0.5, 1.0, place, 0.0) for place in (INACTIVE, 0.0, 2 / 3))
    assert covariance(absent, low) == pytest.approx(covariance(low, high))
    assert covariance(absent, low) < 0.5


def test_a_short_gap_is_as_long_on_the_arc_as_on_a_line() -> None:
    kernel = MixedMatern(np.array([0.4, 0.4]), (0, 1), (False,) * 2, (False, True))
    line, arc = (
        kernel(np.array([[0.2, 0.2]]), np.array([other]))[0, 0] for other in ([0.21, 0.2], [0.2, 0.21])
    )
    assert 1.0 - arc == pytest.approx(1.0 - line, rel=1e-3)


def test_any_two_categories_and_absence_are_equally_far_apart() -> None:
    first = (0.5, 1.0, 0.3, 0.0)
    others = [(0.5, 1.0, 0.3, code) for code in (1.0, 2.0, 3.0, INACTIVE)]
    assert len({round(covariance(first, other), 12) for other in others}) == 1


def test_unconditional_numbers_follow_the_matern_kernel() -> None:
    vectors = np.random.default_rng(1).random((8, 3))
    lengths = np.array([0.3, 1.0, 2.5])
    ours = MixedMatern(lengths, (0, 1, 2), (False,) * 3, (False,) * 3)
    assert np.allclose(ours(vectors), Matern(lengths, nu=2.5)(vectors))


def test_columns_of_one_group_share_their_length() -> None:
    vectors = np.array([[0.1, 0.0, 0.4, 1.0], [0.8, 1.0, INACTIVE, INACTIVE], [0.3, 1.0, 0.9, 2.0]])
    shared = a_kernel((0, 1, 0, 1), np.array([0.5, 2.0]))
    apart = a_kernel(lengths=np.array([0.5, 2.0, 0.5, 2.0]))
    assert np.allclose(shared(vectors), apart(vectors))


def test_the_noisy_kernel_agrees_with_the_sum_and_product_of_scikit_learn() -> None:
    vectors, others = np.split(np.random.default_rng(2).random((12, 3)), 2)
    lengths = np.array([0.3, 1.0, 2.5])
    ours = NoisyMatern(MixedMatern(lengths, (0, 1, 2), (False,) * 3, (False,) * 3), 3.0, 0.2)
    theirs = ConstantKernel(3.0) * Matern(lengths, nu=2.5) + WhiteKernel(0.2)
    assert np.allclose(ours.theta, theirs.theta)
    ours.theta = theirs.theta = ours.theta + np.linspace(-0.1, 0.2, 5)
    for left, right in ((vectors, None), (vectors, others)):
        assert np.allclose(ours(left, right), theirs(left, right))
    for part, theirs_part in zip(
        ours(vectors, eval_gradient=True), theirs(vectors, eval_gradient=True), strict=True
    ):
        assert np.allclose(part, theirs_part)
    assert np.allclose(ours.diag(vectors), theirs.diag(vectors))


@pytest.mark.parametrize(("groups", "lengths"), [((0, 1, 2, 3), LENGTHS), ((0, 1, 0, 1), LENGTHS[:2])])
def test_the_gradient_is_with_respect_to_the_logarithm_of_each_length(
    groups: tuple[int, ...], lengths: Array
) -> None:
    rows = [[0.1, 0.0, 0.4, 1.0], [0.8, 1.0, INACTIVE, INACTIVE], [0.3, 1.0, 0.9, 2.0], [0.2, 2.0, 0.1, 2.0]]
    vectors, step = np.array(rows), 1e-6
    _, gradient = a_kernel(groups, lengths).with_gradient(vectors)
    for i in range(len(lengths)):
        nudge = np.where(np.arange(len(lengths)) == i, step, 0.0)
        above, below = (a_kernel(groups, lengths * np.exp(sign * nudge))(vectors) for sign in (1.0, -1.0))
        assert np.allclose(gradient[:, :, i], (above - below) / (2 * step), atol=1e-8)


def test_a_kernel_gives_the_same_values_after_a_call_with_other_vectors() -> None:
    rng, kernel = np.random.default_rng(3), a_kernel()
    for vectors in (first := rng.random((3, 4)), rng.random((3, 4)), first, first):
        for found, expected in zip(
            kernel.with_gradient(vectors), a_kernel().with_gradient(vectors), strict=True
        ):
            assert np.array_equal(found, expected)
        assert np.allclose(kernel.with_gradient(vectors)[0], kernel(vectors))
