"""Values and points survive the round trip through messages with their types; others are refused."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd import v1
from sweepd.codec.values import (
    MAX_VALUE_DEPTH,
    CodecError,
    point_from_message,
    point_message,
    value_from_message,
    value_message,
)
from sweepd.spec.point import Json

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
POINTS = st.dictionaries(TEXT, VALUES, max_size=5)


def typed(value: Json) -> object:
    """Return the properties in which two values must agree: order, types and the sign of zero."""
    match value:
        case dict():
            return [(name, typed(item)) for name, item in value.items()]
        case list():
            return [typed(item) for item in value]
        case _:
            return type(value).__name__, repr(value)


@pytest.mark.lengthy
@given(point=POINTS)
def test_a_point_keeps_its_types_and_its_order(point: dict[str, Json]) -> None:
    bytes_ = point_message(point).SerializeToString()
    assert typed(point_from_message(v1.ParameterMap.FromString(bytes_))) == typed(point)


@pytest.mark.parametrize("value", [0, False, 0.0, "0", None, [], {}, "", -0.0])
def test_empty_values_of_different_types_stay_distinct(value: Json) -> None:
    assert typed(value_from_message(value_message(value))) == typed(value)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"a": 2**63}, "point.a"),
        ({"a": [1, nan]}, "point.a[1]"),
        ({"a": {"b": inf}}, "point.a.b"),
        ({"a": "\ud800"}, "point.a"),
        ({"a": "x\0y"}, "point.a"),
    ],
)
def test_a_value_that_cannot_be_sent_is_refused_with_its_path(value: dict[str, Json], field: str) -> None:
    with pytest.raises(CodecError) as caught:
        point_message(value)
    assert caught.value.field == field


def entry(name: str, number: float | None = None) -> v1.ParameterEntry:
    value = v1.ParameterValue() if number is None else v1.ParameterValue(double_value=number)
    return v1.ParameterEntry(name=name, value=value)


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ([entry("a")], "point.a"),
        ([entry("a", nan)], "point.a"),
        ([entry("a", 1.0), entry("a", 2.0)], "point.a"),
    ],
)
def test_malformed_points_are_refused_with_the_field(entries: list[v1.ParameterEntry], field: str) -> None:
    with pytest.raises(CodecError) as caught:
        point_from_message(v1.ParameterMap(entries=entries))
    assert caught.value.field == field


def nested(levels: int) -> Json:
    value: Json = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_the_deepest_value_that_can_be_written_can_be_read_in_every_message() -> None:
    constant = v1.Distribution(constant=value_message(nested(MAX_VALUE_DEPTH)))
    spec = v1.SweepSpec(parameters=[v1.Parameter(name="p", distribution=constant)])
    watch = v1.WatchSweepResponse(sweep=v1.Sweep(spec=spec))
    assert v1.WatchSweepResponse.FromString(watch.SerializeToString()) == watch
    assert value_from_message(constant.constant) == nested(MAX_VALUE_DEPTH)


def test_a_deeper_value_is_refused_before_it_is_sent() -> None:
    with pytest.raises(CodecError, match="nested deeper"):
        value_message(nested(MAX_VALUE_DEPTH + 1))


def test_a_point_beyond_the_limit_is_refused() -> None:
    with pytest.raises(CodecError, match="larger than"):
        point_from_message(point_message({"a": "x" * (1024 * 1024 + 1)}))
