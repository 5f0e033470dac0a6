"""Benefit of prior runs to a search: its first points are already near their best ones."""

from statistics import median

from suggestion_studies import a_spec, finished
from sweepd.spec.point import Point
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_suggestion.domain.gaussian_process import answer
from sweepd_suggestion.domain.proposal import question
from sweepd_suggestion.domain.study import HandedOut, Study

SQUARE = {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}}
PRIOR, OWN, SEEDS = 20, 5, range(1, 6)


def bowl(point: Point) -> float:
    """Return a loss with its minimum, 0, at (0.7, 0.2)."""
    x, y = point["x"], point["y"]
    assert isinstance(x, float)
    assert isinstance(y, float)
    return (x - 0.7) ** 2 + (y - 0.2) ** 2


def begun(spec: SweepSpec) -> Study:
    """Return a study with observations of random points from prior runs."""
    study = Study(spec)
    for index in range(1, PRIOR + 1):
        point = spec.search_space.random_point(1_000 + (spec.seed or 0), index)
        study.observe(
            study.known + 1, [HandedOut(run_number=-index, point=point), finished(-index, bowl(point))]
        )
    return study


def best_own_value(study: Study) -> float:
    """Run some points, one after another, and return their lowest value."""
    values = []
    for number in range(1, OWN + 1):
        (proposal,) = answer(question(study, number, 1))
        values.append(bowl(proposal.point))
        study.observe(
            study.known + 1,
            [HandedOut(run_number=number, point=proposal.point), finished(number, values[-1])],
        )
    return min(values)


def test_a_search_with_prior_runs_finds_better_values() -> None:
    with_prior = [best_own_value(begun(a_spec(SQUARE, seed=seed))) for seed in SEEDS]
    without = [best_own_value(Study(a_spec(SQUARE, seed=seed))) for seed in SEEDS]
    assert median(with_prior) < 1e-3 < median(without)
    assert all(after < before for after, before in zip(with_prior, without, strict=True))


def test_with_enough_prior_runs_the_model_suggests_the_first_point() -> None:
    (proposal,) = answer(question(begun(a_spec(SQUARE, seed=1)), 1, 1))
    assert proposal.prediction is not None
    assert proposal.run_number == 1


def test_a_point_depends_on_the_observations_not_on_the_number_requested() -> None:
    study = begun(a_spec(SQUARE, seed=2))
    one = [answer(question(study, number, 1))[0].point for number in (1, 2, 3)]
    assert [proposal.point for proposal in answer(question(study, 1, 3))] == one
