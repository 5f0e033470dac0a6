"""Points as users type them, and their parsed form."""

from __future__ import annotations

import pytest

from sweepd import v1
from sweepd.cli.commands.steer.typed import assembled, names_of, typed_value, typed_values, typed_words
from sweepd.cli.failures import Problem
from sweepd.codec.values import point_message
from sweepd.spec.point import Json

NAMES = {"lr": None, "a.b": None, "opt": {"lr": None, "in": {"x": None, "y.z": None}}}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("x=1", 1),
        ("x=1.0", 1.0),
        ("x=1e-5", 1e-5),
        ("x=0x10", 16),
        ("x=yes", True),
        ("x=null", None),
        ("x=", None),
        ("x=adam", "adam"),
        ("x='1'", "1"),
        ('x="a\\tb"', "a\tb"),
        ("x=[1, a, 'b']", [1, "a", "b"]),
        ('x={"a": 1e-3}', {"a": 1e-3}),
        ("x={a: [no]}", {"a": [False]}),
        ("x=a=b", "a=b"),
        ("x=a: b # c", "a: b # c"),
        ("x=- 1", "- 1"),
        ("x=1 2", "1 2"),
    ],
)
def test_a_value_is_parsed_as_in_a_sweep_file(word: str, value: Json) -> None:
    name, read = typed_value(word)
    assert name == "x"
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "word", ["x", "=1", "", "x=[1", "x='a", "x='a' b", "x={a: 1, a: 2}", "x=" + "1" * 500]
)
def test_an_invalid_value_is_a_usage_error(word: str) -> None:
    with pytest.raises(Problem) as refusal:
        typed_value(word)
    assert refusal.value.exit_code == 2


def test_a_name_that_is_given_twice_is_a_usage_error() -> None:
    assert typed_words(["lr=1", "opt.lr=2"], "--param") == {"lr": 1, "opt.lr": 2}
    with pytest.raises(Problem, match="--param lr: given twice") as refusal:
        typed_words(["lr=1", "a=1", "lr=1"], "--param")
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("text", ["", "[1]", "x", "a: b: c", "{a: 1, a: 2}", "a: !!binary x"])
def test_a_text_that_is_not_a_mapping_is_a_usage_error(text: str) -> None:
    with pytest.raises(Problem, match="--params: "):
        typed_values(text, "--params")


def test_a_dotted_name_is_a_path_into_a_group_or_a_name_with_dots() -> None:
    assert assembled(NAMES, [("lr", 1), ("a.b", 2), ("opt.lr", 3), ("opt.in.x", 4), ("opt.in.y.z", 5)]) == {
        "lr": 1,
        "a.b": 2,
        "opt": {"lr": 3, "in": {"x": 4, "y.z": 5}},
    }


def test_a_mapping_is_merged_into_its_group_and_later_values_win() -> None:
    values: list[tuple[str, Json]] = [
        ("opt", {"lr": 1, "in.x": 2, "odd": 3}),
        ("opt.lr", 4),
        ("opt.in", {"y.z": 5}),
        ("lr", {"kept": "whole"}),
    ]
    assert assembled(NAMES, values) == {
        "opt": {"lr": 4, "in": {"x": 2, "y.z": 5}, "odd": 3},  # the server refuses unknown members
        "lr": {"kept": "whole"},
    }


def test_a_scalar_for_a_group_is_left_to_the_server() -> None:
    assert assembled(NAMES, [("opt", 1)]) == {"opt": 1}
    assert assembled(NAMES, [("opt", 1), ("opt.lr", 2)]) == {"opt": {"lr": 2}}


def test_unknown_names_are_reported_together_with_suggestions() -> None:
    with pytest.raises(
        Problem, match=r"not a parameter of the sweep: opt.lrr \(did you mean `opt.lr`\?\), qqq"
    ):
        assembled(NAMES, [("opt.lrr", 1), ("qqq", 2), ("lr", 3)])


def test_names_are_taken_from_the_space_or_else_from_the_listed_points() -> None:
    spec = v1.SweepSpec()
    spec.listed_points.append(point_message({"a": 1, "b": {"c": 2}}))
    spec.listed_points.append(point_message({"d": 1}))
    assert names_of(spec) == {"a": None, "b": None, "d": None}
    spec.parameters.add(name="lr", distribution=v1.Distribution())
    spec.parameters.add(name="opt").group.parameters.add(name="x", distribution=v1.Distribution())
    assert names_of(spec) == {"lr": None, "opt": {"x": None}}
