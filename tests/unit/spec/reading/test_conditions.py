"""Findings about `when`, `constraints` and `zip` (section 19) at the creation of a sweep."""

from collections.abc import Mapping
from unittest.mock import patch

import pytest

from sweepd.spec import check_space
from sweepd.spec.finding import Diagnostic
from sweepd.spec.parse import parse_mapping, parse_text

XY = {"x": {"min": 0.0, "max": 1.0}, "y": {"min": 0.0, "max": 1.0}}
SWITCH = {"values": ["on", "off"]}


def found(
    parameters: Mapping[str, object],
    constraints: list[str] | None = None,
    method: str = "random",
    **keys: object,
) -> list[Diagnostic]:
    document = {"program": "t.py", "method": method, "parameters": parameters, **keys}
    if constraints:
        document["constraints"] = constraints
    return list(parse_mapping(document).diagnostics)


def codes(diagnostics: list[Diagnostic]) -> list[tuple[str, str, str]]:
    return [(each.severity, each.code, each.path) for each in diagnostics]


def test_a_wrong_expression_is_reported_with_its_line_column_character_and_remedy() -> None:
    text = b"""method: random
program: t.py
parameters:
  kind: {values: [sgd, adam]}
  lr:
    min: 0.1
    max: 1.0
    when: knd == 'sgd'
  g:
    when: kind = 'sgd'
    parameters:
      x: {min: 0, max: 9, when: "lr + 'a' > 1"}
constraints:
  - lr < 0.5
  - "lr << 2"
"""
    unknown = "there is no parameter `knd`; text must be quoted (character 1)"
    lines = [str(each) for each in parse_text(text, file="s.yaml").diagnostics]
    assert lines == [
        f"s.yaml:8:11: parameters.lr.when: {unknown}; did you mean `kind`?",
        "s.yaml:10:11: parameters.g.when: `=` is not an operator (character 6); did you mean `==`?",
        "s.yaml:12:33: parameters.g.x.when: `+` takes numbers, but this is text (character 6)",
        "s.yaml:15:5: constraints[1]: `<` is unexpected here (character 5)",
    ]


@pytest.mark.parametrize(
    ("whens", "circle"),
    [
        ({"a": "a > 0"}, "a -> a"),
        ({"a": "b > 0", "b": "a > 0"}, "a -> b -> a"),
        ({"a": "b > 0", "b": "c > 0 or d > 0", "c": "a > 0"}, "a -> b -> c -> a"),
    ],
)
def test_circular_conditions_are_refused(whens: dict[str, str], circle: str) -> None:
    parameters = {
        name: {"min": 0, "max": 3, **({"when": whens[name]} if name in whens else {})} for name in "abcd"
    }
    (error,) = [each for each in found(parameters) if each.severity == "error"]
    assert error.code == "circular-condition"
    names = error.message.removeprefix("conditions that depend on each other: ").split(" -> ")
    assert names[0] == names[-1]
    assert sorted(names[1:]) == sorted(circle.split(" -> ")[1:])


def test_a_group_that_depends_on_its_members_is_circular() -> None:
    inner = {"x": {"min": 0, "max": 3}, "y": {"min": 0, "max": 3}}
    (error,) = found({"g": {"when": "g.x > 1", "parameters": inner}})
    assert (error.code, error.message) == (
        "circular-condition",
        "conditions that depend on each other: g.x -> g.x",
    )


