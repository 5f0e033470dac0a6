"""Look-ahead pruning by the first digits: it excludes no point, and finds rare points."""

import time
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.expressions.expression import parse_expression
from sweepd.spec.expressions.intervals import ANYTHING, Between, Interval, Known
from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json, Path
from sweepd.spec.space.search_space import SearchSpace
from sweepd.spec.space.walk import Count
from unit.spec.expressions.arithmetic import NUMBERS, sums
from unit.spec.expressions.scopes import SCOPE
from unit.spec.space.ruled import walked

A, B = ("a",), ("b",)
SIGNS = ["==", "!=", "<", "<=", ">", ">="]


def _open(values: list[float], *, may_lack: bool) -> Interval:
    return Between(min(values), max(values), may_lack)


@pytest.mark.lengthy
@given(
    left=sums(),
    right=sums(),
    sign=st.sampled_from(SIGNS),
    form=st.sampled_from(["{}", "not {}", "{} and a != b", "{} or b < 0", "a in [1, b] or {}", "1 < {}"]),
    values=st.lists(NUMBERS, min_size=1, max_size=4),
    b=NUMBERS,
    may_lack=st.booleans(),
)
def test_an_interval_covers_every_result(
    left: str, right: str, sign: str, form: str, values: list[float], b: float, may_lack: bool
) -> None:
    expression = parse_expression(form.format(f"{left} {sign} {right}"), SCOPE)
    everything: Mapping[Path, Interval] = {A: _open(values, may_lack=may_lack), B: Known(b, may_lack)}
    nothing: Mapping[Path, Interval] = {A: ANYTHING, B: ANYTHING}
    points: list[dict[Path, Json]] = [{A: a, B: b} for a in values]
    if may_lack:
        points += [{B: b}, {A: values[0]}, {}]
    for intervals in (everything, nothing):
        can, can_fail = expression.interval_truth({path: intervals[path] for path in expression.reads})
        for point in points:
            assert can if expression.holds(point) else can_fail


@pytest.mark.lengthy
@given(left=sums(), right=sums(), sign=st.sampled_from(SIGNS), a=NUMBERS, b=NUMBERS)
def test_known_values_give_the_exact_result(left: str, right: str, sign: str, a: float, b: float) -> None:
    expression = parse_expression(f"{left} {sign} {right}", SCOPE)
    point: dict[Path, Json] = {A: a, B: b}
    holds = expression.holds(point)
    found = expression.interval_truth({path: Known(point[path]) for path in expression.reads})
    assert found == (holds, not holds)


def grid_of(parameters: Mapping[str, object], *constraints: str) -> SearchSpace:
    document = {"method": "grid", "parameters": parameters, "constraints": list(constraints)}
    parsed = parse_mapping({"program": "t.py", **document})
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec.search_space


BITS = {f"p{number}": {"values": [0, 1]} for number in range(300)}


def _sum(start: int, stop: int) -> str:
    return " + ".join(f"p{number}" for number in range(start, stop))


@pytest.mark.lengthy
@pytest.mark.parametrize(
    "constraints",
    [
        [f"{_sum(0, 100)} == 100"],
        [f"{_sum(200, 300)} >= 99"],
        [f"{_sum(0, 100)} >= 90", f"{_sum(100, 200)} <= 3", f"{_sum(200, 300)} == 50"],
        [f"p{number} == p{number + 1}" for number in range(100)],
        [f"p{number} != p{299 - number}" for number in range(100)],
    ],
    ids=["all", "late", "three", "equal", "opposite"],
)
def test_three_hundred_linked_bits_are_enumerated(constraints: list[str]) -> None:
    """Of 2^300 combinations hardly any is a point: trying one by one would never end."""
    space = grid_of(BITS, *constraints)
    began, index = time.process_time(), 0
    for _ in range(5):
        index, point = space.grid.next(index, 5_000)
        assert point is not None
        assert space.violations(point) == ()
        index += 1
    assert time.process_time() - began < 5


