"""Candidates of the model: their search regions, and their distance from points under trial."""

import numpy as np
import pytest
from scipy.stats import lognorm, norm

from suggestion_studies import a_spec, a_study
from sweepd.spec.point import Point, point_digest
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_suggestion.domain.gaussian_process import GaussianProcessModel, LossScale, _generator
from sweepd_suggestion.domain.proposal import ENGINE, question
from sweepd_suggestion.domain.surrogate import MixedMatern, NoisyMatern, Surrogate
from sweepd_suggestion.domain.vectors import Array, Coordinates

PLANE = {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}}
STRIPES = {"x": {"min": 0.0, "max": 1.0}, "y": {"values": ["a", "b", "c"]}}


def a_model(
    places: Array,
    losses: Array,
    spec: SweepSpec | None = None,
    *,
    shift: float | None = None,
) -> GaussianProcessModel:
    """Return a model of losses at some positions, with short length scales and little noise."""
    study = a_study(spec or a_spec(PLANE), 1, lambda _: 1.0)
    coordinates = Coordinates(study.spec.search_space)
    covariance = MixedMatern(np.full(2, 0.05), (0, 1), tuple(coordinates.categorical.tolist()), (False,) * 2)
    scale = LossScale.of(losses, shift)
    assert scale is not None
    surrogate = Surrogate(NoisyMatern(covariance, 1.0, 1e-6), places, scale.scaled(losses))
    return GaussianProcessModel(question(study, 2, 1), coordinates, surrogate, scale)


def apart(count: int) -> Array:
    """Return positions on a line, far enough apart for the model to distinguish them."""
    return np.column_stack([np.linspace(0.05, 0.95, count), np.full(count, 0.5)])


@pytest.mark.parametrize(("known", "centres"), [(8, [1, 2, 4, 6, 7]), (3, [0, 1, 2])])
def test_the_neighbourhoods_of_the_five_best_points_are_searched(known: int, centres: list[int]) -> None:
    losses = np.array([7.0, 1.0, 2.0, 6.0, 3.0, 8.0, 4.0, 5.0][:known])
    places = apart(known)
    candidates, gains = a_model(places, losses)._sampled(np.random.default_rng(1), other_categories=False)
    closest = candidates[-96:]  # the smallest steps are last
    of_each = np.abs(closest[:, np.newaxis, :] - places).max(axis=2).argmin(axis=1)
    assert sorted(set(of_each.tolist())) == centres
    assert len(candidates) == len(gains) == 512 + 2 * 96


@pytest.mark.parametrize(("pending", "limit"), [(1, 0.02), (9, 0.02), (10, 0.02), (20, 0.01), (100, 0.002)])
def test_candidates_keep_a_distance_from_pending_points_that_shrinks_with_their_number(
    pending: int, limit: float
) -> None:
    model = a_model(apart(3), np.array([1.0, 2.0, 3.0]))
    waiting: list[Point] = [{"x": 0.0, "y": 0.0}] * pending
    model.add_all_pending(waiting)
    shares = (0.0, 0.9, 1.0, 1.1)
    candidates = np.array(
        [(share * limit, 0.0) for share in shares] + [(0.0, 1.1 * limit), (0.0, 0.9 * limit)]
    )
    assert model._is_near_pending(candidates).tolist() == [True, True, False, False, False, True]


def test_without_pending_points_no_candidate_is_under_trial() -> None:
    places = apart(3)
    model = a_model(places, np.array([1.0, 2.0, 3.0]))
    assert not model._is_near_pending(places).any()
    model.add_pending({"x": 0.5, "y": 0.5})
    assert model._is_near_pending(places).tolist() == [False, True, False]
    model.add_pending({"x": 0.95, "y": 0.5})
    assert model._is_near_pending(places).tolist() == [False, True, True]


def test_other_categories_means_other_than_those_of_the_best_point() -> None:
    places = np.array([[0.1, 0.0], [0.5, 1.0], [0.9, 2.0]])
    model = a_model(places, np.array([2.0, 1.0, 3.0]), a_spec(STRIPES))
    candidates = np.array([[0.3, 0.0], [0.3, 1.0], [0.7, 1.0], [0.3, 2.0]])
    assert np.isfinite(model._gains(candidates, other_categories=True)).tolist() == [True, False, False, True]
    assert np.isfinite(model._gains(candidates, other_categories=False)).all()


SCATTERED = np.random.default_rng(5).random((12, 2))
BOWL = (SCATTERED[:, 0] - 0.3) ** 2 + (SCATTERED[:, 1] - 0.6) ** 2
STRIPED = np.column_stack([SCATTERED[:, 0], np.floor(3 * SCATTERED[:, 1])])
RISING = (SCATTERED[:, 0] - 0.3) ** 2 + 0.1 * STRIPED[:, 1]


