"""Sweeps, studies and questions for tests of the search."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Point
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_suggestion.domain.questions import ImportanceQuestion
from sweepd_suggestion.domain.study import Ended, HandedOut, Observation, Outcome, Study

MIXED: Mapping[str, object] = {
    "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
    "optimizer": {"values": ["sgd", "adam", None]},
    "layers": {"min": 1, "max": 8},
    "nested": {"parameters": {"dropout": {"distribution": "q_uniform", "min": 0.0, "max": 0.5, "q": 0.1}}},
    "fixed": {"value": {"a": [1, 2.0]}},
}
MINIMIZED: Mapping[str, object] = {"goal": "minimize"}
VARIED: Mapping[str, object] = {
    "lr": {"distribution": "log_uniform_values", "min": 1e-6, "max": 1.0},
    "opt": {
        "parameters": {
            "kind": {"values": ["adam", "sgd", None]},
            "momentum": {"min": 0.0, "max": 1.0, "when": "opt.kind == 'sgd'"},
        }
    },
    "batch": {"values": [64, 16, 256]},
    "flag": {"values": [True, False]},
    "noise": {"min": 0.0, "max": 1.0},
    "many": {"values": list(range(40))},
    "fixed": {"value": 3},
}
"""Parameters of every kind, one of them conditional."""
SMALL: Mapping[str, object] = {"a": {"values": ["x", "y", "z"]}, "b": {"min": 1, "max": 2}}


def a_spec(
    parameters: Mapping[str, object] = MIXED,
    *,
    seed: int = 1,
    run_cap: int | None = None,
    metric: Mapping[str, object] = MINIMIZED,
    **keys: object,
) -> SweepSpec:
    """Return the specification of a `bayes` sweep; `keys` are further keys of its file."""
    document: dict[str, object] = {
        "method": "bayes",
        "metric": {"name": "loss", **metric},
        "seed": seed,
        "parameters": parameters,
        **keys,
    }
    if run_cap is not None:
        document["run_cap"] = run_cap
    parsed = parse_mapping(document)
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec


def finished(run_number: int, value: float | None) -> Ended:
    """Return the end of a run that finished with a value."""
    return Ended(
        run_number=run_number, outcome=Outcome.FINISHED, value=value, best=value, worst=value, last=value
    )


def a_trial(run_number: int, point: Point, value: float | None) -> list[Observation]:
    """Return the observations of a run, from hand-out to end."""
    return [HandedOut(run_number=run_number, point=point), finished(run_number, value)]


def a_study(spec: SweepSpec, runs: int, loss: Callable[[Point], float | None]) -> Study:
    """Return a study of finished runs at random points."""
    study = Study(spec)
    for run_number in range(1, runs + 1):
        point = spec.search_space.random_point(7, run_number)
        study.observe(study.known + 1, a_trial(run_number, point, loss(point)))
    return study


Loss = Callable[[Any, Random], float]


def valued_points(loss: Loss, runs: int = 200, spec: SweepSpec | None = None) -> ImportanceQuestion:
    """Return a question about random points, valued by `loss`."""
    space, rng = (spec or a_spec(VARIED)).search_space, Random(5)
    points = tuple(space.random_point(7, number) for number in range(runs))
    return ImportanceQuestion(space=space, points=points, values=tuple(loss(point, rng) for point in points))


def layers_of(point: Point) -> float:
    """Return the number of layers of a point, as a loss."""
    layers = point["layers"]
    assert isinstance(layers, int)
    return float(layers)
