"""Searches of spaces with conditions, constraints and zips: every suggested point is in the space."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suggestion_studies import a_spec, a_trial
from sweepd.spec.point import Point, point_digest
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_suggestion.domain.gaussian_process import answer
from sweepd_suggestion.domain.proposal import question
from sweepd_suggestion.domain.study import Study

SHAPES: st.SearchStrategy[dict[str, object]] = st.sampled_from(
    [
        {"min": 0.0, "max": 1.0},
        {"min": 1, "max": 6},
        {"values": ["a", "b", None]},
        {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0},
        {"distribution": "q_uniform", "min": 0.0, "max": 2.0, "q": 0.25},
        {"values": ["u", "v"], "probabilities": [0.2, 0.8]},
        {"distribution": "normal", "mu": 1.0},
    ]
)
CONDITIONS = ["switch == 'on'", "switch != 'on'", "level > 3", "switch == 'on' and level <= 4", "x < y"]
CONSTRAINTS = ["x + y <= 1", "x * y < 0.3 or level > 4", "x <= y <= 0.6", "level % 2 == 1", "inner.z < x"]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, object]:
    """Return a strategy for sweeps with groups, conditions, constraints and zips."""
    parameters: dict[str, object] = {
        "switch": {"values": ["on", "off", "auto"]},
        "level": {"min": 1, "max": 5},
        "x": {"min": 0.0, "max": 1.0},
        "y": {"min": 0.0, "max": 1.0},
    }
    for i in range(draw(st.integers(0, 3))):
        parameters[f"p{i}"] = {**draw(SHAPES), "when": draw(st.sampled_from(CONDITIONS))}
    deeper = {"z": {"min": 0.0, "max": 0.9}, "w": {**draw(SHAPES), "when": "inner.z > 0.3"}}
    group: dict[str, object] = {"parameters": deeper}
    parameters["inner"] = group | ({"when": draw(st.sampled_from(CONDITIONS))} if draw(st.booleans()) else {})
    document: dict[str, object] = {"parameters": parameters}
    if draw(st.booleans()):
        parameters["left"] = {"values": [1, 2, 3, 3]}
        right: dict[str, object] = {"values": ["i", "ii", "iii", "iv"]}
        if draw(st.booleans()):
            right["when"] = draw(st.sampled_from(CONDITIONS))
        parameters["right"] = right
        document["zip"] = [["left", "right"]]
    document["constraints"] = draw(st.lists(st.sampled_from(CONSTRAINTS), max_size=2, unique=True))
    return document


def spec_of(document: dict[str, object], seed: int) -> SweepSpec:
    parameters = document["parameters"]
    assert isinstance(parameters, dict)
    return a_spec(parameters, seed=seed, zip=document.get("zip", []), constraints=document["constraints"])


def spread(point: Point) -> float:
    """Return a loss that depends on every parameter of a point."""
    return (int.from_bytes(point_digest(point)[:4], "big") % 1000) / 1000


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents(), seed=st.integers(0, 2**40), runs=st.integers(0, 25), count=st.integers(1, 4))
def test_every_suggestion_lies_in_the_space_and_is_new(
    document: dict[str, object], seed: int, runs: int, count: int
) -> None:
    """Section 19: every point satisfies the conditions and constraints, in every method."""
    spec = spec_of(document, seed)
    study = Study(spec)
    for number in range(1, runs + 1):
        point = spec.search_space.random_point(7, number)
        study.observe(study.known + 1, a_trial(number, point, spread(point)))
    assert study.outside == 0
    proposals = answer(question(study, runs + 1, count))
    assert len(proposals) == count
    for proposal in proposals:
        assert spec.search_space.violations(proposal.point) == ()
    assert len(study.seen | {point_digest(one.point) for one in proposals}) == len(study.seen) + count


def test_the_first_points_of_a_tight_space_are_spread_out() -> None:
    names = ["a", "b", "c", "d"]
    spec = a_spec({name: {"min": 0.0, "max": 1.0} for name in names}, constraints=["a + b + c + d <= 1"])
    points = [one.point for one in answer(question(Study(spec), 1, 8))]
    assert all(spec.search_space.violations(point) == () for point in points)
    places = [spec.search_space.to_unit(point) for point in points]
    gaps = [
        max(abs((p or 0.0) - (q or 0.0)) for p, q in zip(one, other, strict=True))
        for i, one in enumerate(places)
        for other in places[:i]
    ]
    assert min(gaps) > 0.05


def test_the_better_branch_gets_the_runs_and_its_own_parameter_is_found() -> None:
    rate = {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0}
    spec = a_spec(
        {
            "algorithm": {"values": ["sgd", "adam"]},
            "sgd_lr": {**rate, "when": "algorithm == 'sgd'"},
            "adam_lr": {**rate, "when": "algorithm == 'adam'"},
        }
    )
    study = Study(spec)
    found = []
    for number in range(1, 26):
        (proposal,) = answer(question(study, number, 1))
        shares = [share for share in spec.search_space.to_unit(proposal.point)[::2] if share is not None]
        loss = {"sgd": 1.0, "adam": 0.5}[str(proposal.point["algorithm"])]
        found.append(proposal.point["algorithm"])
        study.observe(
            study.known + 1, a_trial(number, proposal.point, loss + sum((s - 0.7) ** 2 for s in shares))
        )
    assert found[-10:].count("adam") >= 8
    best = min(study.runs.values(), key=lambda run: (run.end and run.end.value) or 0.0)
    assert 0.5 <= (best.end.value if best.end and best.end.value else 9.0) < 0.501


def test_each_point_of_a_finite_space_with_conditions_constraints_and_zips_is_suggested_once() -> None:
    spec = a_spec(
        {
            "kind": {"values": ["flat", "deep"]},
            "depth": {"min": 1, "max": 3, "when": "kind == 'deep'"},
            "left": {"values": [1, 2, 3]},
            "right": {"values": ["i", "ii", "iii"]},
        },
        zip=[["left", "right"]],
        constraints=["left < 3 or kind == 'flat'"],
    )
    study = Study(spec)
    digests = set()
    while proposals := answer(question(study, study.known // 2 + 1, 1)):
        point = proposals[0].point
        assert spec.search_space.violations(point) == ()
        digests.add(point_digest(point))
        study.observe(study.known + 1, a_trial(study.known // 2 + 1, point, float(len(digests))))
    assert len(digests) == len(study.runs) == 3 + 2 * 3
    assert study.exhausted


def test_rows_of_a_zip_have_no_order() -> None:
    rows = list(range(8))
    spec = a_spec(
        {
            "left": {"values": rows},
            "right": {"values": [f"r{i}" for i in rows]},
            "x": {"min": 0.0, "max": 1.0},
        },
        zip=[["left", "right"]],
    )
    study = Study(spec)
    for number in range(1, 31):
        point = spec.search_space.random_point(3, number)
        study.observe(
            study.known + 1, a_trial(number, point, 0.0 if point["right"] == "r3" else 1.0 + number / 1e3)
        )
    for proposal in answer(question(study, 31, 2)):
        assert (proposal.point["left"], proposal.point["right"]) == (3, "r3")


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_with_repeats_each_point_belongs_to_the_number_of_its_first_run(ahead: int) -> None:
    """P15 with `repeats`: a suggestion can be replayed from its run number, alone or among others."""
    spec = a_spec(repeats=3, run_cap=300)
    study = Study(spec)
    for place in range(10):
        point = spec.search_space.random_point(7, place)
        study.observe(study.known + 1, a_trial(1 + 3 * place, point, spread(point)))
    together = answer(question(study, 31, 4))
    assert [one.run_number for one in together] == [31, 34, 37, 40]
    assert answer(question(study, 31 + 3 * ahead, 1)) == together[ahead : ahead + 1]