def test_draws_of_a_run_are_pinned_to_the_engine_version() -> None:
    assert ENGINE == "skopt-gp/3"
    assert _generator(1, 2, 3).random(2) == pytest.approx([0.24023543, 0.56206894], abs=1e-8)
    assert _generator(2**40, -2, 0).integers(1000, size=3).tolist() == [583, 921, 218]


def test_points_of_a_model_are_pinned_to_the_engine_version() -> None:
    model = a_model(SCATTERED, BOWL)
    for run_number, x, y in ((21, 0.41517027887, 0.47810172609), (22, 0.37638252, 0.47099740)):
        proposal = model.propose(run_number, set())
        assert proposal is not None
        assert proposal.point == pytest.approx({"x": x, "y": y}, rel=1e-6)
        model.add_pending(proposal.point)


def test_points_under_constraints_are_pinned_to_the_engine_version() -> None:
    """Few draws satisfy the constraints, so most candidates are found near others."""
    tight = a_model(SCATTERED / 8, BOWL, a_spec(PLANE, constraints=["x + y < 0.25"]))
    candidates = tight._global_candidates(np.random.default_rng(1))
    assert 256 <= len(candidates) < 400
    assert (candidates.sum(axis=1) < 0.25).all()
    proposal = tight.propose(3, set())
    assert proposal is not None
    assert proposal.point == pytest.approx({"x": 0.05433395965, "y": 0.07880586659}, rel=1e-6)


def test_one_point_in_four_has_other_categories_with_repeats_too() -> None:
    model = a_model(STRIPED, RISING, a_spec(STRIPES, repeats=3))
    proposals = {number: model.propose(number, set()) for number in range(1, 38, 3)}
    assert [number for number, one in proposals.items() if one and one.point["y"] != "a"] == [1, 13, 25, 37]


def test_the_best_candidate_that_is_not_a_known_point_is_proposed() -> None:
    model, seen = a_model(SCATTERED, BOWL), set[bytes]()
    gains: list[float] = []
    for _ in range(5):
        proposal = model.propose(21, seen)
        assert proposal is not None
        assert proposal.prediction is not None
        assert point_digest(proposal.point) not in seen
        seen.add(point_digest(proposal.point))
        gains.append(proposal.prediction.expected_improvement)
    assert gains == pytest.approx(sorted(gains, reverse=True), rel=0.02)


def test_other_categories_are_tried_if_the_best_value_lies_within_six_deviations() -> None:
    model = a_model(STRIPED, RISING, a_spec(STRIPES))
    candidate = np.array([0.3, 1.0])
    (mean,), (deviation,) = model._surrogate.predict(candidate[np.newaxis, :])
    for deviations, promising in ((5.9, True), (6.1, False)):
        model._best_mean = mean - deviations * deviation
        assert model._is_promising(candidate, 0.0) == promising
        assert not model._is_promising(candidate, -np.inf)


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_a_prediction_without_compression_is_that_of_the_normal_distribution(goal: str) -> None:
    model = a_model(SCATTERED, BOWL, a_spec(PLANE, metric={"goal": goal}))
    vector = np.array([0.42, 0.47])
    (mean,), (deviation,) = model._surrogate.predict(vector[np.newaxis, :])
    found, unit = model._prediction(vector), model._scale.spread * model._scale.deviation
    loss = model._scale.losses(np.array([mean]))[0]
    assert found.value == pytest.approx(loss if goal == "minimize" else -loss)
    assert found.deviation == pytest.approx(deviation * unit)
    z = (BOWL.min() - loss) / found.deviation
    exact = found.deviation * (z * norm.cdf(z) + norm.pdf(z))
    assert found.expected_improvement == pytest.approx(exact, rel=0.1)


def test_a_prediction_of_compressed_losses_is_that_of_the_log_normal_distribution() -> None:
    model = a_model(SCATTERED, BOWL, shift=0.3)
    vector, scale = np.array([0.42, 0.47]), model._scale
    (mean,), (deviation,) = model._surrogate.predict(vector[np.newaxis, :])
    exact = lognorm(deviation * scale.deviation, scale=np.exp(mean * scale.deviation + scale.mean))
    found, unit = model._prediction(vector), 0.3 * scale.spread
    assert found.value == pytest.approx(scale.lowest + unit * (exact.mean() - 1.0))
    assert found.deviation == pytest.approx(unit * exact.std(), rel=1e-3)
