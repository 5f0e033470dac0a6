"""Importance of parameters, computed from runs whose values are known functions of their points."""

from __future__ import annotations

from collections.abc import Mapping
from math import log, log10
from random import Random
from time import process_time

import numpy as np
import pytest

from suggestion_studies import Loss, a_spec, valued_points
from sweepd.spec.point import Point
from sweepd_suggestion.domain.feature_importance import feature_importance
from sweepd_suggestion.domain.questions import Importance, ImportanceQuestion, ParameterImportance

ZIPPED: Mapping[str, object] = {
    "a": {"values": [1, 2, 3, 4]},
    "b": {"values": ["w", "x", "y", "z"]},
    "c": {"min": 0.0, "max": 1.0},
}


def by_name(found: Importance) -> dict[str, ParameterImportance]:
    return {"+".join(one.names): one for one in found.parameters}


def shares(found: Importance) -> dict[str, float]:
    return {name: one.importance for name, one in by_name(found).items()}


def test_parameters_are_ranked_by_effect_and_irrelevant_ones_have_almost_no_share() -> None:
    found = feature_importance(
        valued_points(lambda p, rng: 3 * (log10(p["lr"]) + 3) ** 2 + p["batch"] / 64 + rng.gauss(0, 0.3))
    )
    share = shares(found)
    assert list(share)[:2] == ["lr", "batch"]
    assert share["lr"] > 0.7
    assert all(share[name] < 0.03 for name in ("noise", "flag", "opt.kind", "opt.momentum", "many"))
    assert sum(share.values()) == pytest.approx(1.0)
    assert "fixed" not in share
    assert found.runs == 200
    assert found.explained is not None
    assert 0.7 < found.explained <= 1.0


def test_a_conditional_parameter_has_an_importance() -> None:
    found = feature_importance(valued_points(lambda p, _: 10 * p["opt"].get("momentum", 0.0)))
    share = shares(found)
    assert set(list(share)[:2]) == {"opt.kind", "opt.momentum"}
    assert share["opt.kind"] + share["opt.momentum"] > 0.9
    assert by_name(found)["opt.momentum"].correlation == pytest.approx(1.0)


def test_correlations_are_signed_and_use_the_scale_of_the_distribution() -> None:
    rising = by_name(feature_importance(valued_points(lambda p, _: log10(p["lr"]))))
    assert rising["lr"].correlation == pytest.approx(1.0)
    falling = by_name(feature_importance(valued_points(lambda p, _: -p["batch"] + 0.001 * p["flag"])))
    assert falling["batch"].correlation == pytest.approx(-1.0, abs=1e-4)
    truth = by_name(feature_importance(valued_points(lambda p, _: float(p["flag"]))))
    assert truth["flag"].correlation == pytest.approx(1.0)


def test_normal_and_log_normal_parameters_correlate_linearly_and_by_logarithm() -> None:
    spread = {"mu": 2, "sigma": 3}
    space = {"n": {"distribution": "normal", **spread}, "ln": {"distribution": "log_normal", **spread}}
    spec = a_spec(space, method="random")
    assert by_name(feature_importance(valued_points(lambda p, _: p["n"], spec=spec)))[
        "n"
    ].correlation == pytest.approx(1.0)
    assert by_name(feature_importance(valued_points(lambda p, _: log(p["ln"]), spec=spec)))[
        "ln"
    ].correlation == pytest.approx(1)


def test_each_category_has_a_correlation_in_the_order_of_the_file() -> None:
    found = by_name(feature_importance(valued_points(lambda p, _: float(p["opt"]["kind"] == "sgd"))))
    kind = found["opt.kind"]
    assert kind.correlation is None
    assert [one.value for one in kind.categories] == ["adam", "sgd", None]
    correlations = [one.correlation for one in kind.categories]
    assert correlations[1] == pytest.approx(1.0)
    question = valued_points(lambda p, _: float(p["opt"]["kind"] == "sgd"))
    has = np.array([float(p["opt"]["kind"] is None) for p in question.points])  # type: ignore[index, call-overload]
    assert correlations[2] == pytest.approx(np.corrcoef(has, question.values)[0, 1])
    assert found["lr"].categories == ()


