"""Preview of a sweep before it exists: points, arguments and counts, no more than requested."""

from collections.abc import Mapping

import pytest

from sweepd.spec.methods.proposed import Source
from sweepd.spec.parse import parse_mapping
from sweepd.spec.preview import preview
from sweepd.spec.sweep_spec import SweepSpec

GRID = {"a": {"values": [1, 2]}, "b": {"values": ["x", "y", "z"]}}


def a_spec(**document: object) -> SweepSpec:
    parsed = parse_mapping({"seed": 7, **document})
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec


def test_a_preview_shows_points_with_their_exact_arguments() -> None:
    spec = a_spec(method="grid", program="train.py", parameters=GRID)
    shown = preview(spec, 2, interpreter="python3")
    assert [run.point for run in shown.runs] == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}]
    assert shown.runs[0].argv == ("/usr/bin/env", "python3", "train.py", "--a=1", "--b=x")
    assert (shown.size.value, shown.planned_runs, shown.broken_off) == (6, 6, False)


def test_points_of_prior_runs_are_not_shown_again() -> None:
    spec = a_spec(method="grid", program="train.py", parameters=GRID)
    shown = preview(spec, 9, prior=[{"a": 1, "b": "x"}, {"a": 2, "b": "z"}])
    assert [run.point for run in shown.runs] == [
        {"a": 1, "b": "y"},
        {"a": 1, "b": "z"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]
    assert shown.planned_runs == 4


def test_macros_of_the_agent_stay_unexpanded() -> None:
    command = [
        "run",
        "${envvar:HOME}",
        "--at=${envvar:HOST}",
        "${agent.slot}",
        "${args_json_file}",
        "${repeat}",
    ]
    spec = a_spec(method="grid", command=command, repeats=2, parameters=GRID)
    runs = preview(spec, 2).runs
    assert [run.argv for run in runs] == [(*command[:5], "0"), (*command[:5], "1")]


def test_arguments_that_cannot_be_built_are_a_problem_of_one_run() -> None:
    long = "x" * 200_000
    spec = a_spec(method="grid", command=["run", "${a}"], parameters={"a": {"values": [1, long, 3]}})
    shown = preview(spec, 9)
    assert [bool(run.argv) for run in shown.runs] == [True, False, True]
    assert "131,071" in shown.runs[1].problem


@pytest.mark.parametrize(
    ("document", "count", "numbers"),
    [
        ({"method": "grid", "parameters": GRID}, 100, 6),
        ({"method": "grid", "parameters": GRID, "run_cap": 4}, 100, 4),
        ({"method": "grid", "parameters": GRID, "repeats": 4}, 7, 7),
        ({"method": "grid", "parameters": GRID, "repeats": 4, "run_cap": 6}, 100, 6),
        ({"method": "list", "runs": [{"a": 1}, {"a": 1}]}, 100, 2),
        ({"method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}}, 17, 17),
        ({"method": "random", "parameters": {"x": {"value": 1}}, "run_cap": 3}, 100, 3),
        ({"method": "sobol", "parameters": GRID}, 0, 0),
    ],
)
def test_it_shows_all_runs_up_to_the_limit(document: Mapping[str, object], count: int, numbers: int) -> None:
    shown = preview(a_spec(program="t.py", **document), count)
    assert len(shown.runs) == numbers
    repeats = a_spec(program="t.py", **document).repeats
    assert [run.repeat for run in shown.runs] == [number % repeats for number in range(numbers)]


def test_it_stops_at_the_size_limit() -> None:
    shown_to: list[object] = []

    def fits(run: object) -> bool:
        shown_to.append(run)
        return len(shown_to) <= 3

    spec = a_spec(method="random", program="t.py", parameters={"x": {"min": 0.0, "max": 1.0}})
    assert len(preview(spec, 10**9, fits=fits).runs) == 3
    assert len(shown_to) == 4


def test_a_space_of_a_trillion_points_costs_nothing() -> None:
    parameters = {f"p{number}": {"min": 1, "max": 1_000} for number in range(4)}
    for extra in ({}, {"shuffle": True}):
        shown = preview(a_spec(method="grid", program="t.py", parameters=parameters, **extra), 5)
        assert shown.size.value == shown.planned_runs == 10**12
        assert len({str(run.point) for run in shown.runs}) == 5


@pytest.mark.lengthy
def test_it_gives_up_on_rare_points() -> None:
    parameters = {name: {"min": 1, "max": 100_000} for name in "abc"}
    constraints = ["(a * b * c) % 1009 == 7 and a > 20000 and b > 50000"]
    spec = a_spec(method="grid", shuffle=True, program="t.py", parameters=parameters, constraints=constraints)
    shown = preview(spec, 100, patience=2, steps=1_000)
    assert shown.broken_off
    assert shown.size.is_estimate
    assert shown.planned_runs is None
    assert len(shown.runs) < 100


def test_bayes_shows_random_points_and_its_rungs() -> None:
    document = {
        "method": "bayes",
        "program": "t.py",
        "metric": {"name": "loss"},
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "early_terminate": [
            {"type": "hyperband", "min_iter": 3, "eta": 3},
            {"type": "threshold", "at": 5, "value": 1.0},
        ],
        "initial": [{"x": 0.5}],
    }
    shown = preview(a_spec(**document), 3)
    assert [run.source for run in shown.runs] == [Source.INITIAL, Source.RANDOM, Source.RANDOM]
    assert shown.rungs[:4] == (3, 5, 9, 27)
    assert shown.planned_runs is None
