"""Interval evaluation: whether an expression can hold or fail while some of its parameters are open."""

import pytest

from sweepd.spec.expressions.expression import parse_expression
from sweepd.spec.expressions.intervals import ABSENT, ANYTHING, Between, Interval, Known
from sweepd.spec.point import Path
from unit.spec.expressions.scopes import SCOPE

HOLDS, FAILS, EITHER = (True, False), (False, True), (True, True)


def truths(condition: str, **intervals: Interval) -> tuple[bool, bool]:
    by_path: dict[Path, Interval] = {(name,): interval for name, interval in intervals.items()}
    return parse_expression(condition, SCOPE).interval_truth(by_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # a is 1 to 3
        ("a < 4", HOLDS),
        ("a < 3", EITHER),
        ("a < 1", FAILS),
        ("a <= 3", HOLDS),
        ("a <= 1", EITHER),
        ("a <= 0", FAILS),
        ("a > 0", HOLDS),
        ("a > 1", EITHER),
        ("a > 3", FAILS),
        ("a >= 1", HOLDS),
        ("a >= 3", EITHER),
        ("a >= 4", FAILS),
        ("a == 3", EITHER),
        ("a == 1", EITHER),
        ("a == 4", FAILS),
        ("a == 0", FAILS),
        ("a != 4", HOLDS),
        ("a != 3", EITHER),
        ("a in [4]", EITHER),  # members are not distinguished
        # chains and operators
        ("0 < a < 4", HOLDS),
        ("0 < a < 2", EITHER),
        ("0 < a < 1", FAILS),
        ("not a < 4", FAILS),
        ("not a < 3", EITHER),
        ("not a < 1", HOLDS),
        ("a < 4 and a > 0", HOLDS),
        ("a < 4 and a > 1", EITHER),
        ("a < 4 and a > 3", FAILS),
        ("a < 1 or a > 3", FAILS),
        ("a < 1 or a > 1", EITHER),
        ("a < 1 or a > 0", HOLDS),
        # arithmetic
        ("a + 1 < 5", HOLDS),
        ("a - 1 < 2", EITHER),
        ("1 - a < -2", FAILS),
        ("-a < 0", HOLDS),
        ("a * -2 <= -2", HOLDS),
        ("a * -2 < -6", FAILS),
        ("a * a <= 9", HOLDS),
        ("a / 2 < 9", EITHER),  # its ends are not at the ends of a
        ("min(a, 2) <= 2", HOLDS),
        ("min(a, 0) == 0", HOLDS),
        ("max(a, 2) < 2", FAILS),
        ("max(a, 4) == 4", HOLDS),
        ("abs(a) < 9", EITHER),
        ("a % 2 == 0", EITHER),
        # nothing open
        ("1 < 2", HOLDS),
        ("2 < 1", FAILS),
    ],
)
def test_a_number_between_two_others(text: str, expected: tuple[bool, bool]) -> None:
    assert truths(text, a=Between(1, 3)) == expected


@pytest.mark.parametrize("text", ["a < 4", "a + 1 < 5", "-a < 0", "max(a, 4) == 4", "min(a, 2) < 9"])
def test_a_number_that_may_be_absent_may_fail_every_comparison(text: str) -> None:
    assert truths(text, a=Between(1, 3)) == HOLDS
    assert truths(text, a=Between(1, 3, may_lack=True)) == EITHER
    assert truths(text, a=Known(2)) == HOLDS
    assert truths(text, a=Known(2, may_lack=True)) == EITHER


def test_a_known_number_that_fails_also_fails_if_absent() -> None:
    assert truths("a > 1", a=Known(0, may_lack=True)) == FAILS


@pytest.mark.parametrize("text", ["a < b", "b != a", "a + 1 == b", "max(a, b) > 0", "b * a == 0", "-a < b"])
def test_a_comparison_with_an_absent_value_always_fails(text: str) -> None:
    for other in (Between(1, 3), Known(2), ANYTHING):
        assert truths(text, a=ABSENT, b=other) == FAILS
        assert truths(f"not ({text})", a=ABSENT, b=other) == HOLDS


@pytest.mark.parametrize("text", ["a < b", "a == b", "a + 1 < b", "max(a, b) > 0", "b in [1]", "abs(b) > a"])
def test_an_unknown_value_leaves_the_result_open(text: str) -> None:
    assert truths(text, a=Between(1, 3), b=ANYTHING) == EITHER


def test_a_sum_beyond_the_doubles_leaves_the_result_open() -> None:
    assert truths("a + a > 0", a=Between(0, 1e308)) == EITHER


def test_booleans_are_known_or_open() -> None:
    assert truths("flag", flag=Known(True)) == HOLDS
    assert truths("flag", flag=Known(False)) == FAILS
    assert truths("flag", flag=ABSENT) == FAILS
    assert truths("flag", flag=Known(True, may_lack=True)) == EITHER
    assert truths("flag", flag=ANYTHING) == EITHER
    assert truths("flag == true and text != 'sgd'", flag=Known(True), text=Known("adam")) == HOLDS


def test_known_values_of_other_functions_are_calculated() -> None:
    assert truths("abs(a) + b == 5", a=Known(-3), b=Known(2)) == HOLDS
    assert truths("len(text) in [3]", text=Known("sgd")) == HOLDS
    assert truths("abs(a) == 3", a=Known(-3, may_lack=True)) == EITHER
    assert truths("abs(a) == 3", a=ABSENT) == FAILS
