"""The Sobol sequence (spec section 19): its published numbers, and the properties of its scrambling."""

import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, qmc

from sweepd.spec.methods.sobol import initial_numbers, scrambled_sobol, sobol_digits

SEEDS = st.integers(-(2**63), 2**63 - 1)


def names(count: int) -> list[tuple[str, ...]]:
    return [(f"p{number}",) for number in range(count)]


@pytest.mark.parametrize("dimensions", [1, 2, 10, 1_024])
def test_the_plain_sequence_equals_that_of_scipy(dimensions: int) -> None:
    theirs = qmc.Sobol(dimensions, scramble=False, bits=32).random_base2(8)
    ours = np.array([sobol_digits(index, dimensions) for index in range(256)]) / 2.0**32
    assert np.array_equal(ours, theirs)


def test_late_points_of_the_plain_sequence_equal_those_of_scipy() -> None:
    engine = qmc.Sobol(7, scramble=False, bits=32)
    engine.fast_forward(1_000_003)
    theirs = engine.random(5)
    ours = np.array([sobol_digits(index, 7) for index in range(1_000_003, 1_000_008)]) / 2.0**32
    assert np.array_equal(ours, theirs)


def test_direction_numbers_are_odd_and_within_bounds() -> None:
    numbers = list(initial_numbers())
    assert len(numbers) == 1_023
    assert len({polynomial for polynomial, _ in numbers}) == 1_023
    for polynomial, firsts in numbers:
        assert polynomial.bit_length() == len(firsts) + 1
        assert all(m % 2 and m < 2**k for k, m in enumerate(firsts, start=1))


def test_too_many_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1,025 dimensions.*1,024"):
        sobol_digits(1, 1_025)


@given(SEEDS, st.integers(0, 10), st.integers(0, 6))
def test_each_block_has_one_point_in_each_slice_of_each_dimension(seed: int, block: int, power: int) -> None:
    """Scrambling preserves stratification: of 2^m consecutive points, one lies in each of 2^m slices."""
    size = 2**power
    points = [scrambled_sobol(seed, block * size + n, names(5)) for n in range(size)]
    for column in zip(*points, strict=True):
        assert sorted(int(u * size) for u in column) == list(range(size))


@given(SEEDS, st.integers(0, 3), st.integers(0, 6))
def test_the_first_two_dimensions_fill_every_elementary_box(seed: int, block: int, wide: int) -> None:
    """The first two dimensions form a (0, 2)-sequence, before and after scrambling."""
    points = [scrambled_sobol(seed, block * 64 + n, names(2)) for n in range(64)]
    columns, rows = 2**wide, 2 ** (6 - wide)
    assert len({(int(x * columns), int(y * rows)) for x, y in points}) == 64


@given(SEEDS, st.integers(0, 2**32 - 1))
def test_a_point_depends_on_seed_and_index_alone(seed: int, index: int) -> None:
    point = scrambled_sobol(seed, index, names(4))
    assert point == scrambled_sobol(seed, index, names(4))
    assert all(0.0 < u < 1.0 for u in point)
    assert point[:3] == scrambled_sobol(seed, index, names(3)), "an added dimension changes no other"


def test_the_points_of_a_seed_never_change() -> None:
    assert [scrambled_sobol(7, index, names(3)) for index in range(2)] == GOLDEN


def test_over_seeds_each_point_is_uniform_and_dimensions_are_independent() -> None:
    for index in (0, 1, 5):
        points = [scrambled_sobol(seed, index, names(3)) for seed in range(2_000)]
        columns = list(zip(*points, strict=True))
        assert all(kstest(column, "uniform").pvalue > 0.001 for column in columns)
        assert abs(statistics.correlation(columns[0], columns[1])) < 0.08
        assert abs(statistics.correlation(columns[1], columns[2])) < 0.08


def test_it_integrates_far_better_than_independent_draws() -> None:
    """Compare the error of a mean over 256 points of a smooth function in four dimensions."""

    def function(point: tuple[float, ...]) -> float:
        return float(np.prod([1 + (u - 0.5) for u in point]))

    def error(points: list[tuple[float, ...]]) -> float:
        return abs(statistics.mean(map(function, points)) - 1.0)

    draws = random.Random(1)
    scrambled = [error([scrambled_sobol(seed, n, names(4)) for n in range(256)]) for seed in range(20)]
    plain = [error([tuple(draws.random() for _ in range(4)) for _ in range(256)]) for _ in range(20)]
    assert statistics.mean(scrambled) < statistics.mean(plain) / 10


GOLDEN = [
    (0.5590686959913, 0.3781022665789351, 0.3502518708119169),
    (0.4377154483227059, 0.8175583727424964, 0.8842691396130249),
]