def test_a_condition_that_never_or_always_holds_causes_a_warning() -> None:
    parameters = {
        "kind": {"values": ["a", "b"]},
        "n": {"min": 1, "max": 9},
        "p": {"min": 0, "max": 1, "when": "kind == 'c'"},
        "q": {"min": 0, "max": 1, "when": "n > 0 and kind in ['a', 'b']"},
        "r": {"min": 0, "max": 1, "when": "n > 5"},
        "s": {"min": 0, "max": 1, "when": "r >= 0 or n <= 5"},
        "t": {"min": 0, "max": 1, "when": "not r == 0 and n > 5 and r != 1"},
        "u": {"min": 0.0, "max": 1.0, "when": "x > 2"},
        "x": {"min": 0.0, "max": 1.0},
    }
    diagnostics = found(parameters, ["n < 10"])
    assert codes(diagnostics) == [
        ("warning", "never-holds", "parameters.p.when"),
        ("warning", "always-holds", "parameters.q.when"),
        ("warning", "always-holds", "parameters.s.when"),
        ("warning", "never-holds", "parameters.t.when"),
        ("warning", "always-holds", "constraints[0]"),
    ], "that of `u` is over an endless space and is not tried"
    assert diagnostics[0].message == "`kind == 'c'` never holds, whatever the parameters are"


@pytest.mark.parametrize(("size", "warned"), [(10_000, True), (10_001, False)])
def test_conditions_over_more_than_ten_thousand_combinations_are_not_tried(size: int, warned: bool) -> None:
    diagnostics = found({"n": {"min": 1, "max": size}, "x": {"min": 0.0, "max": 1.0, "when": "n > 0"}})
    assert bool(diagnostics) is warned


def test_a_condition_uses_only_the_combinations_that_decide_it_from_the_budget() -> None:
    """A condition that both holds and fails within its first combinations is not tried further."""
    parameters: dict[str, object] = {"n": {"min": 1, "max": 90}}
    for number in range(20):
        parameters[f"x{number:02}"] = {"min": 0.0, "max": 1.0, "when": "n != 2"}
    parameters["y"] = {"min": 0.0, "max": 1.0, "when": "n > 90"}
    with patch.object(check_space, "_BUDGET", 300):
        assert codes(found(parameters)) == [("warning", "never-holds", "parameters.y.when")]


def test_all_expressions_share_a_budget_of_combinations() -> None:
    """Otherwise many of them would take minutes; here, each uses ten combinations."""
    conditions = {f"x{number}": {"min": 0.0, "max": 1.0, "when": "n > 0"} for number in range(4)}
    with patch.object(check_space, "_BUDGET", 25):
        assert len(found({"n": {"min": 1, "max": 10}, **conditions})) == 2


def test_constraints_that_no_draw_satisfies_are_refused() -> None:
    (error,) = found(XY, ["x + y > 2"])
    assert (error.severity, error.code, error.path) == ("error", "infeasible", "constraints")
    assert error.message == ("none of 10,000 random points satisfies them; loosen them or narrow the bounds")


@pytest.mark.parametrize("method", ["random", "sobol", "bayes"])
def test_constraints_that_few_draws_satisfy_cause_a_warning(method: str) -> None:
    metric: dict[str, object] = {"metric": {"name": "loss"}} if method == "bayes" else {}
    (warning,) = found(XY, ["x + y < 0.03"], method, **metric)
    assert (warning.severity, warning.code) == ("warning", "hardly-feasible")
    hits = int(warning.message.removeprefix("only ").split(" of 10,000")[0])
    assert 1 <= hits < 10
    assert found(XY, ["x + y < 0.07"], method, **metric) == [], "some 24 of 10,000 are enough"


@pytest.mark.parametrize("constraints", [["x < 0.01", "y < 0.01"], ["x < 0.01 and y < 0.01"]])
def test_components_drawn_separately_are_judged_separately(constraints: list[str]) -> None:
    """One complete point in 10,000 fits, of each part one in 100. A sequence has complete points only."""
    assert found(XY, constraints) == []
    (diagnostic,) = found(XY, constraints, "sobol")
    assert diagnostic.code in ("infeasible", "hardly-feasible")


def test_constraints_that_no_grid_point_satisfies_are_refused_after_an_exact_count() -> None:
    parameters = {"a": {"min": 1, "max": 1000}, "b": {"min": 1, "max": 100}}
    (error,) = found(parameters, ["a * b == 99991"], "grid")
    assert (error.severity, error.code) == ("error", "infeasible")
    assert error.message == "no point of the grid satisfies them; loosen them"
    assert found(parameters, ["a * b == 99000"], "grid") == [], "one of 100,000 combinations is a point"


