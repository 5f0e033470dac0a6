"""Tests of the beta distribution against values computed with scipy 1.17, and against itself."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.distributions import beta
from sweepd.spec.distributions.beta import beta_cdf, beta_quantile


@pytest.mark.parametrize(
    ("p", "a", "b", "x"),
    [
        (0.1, 2, 5, 0.09259525891312873),
        (0.5, 2, 5, 0.26444998329566005),
        (0.9, 2, 5, 0.5103163065514917),
        (0.25, 0.5, 0.5, 0.14644660940672624),
        (0.5, 1, 3, 0.20629947401590026),
        (0.01, 30, 2, 0.8043306237041096),
        (0.3, 1, 1, 0.3),
        (0.0, 2, 5, 0.0),
        (1.0, 2, 5, 1.0),
    ],
)
def test_the_quantile_is(p: float, a: float, b: float, x: float) -> None:
    assert beta_quantile(p, a, b) == pytest.approx(x, rel=1e-12)


@given(p=st.floats(1e-6, 1 - 1e-6), a=st.floats(0.05, 1e4), b=st.floats(0.05, 1e4))
def test_the_quantile_inverts_the_distribution_function(p: float, a: float, b: float) -> None:
    x = beta_quantile(p, a, b)
    assert 0.0 <= x <= 1.0
    # Close to 1 doubles are too coarse to represent x exactly: then p lies between the values beside it.
    slack = 1e-9
    assert beta_cdf(x - 2.3e-16, a, b) - slack <= p <= beta_cdf(x + 2.3e-16, a, b) + slack


def test_extreme_shapes_give_a_value_quickly() -> None:
    for a, b in ((1e-300, 1.0), (1e6, 1e6), (1e-3, 1e6), (1e6, 1e-3)):
        for p in (1e-16, 0.5, 1 - 1e-16):
            assert 0.0 <= beta_quantile(p, a, b) <= 1.0


@pytest.mark.parametrize(("p", "a", "b"), [(1e-9, 1e4, 1e5), (1e-100, 1e3, 1e6), (1e-250, 1e3, 1e5)])
def test_the_quantile_is_found_if_the_density_underflows_on_the_way(p: float, a: float, b: float) -> None:
    assert beta_cdf(beta_quantile(p, a, b), a, b) == pytest.approx(p, rel=1e-9)


def test_the_fraction_ends_when_it_has_converged() -> None:
    with patch.object(beta, "_not_zero", wraps=beta._not_zero) as terms:
        assert beta_cdf(0.1, 2, 5) == pytest.approx(0.114265)
    assert terms.call_count < 50


@pytest.mark.parametrize(("p", "a", "b"), [(0.06, 125, 6_000), (1e-8, 300, 400)])
def test_the_iteration_for_a_quantile_begins_near_the_solution(p: float, a: float, b: float) -> None:
    with patch.object(beta, "beta_cdf", wraps=beta_cdf) as steps:
        beta_quantile(p, a, b)
    assert steps.call_count < 13