def test_look_ahead_includes_the_ends_of_a_range() -> None:
    space = grid_of({"a": {"min": 0, "max": 99}, "b": {"min": 0, "max": 99}}, "a + b <= 99", "a + b >= 99")
    for index in (99, 9_900):
        assert space.grid.next(index, 10) == (index, {"a": index // 100, "b": index % 100})


def test_a_candidate_of_many_digits_counts_as_several() -> None:
    """Otherwise one call on a space of many parameters would take many times as long."""
    names = [f"p{number:02}" for number in range(100)]
    space = grid_of({name: {"values": [0, 1]} for name in names}, "p99 == 1")
    assert space.grid.next(0, 10) == (1, None)
    index, point = space.grid.next(1, 10)
    assert (index, point) == (1, {**dict.fromkeys(names, 0), "p99": 1})


def test_negated_conditions_prune_too() -> None:
    bits = {f"p{number}": {"values": [0, 1]} for number in range(40)}
    space = grid_of(bits, f"not {_sum(0, 40)} < 40")
    index, point = space.grid.next(0, 1_000)
    assert (index, point) == (2**40 - 1, dict.fromkeys(bits, 1))


@pytest.mark.parametrize(("size", "following"), [(63, 1), (64, 64)])
def test_look_ahead_is_used_only_if_it_can_save_64_combinations(size: int, following: int) -> None:
    """The first value of `a` excludes every value of `b`."""
    space = grid_of({"a": {"min": 1, "max": 2}, "b": {"min": 1, "max": size}}, f"a * b == {2 * size}")
    assert space.grid.next(0, 1) == (following, None)


def test_look_ahead_uses_the_lowest_and_the_highest_value_in_any_order() -> None:
    names = [f"p{number:02}" for number in range(12)]
    space = grid_of({name: {"values": [1, 2, 0, 1.5]} for name in names}, f"{' + '.join(names)} == 24")
    index, point = space.grid.next(0, 1_000)
    assert point == dict.fromkeys(names, 2)
    assert space.grid.next(index + 1, 1_000) == (4**12, None)


def test_look_ahead_keeps_points_in_which_a_later_condition_makes_a_parameter_absent() -> None:
    """`b` depends on two conditions; the constraint fails for every `b` that is present."""
    switch = {"values": [0, 1]}
    inner = {"b": {"min": 1, "max": 99, "when": "z == 1"}}
    group = {"parameters": inner, "when": "a == 1"}
    space = grid_of({"a": switch, "g": group, "z": switch}, "not g.b <= 100")
    assert walked(space, 10_000) == [{"a": 0, "z": 0}, {"a": 0, "z": 1}, {"a": 1, "z": 0}]


def chain(names: list[str]) -> dict[str, object]:
    parameters: dict[str, object] = {names[0]: {"values": [0, 1, 2]}}
    for before, name in pairwise(names):
        parameters[name] = {"values": [0, 1, 2], "when": f"{before} > 0"}
    return parameters


@pytest.mark.lengthy
@pytest.mark.parametrize(
    "names",
    [
        [f"c{number:02d}" for number in range(100)],
        [f"c{number}" for number in range(100)],
        [f"c{99 - number:02d}" for number in range(100)],
    ],
    ids=["in order", "mixed", "backwards"],
)
def test_a_chain_of_a_hundred_conditions_is_enumerated_in_any_order_of_names(names: list[str]) -> None:
    space = grid_of(chain(names))
    index, lengths = 0, []
    for _ in range(10):
        index, point = space.grid.next(index, 5_000)
        assert point is not None
        lengths.append(len(point))
        index += 1
    assert len(set(lengths)) > 1
    assert space.grid.count() == Count(None, is_estimate=True), "too large to be counted"
    ten = grid_of(chain(names[:10]))
    # Each length ends in a zero, or the chain does: 1 + 2 (1 + 2 (1 + ... 2 (3))).
    assert ten.grid.count() == Count(2**11 - 1)


@pytest.mark.lengthy
def test_few_points_among_very_many_combinations_are_counted() -> None:
    assert grid_of(BITS | {"p0": {"value": 1}}, f"{_sum(250, 300)} >= 49").grid.count() == Count(51 * 2**249)