def test_a_grid_without_a_point_among_its_first_combinations_causes_a_warning() -> None:
    parameters = {f"p{number}": {"min": 1, "max": 1000} for number in range(4)}
    (warning,) = found(parameters, ["(p0 * p1 * p2 * p3) % 1000003 == 999999"], "grid")
    assert (warning.severity, warning.code) == ("warning", "hardly-feasible")
    assert "none of the first 5,000" in warning.message


@pytest.mark.parametrize("key", ["initial", "runs"])
def test_a_listed_point_that_breaks_a_constraint_is_refused(key: str) -> None:
    parameters = {"x": {"min": 0, "max": 9}, "y": {"min": 0, "max": 9}}
    method = "list" if key == "runs" else "random"
    points = [{"x": 1, "y": 2}, {"x": 5, "y": 5}]
    (error,) = found(parameters, ["x + y < 9"], method, **{key: points})
    assert (error.code, error.path) == ("not-in-space", f"{key}[1]")
    assert error.message == "the constraint `x + y < 9` does not hold with x = 5, y = 5"


def test_a_listed_point_with_an_inactive_parameter_is_refused() -> None:
    parameters = {"kind": SWITCH, "n": {"min": 1, "max": 3, "when": "kind == 'on'"}}
    points = [{"kind": "on", "n": 1}, {"kind": "off", "n": 1}, {"kind": "on"}, {"kind": "off"}]
    errors = found(parameters, method="list", runs=points)
    assert [(each.path, each.message) for each in errors] == [
        ("runs[1]", "n is used only if `kind == 'on'` holds"),
        ("runs[2]", "n is missing"),
    ]


@pytest.mark.parametrize(
    ("zips", "message"),
    [
        ([["a", "a"]], "`a` is in this zip twice"),
        ([["a", "b"], ["b", "c"]], "`b` is already in another zip"),
        ([["a", "d"]], "zipped parameters need equally many values; `a` has 2, `d` has 3"),
        ([["a", "n"]], "`n` cannot be zipped: a zipped parameter needs `values`, without probabilities"),
        ([["a", "w"]], "`w` cannot be zipped: a zipped parameter needs `values`, without probabilities"),
        ([["a", "k"]], "`k` cannot be zipped: a zipped parameter needs `values`, without probabilities"),
        ([["a", "bb"]], "there is no parameter `bb`"),
        ([["a", "g"]], "`g` is a group; name one of its parameters"),
    ],
)
def test_an_invalid_zip_is_refused(zips: list[list[str]], message: str) -> None:
    parameters = {
        **{name: {"values": [1, 2]} for name in "abc"},
        "d": {"values": [1, 2, 3]},
        "n": {"min": 1, "max": 2},
        "w": {"values": [1, 2], "probabilities": [0.5, 0.5]},
        "k": {"value": 3},
        "g": {"parameters": {"x": {"values": [1, 2]}}},
    }
    (error,) = found(parameters, zip=zips)
    assert (error.code, error.message) == ("bad-zip", message)


@pytest.mark.parametrize(("count", "refused"), [(100, False), (101, True)])
def test_more_than_a_hundred_constraints_are_refused(count: int, refused: bool) -> None:
    diagnostics = found(XY, [f"x + y < {2 + number}" for number in range(count)])
    assert [each.message for each in diagnostics] == (
        ["101 expressions; at most 100 are allowed"] if refused else []
    )


@pytest.mark.parametrize(("count", "refused"), [(1_000, False), (1_001, True)])
def test_more_than_a_thousand_conditions_are_refused(count: int, refused: bool) -> None:
    one = {"min": 0.0, "max": 1.0, "when": "x > 0.5"}
    diagnostics = found({**XY, **{f"p{number}": one for number in range(count)}})
    assert [each.message for each in diagnostics] == (
        ["1,001 parameters and groups have a `when`; the maximum is 1,000"] if refused else []
    )
