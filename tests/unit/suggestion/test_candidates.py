"""Candidates of the model: where they are looked for, and how far they keep from points under trial."""

from collections.abc import Mapping

import numpy as np
import pytest

from suggestion_studies import a_spec, a_study
from sweepd.spec.point import Point
from sweepd_suggestion.domain.gaussian_process import GaussianProcessModel, LossScale
from sweepd_suggestion.domain.proposal import question
from sweepd_suggestion.domain.surrogate import MixedMatern, NoisyMatern, Surrogate
from sweepd_suggestion.domain.vectors import Array, Coordinates

PLANE = {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}}
STRIPES = {"x": {"min": 0.0, "max": 1.0}, "y": {"values": ["a", "b", "c"]}}


def a_model(places: Array, losses: Array, parameters: Mapping[str, object] = PLANE) -> GaussianProcessModel:
    """Return a model of losses at some places, with short lengths and little noise."""
    study = a_study(a_spec(parameters), 1, lambda _: 1.0)
    coordinates = Coordinates(study.spec.search_space)
    covariance = MixedMatern(np.full(2, 0.05), (0, 1), tuple(coordinates.categorical.tolist()), (False,) * 2)
    scale = LossScale.of(losses)
    assert scale is not None
    surrogate = Surrogate(NoisyMatern(covariance, 1.0, 1e-6), places, scale.scaled(losses))
    return GaussianProcessModel(question(study, 2, 1), coordinates, surrogate, scale)


def apart(count: int) -> Array:
    """Return places on a line, so far apart that the model tells them apart."""
    return np.column_stack([np.linspace(0.05, 0.95, count), np.full(count, 0.5)])


@pytest.mark.parametrize(("known", "centres"), [(8, [1, 2, 4, 6, 7]), (3, [0, 1, 2])])
def test_the_neighbourhoods_of_the_five_best_points_are_searched(known: int, centres: list[int]) -> None:
    losses = np.array([7.0, 1.0, 2.0, 6.0, 3.0, 8.0, 4.0, 5.0][:known])
    places = apart(known)
    candidates, gains = a_model(places, losses)._scattered(np.random.default_rng(1), other_categories=False)
    closest = candidates[-96:]  # the nearest steps come last
    of_each = np.abs(closest[:, np.newaxis, :] - places).max(axis=2).argmin(axis=1)
    assert sorted(set(of_each.tolist())) == centres
    assert len(candidates) == len(gains) == 512 + 2 * 96


@pytest.mark.parametrize(("pending", "limit"), [(1, 0.02), (9, 0.02), (10, 0.02), (20, 0.01), (100, 0.002)])
def test_candidates_keep_apart_from_pending_points_which_are_closer_where_they_are_many(
    pending: int, limit: float
) -> None:
    model = a_model(apart(3), np.array([1.0, 2.0, 3.0]))
    waiting: list[Point] = [{"x": 0.0, "y": 0.0}] * pending
    model.await_values(waiting)
    shares = (0.0, 0.9, 1.0, 1.1)
    candidates = np.array(
        [(share * limit, 0.0) for share in shares] + [(0.0, 1.1 * limit), (0.0, 0.9 * limit)]
    )
    assert model._is_under_trial(candidates).tolist() == [True, True, False, False, False, True]


def test_without_pending_points_no_candidate_is_under_trial() -> None:
    places = apart(3)
    model = a_model(places, np.array([1.0, 2.0, 3.0]))
    assert not model._is_under_trial(places).any()
    model.await_value({"x": 0.5, "y": 0.5})
    assert model._is_under_trial(places).tolist() == [False, True, False]
    model.await_value({"x": 0.95, "y": 0.5})
    assert model._is_under_trial(places).tolist() == [False, True, True]


def test_other_categories_are_others_than_those_of_the_best_point() -> None:
    places = np.array([[0.1, 0.0], [0.5, 1.0], [0.9, 2.0]])
    model = a_model(places, np.array([2.0, 1.0, 3.0]), STRIPES)
    candidates = np.array([[0.3, 0.0], [0.3, 1.0], [0.7, 1.0], [0.3, 2.0]])
    assert np.isfinite(model._gains(candidates, other_categories=True)).tolist() == [True, False, False, True]
    assert np.isfinite(model._gains(candidates, other_categories=False)).all()
