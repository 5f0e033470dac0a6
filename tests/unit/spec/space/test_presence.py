"""Active dimensions of a point, derived from its unit coordinates without making the point."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json, Path, Point
from sweepd.spec.space.search_space import SearchSpace

WHEN = [
    {},
    {"when": "kind == 'deep'"},
    {"when": "x > 0.5"},
    {"when": "b1 < 0.5"},
    {"when": "depth > 2 or k == 7"},
]
CONSTRAINTS = ["x + y <= 1", "depth != 2 or x < 0.9", "left != 3", "k == 7", "b0 < 0.7 or y > 0.2"]


def a_space(whens: list[dict[str, object]], constraints: list[str]) -> SearchSpace:
    unit = {"min": 0.0, "max": 1.0}
    parameters: dict[str, object] = {
        "kind": {"values": ["flat", "deep"]},
        "depth": {"min": 1, "max": 3, "when": "kind == 'deep'"},
        "x": unit,
        "y": unit,
        "b1": unit,
        "k": {"value": 7, "when": "y < 0.6"},
        "left": {"values": [1, 2, 3], "when": "kind == 'flat'"},
        "right": {"values": ["i", "ii", "iii"], "when": "x < 0.7"},
        "group": {"parameters": {"z": unit, "w": {**unit, "when": "group.z > 0.3"}}, "when": "y > 0.1"},
    }
    parameters |= {f"b{2 * i}": {**unit, **when} for i, when in enumerate(whens)}
    document = {
        "method": "random",
        "parameters": parameters,
        "zip": [["left", "right"]],
        "constraints": constraints,
    }
    parsed = parse_mapping(document)
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec.search_space


def has(point: Point, path: Path) -> bool:
    value: Json = point
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


@pytest.mark.lengthy
@given(
    whens=st.lists(st.sampled_from(WHEN), min_size=1, max_size=3),
    constraints=st.lists(st.sampled_from(CONSTRAINTS), max_size=2, unique=True),
    draws=st.randoms(use_true_random=False),
)
def test_presence_equals_that_in_the_point(
    whens: list[dict[str, object]], constraints: list[str], draws: Random
) -> None:
    space = a_space(whens, constraints)
    for _ in range(20):
        vector = [draws.random() for _ in space.dimensions]
        point = space.from_unit(vector)
        shown = tuple(any(has(point, path) for path in each.paths) for each in space.dimensions)
        assert space.presence(vector) == (shown if space.feasible(point) else None)


def test_without_conditions_every_parameter_is_present() -> None:
    parsed = parse_mapping({"method": "random", "parameters": {"a": {"values": [1, 2]}, "c": {"value": 1}}})
    assert parsed.spec is not None
    assert parsed.spec.search_space.presence([0.3]) == (True,)
