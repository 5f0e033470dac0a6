"""Files proposed from earlier runs."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from sweepd.spec.limits import MAX_EXPRESSION_LENGTH
from sweepd.spec.parse import parse_text
from sweepd.spec.point import Json, Point
from sweepd.spec.propose import proposal_text, propose
from sweepd.spec.sweep_spec import SweepSpec
from unit.spec.strategies import json_values, names

HEAD: dict[str, Json] = {"method": "random", "program": "train.py", "metric": {"name": "loss"}}


def text_of(points: list[Point], *, listed: bool = False, best: Point | None = None) -> str:
    head: dict[str, Json] = {**HEAD, "method": "grid" if listed else "random"}
    return proposal_text(head, propose(points, listed=listed, best=best), comments=["by hand"])


def spec_of(text: str) -> SweepSpec:
    parsed = parse_text(text.encode(), file="proposed.yaml")
    assert parsed.spec is not None, (text, parsed.diagnostics)
    return parsed.spec


def parameters(points: list[Point]) -> dict[str, object]:
    document = yaml.safe_load(text_of(points))
    assert isinstance(document, dict)
    shown: dict[str, object] = document["parameters"]
    return shown


def test_each_parameter_becomes_a_constant_a_choice_or_a_range() -> None:
    points: list[Point] = [
        {
            "batch": 16 * (1 + number % 2),
            "depth": number,
            "drop": number / 20,
            "lr": 10.0 ** (-number / 3),
            "name": "adam" if number % 3 else "sgd",
            "size": 1 if number % 2 else 0.5 + number,
            "warm": bool(number % 2),
            "seed": 7,
        }
        for number in range(1, 13)
    ]
    assert parameters(points) == {
        "batch": {"values": [16, 32]},
        "depth": {"distribution": "int_uniform", "min": 1, "max": 12},
        "drop": {"distribution": "uniform", "min": 0.05, "max": 0.6},
        "lr": {"distribution": "log_uniform_values", "min": 0.0001, "max": 10.0 ** (-1 / 3)},
        "name": {"values": ["adam", "sgd"]},
        "seed": {"value": 7},
        "size": {"distribution": "uniform", "min": 1, "max": 12.5},
        "warm": {"values": [False, True]},
    }


def test_comments_show_the_origin_of_each_parameter() -> None:
    points: list[Point] = [{"lr": 0.001, "seed": 1}, {"lr": 0.5, "seed": 1}]
    assert text_of(points, best=points[0]) == (
        "# by hand\n"
        "method: random\n"
        "program: train.py\n"
        "metric: {name: loss}\n"
        "parameters:\n"
        "  lr:  # 0.001 to 0.5, over 2.7 orders of magnitude, in 2 runs; the best run had 0.001\n"
        "    distribution: log_uniform_values\n"
        "    min: 0.001\n"
        "    max: 0.5\n"
        "  seed:  # the only value in 2 runs\n"
        "    value: 1\n"
    )


def test_groups_remain_groups() -> None:
    points: list[Point] = [{"opt": {"name": "sgd", "lr": lr}} for lr in (0.25, 0.5)]
    assert parameters(points) == {
        "opt": {
            "parameters": {
                "lr": {"distribution": "uniform", "min": 0.25, "max": 0.5},
                "name": {"value": "sgd"},
            }
        }
    }


def test_a_parameter_of_some_points_gets_the_condition_that_separates_them() -> None:
    points: list[Point] = [
        {"name": "adam", "net": {"kind": "flat"}},
        {"name": "sgd", "momentum": 0.5, "net": {"kind": "deep", "layers": 2}},
        {"name": 'a"b', "momentum": 0.75, "net": {"kind": "deep", "layers": 5}},
    ]
    text = text_of(points)
    space = spec_of(text).search_space
    shown = parameters(points)
    assert shown["momentum"] == {
        "distribution": "uniform",
        "min": 0.5,
        "max": 0.75,
        "when": 'name in ["a\\"b", "sgd"]',
    }
    assert 'when: "name in [' in text
    assert [space.violations(point) for point in points] == [(), (), ()]
    assert space.violations({"name": "adam", "momentum": 0.5, "net": {"kind": "flat"}})


def test_an_unexplained_absence_is_reported() -> None:
    proposal = propose([{"a": 1, "b": 2}, {"a": 2}])
    assert proposal.unexplained == ("b",)
    assert propose([{"a": {"b": 1}}, {"a": {"c": 2}}]).unexplained == ()  # one of two mappings


def test_values_that_no_expression_can_contain_give_no_condition() -> None:
    points: list[Point] = [{"k": "a", "x": 1}, {"k": "\x07", "x": 2}, {"k": "b"}]
    assert propose(points).unexplained == ("x",)
    assert propose([{**point, "k": point["k"] == "b"} for point in points]).unexplained == ()


def test_the_longest_expression_allowed_is_a_condition_and_a_longer_one_is_not() -> None:
    text = "a" * (MAX_EXPRESSION_LENGTH - len('k == ""'))
    shown = parameters([{"k": text, "x": 1}, {"k": "b"}])
    assert shown["x"] == {"value": 1, "when": f'k == "{text}"'}
    assert propose([{"k": f"{text}a", "x": 1}, {"k": "b"}]).unexplained == ("x",)


def test_a_boolean_that_determines_presence_is_named_in_the_condition() -> None:
    points: list[Point] = [{"warm": True, "steps": 5}, {"warm": False, "decay": 1}]
    shown = parameters(points)
    assert shown["steps"] == {"value": 5, "when": "warm == true"}
    assert shown["decay"] == {"value": 1, "when": "warm == false"}


def test_members_of_groups_are_used_in_conditions_only_if_dotted_names_are_unambiguous() -> None:
    points: list[Point] = [{"opt": {"kind": "sgd", "m": 1}}, {"opt": {"kind": "adam"}}]
    assert parameters(points) == {
        "opt": {
            "parameters": {
                "kind": {"values": ["adam", "sgd"]},
                "m": {"value": 1, "when": 'opt.kind == "sgd"'},
            }
        }
    }
    for place in (0, 1):  # a dotted name in any of the points
        dotted: list[Point] = [{**point, "x": 1, "y": 2} for point in points]
        dotted[place]["opt.m"] = 3
        assert parameters(dotted)["opt"] == {"values": [{"kind": "adam"}, {"kind": "sgd", "m": 1}]}


def test_a_grid_lists_all_values() -> None:
    points: list[Point] = [{"lr": number / 7, "n": number} for number in range(20)]
    spec = spec_of(text_of(points, listed=True))
    assert spec.search_space.grid.size == 400


def test_numbers_that_no_range_contains_exactly_are_listed() -> None:
    """As a float, the integer would be rounded down: a range would contain only the other number."""
    points: list[Point] = [{"x": -0.5}, {"x": 2**53 + 1}]
    assert parameters(points) == {"x": {"values": [-0.5, 2**53 + 1]}}


def test_texts_that_look_like_other_values_stay_texts() -> None:
    values = [
        "yes",
        "1e5",
        "1e-05",
        "null",
        "",
        "~",
        "y",
        "a: b",
        "#",
        "ü\u2028\x7f\U0001f600",
        "0x1f",
        "- 1",
    ]
    points: list[Point] = [{"a": value, "no": 1e-05, "on": 1e22} for value in values]
    shown = parameters(points)  # by PyYAML
    assert shown == {"a": {"values": sorted(values)}, "no": {"value": 1e-05}, "on": {"value": 1e22}}
    assert [spec_of(text_of(points)).search_space.violations(point) for point in points] == [()] * len(points)


def test_a_proposal_without_anything_to_search_is_recognised() -> None:
    assert not propose([{"a": 1, "b": {"c": "x"}}]).searches
    assert propose([{"b": {"c": "x"}}, {"b": {"c": "y"}}]).searches


leaves = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | json_values


@st.composite
def tried(draw: st.DrawFn) -> list[Point]:
    """Draw points of one shape, with a group, and a parameter that is present for one value of a text."""
    columns = draw(st.dictionaries(names, st.lists(leaves, min_size=1, max_size=4), min_size=1, max_size=4))
    inner = draw(st.dictionaries(names, st.lists(leaves, min_size=1, max_size=3), max_size=2))
    asks = draw(st.booleans())
    points: list[Point] = []
    for number in range(draw(st.integers(1, 6))):
        point: Point = {name: values[number % len(values)] for name, values in columns.items()}
        if inner:
            point["group"] = {name: values[number % len(values)] for name, values in inner.items()}
        if asks:
            point["kind"] = "odd" if number % 2 else "even"
            point.pop("extra", None)
            if number % 2:
                point["extra"] = number / 3
        points.append(point)
    return points


@pytest.mark.lengthy
@given(tried(), st.booleans())
def test_the_proposed_file_is_valid_and_its_space_contains_every_point_seen(
    points: list[Point], listed: bool
) -> None:
    proposal = propose(points, listed=listed)
    assume(not proposal.unexplained)
    space = spec_of(text_of(points, listed=listed)).search_space
    for point in points:
        assert space.violations(point) == ()