def test_zipped_parameters_have_one_importance() -> None:
    found = by_name(
        feature_importance(valued_points(lambda p, _: p["a"], spec=a_spec(ZIPPED, zip=[["a", "b"]])))
    )
    assert found["a+b"].names == ("a", "b")
    assert found["a+b"].importance > 0.9
    assert [one.value for one in found["a+b"].categories] == [[1, "w"], [2, "x"], [3, "y"], [4, "z"]]


def test_repeated_points_do_not_reduce_the_importance() -> None:
    rng, once = Random(3), valued_points(lambda p, _: log10(p["lr"]), 30)
    repeated = ImportanceQuestion(
        space=once.space,
        points=once.points * 4,
        values=tuple(value + rng.gauss(0, 1) for value in once.values * 4),
    )
    assert shares(feature_importance(repeated))["lr"] > 0.8
    alike = ImportanceQuestion(space=once.space, points=once.points * 2, values=(0.0,) * 30 + (1.0,) * 30)
    assert feature_importance(alike).explained is None


def test_a_sweep_without_present_parameters_has_no_importance() -> None:
    space = {"c": {"value": 1}, "b": {"values": ["x", "y"], "when": "c == 2"}}
    found = feature_importance(valued_points(lambda _, rng: rng.random(), 20, a_spec(space, method="random")))
    assert (found.runs, found.explained, shares(found)) == (20, None, {"b": 0.0})


def test_thousands_of_categories_take_no_longer_than_some() -> None:
    names = [f"c{number}" for number in range(3_000)]
    spec = a_spec({f"p{number}": {"values": names} for number in range(6)}, method="random")
    question = valued_points(lambda p, _: float(p["p0"] < "c15"), 500, spec)
    began = process_time()
    found = feature_importance(question)
    assert process_time() - began < 5  # a column for each takes several times as long
    assert len(by_name(found)["p0"].categories) > 400


def test_of_many_categories_the_frequent_ones_are_distinguished() -> None:
    categories = {"values": list("abcd"), "probabilities": [0.06, 0.06, 0.44, 0.44]}
    spec = a_spec({f"p{number:03}": categories for number in range(250)}, method="random")
    found = feature_importance(valued_points(lambda p, _: float(p["p007"] == "c"), 60, spec))
    assert found.parameters[0].names == ("p007",)
    assert found.parameters[0].importance > 0.5


@pytest.mark.parametrize(
    ("runs", "loss"),
    [(0, lambda *_: 0.0), (1, lambda *_: 1.0), (7, lambda p, _: p["lr"]), (50, lambda *_: 4.0)],
)
def test_without_evidence_all_parameters_have_equal_shares(runs: int, loss: Loss) -> None:
    found = feature_importance(valued_points(loss, runs))
    assert found.runs == runs
    assert found.explained is None
    assert set(shares(found).values()) == {0.0}


def test_one_diverged_run_does_not_hide_the_importance() -> None:
    question = valued_points(lambda p, _: log10(p["lr"]))
    values = (1e300, -1e308, *question.values[2:])
    found = feature_importance(
        ImportanceQuestion(space=question.space, points=question.points, values=values)
    )
    assert shares(found)["lr"] > 0.9
    assert found.explained is not None
    assert found.explained > 0.8


def test_points_outside_the_space_are_left_out() -> None:
    question = valued_points(lambda p, _: p["lr"], 20)
    beyond: Point = {**question.points[0], "lr": 5.0}
    found = feature_importance(
        ImportanceQuestion(
            space=question.space, points=(beyond, *question.points), values=(0.0, *question.values)
        )
    )
    assert found == feature_importance(question)


def test_a_sweep_of_constants_has_no_importance() -> None:
    question = valued_points(lambda *_: 1.0, 10, a_spec({"c": {"value": 1}}, method="random"))
    assert feature_importance(question) == Importance(parameters=(), runs=10, explained=None)
