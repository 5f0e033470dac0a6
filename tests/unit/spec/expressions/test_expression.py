"""Semantics of the expressions in `when` and `constraints` (section 19): operators, undefined values."""

import math
import operator
import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.distributions.discrete import Categorical, Constant
from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.expressions.evaluation import ExpressionError, same
from sweepd.spec.expressions.expression import Expression, Scope, parse_expression
from sweepd.spec.point import Json, Path
from unit.spec.expressions.arithmetic import NUMBERS, sums
from unit.spec.expressions.scopes import NUMBER, SCOPE, VALUES


def holds(text: str, values: Mapping[Path, Json] = VALUES) -> bool:
    return parse_expression(text, SCOPE).holds(values)


TRUE = [
    # each operator
    "a + b == 9",
    "a - b == 5",
    "a * b == 14",
    "a / b == 3.5",
    "a // b == 3",
    "a % b == 1",
    "a ** b == 49",
    "-a == 0 - 7",
    "+a == 7",
    "- -a == 7",
    # as Python rounds and signs them
    "-7 // 2 == -4",
    "-7 % 3 == 2",
    "7 % -3 == -2",
    "7.5 // 2 == 3.0",
    # precedence and direction
    "2 + 3 * 4 == 14",
    "(2 + 3) * 4 == 20",
    "10 - 4 - 3 == 3",
    "64 / 4 / 2 == 8",
    "2 * 7 // 3 == 4",
    "7 // 3 * 2 == 4",
    "2 ** 3 ** 2 == 512",
    "-2 ** 2 == -4",
    "(-2) ** 2 == 4",
    "2 ** -1 == 0.5",
    "2 * -3 == -6",
    "not a == 8",
    "not not a == 7",
    "a == 7 or a == 8 and a == 9",
    "not (a == 8 or b == 9)",
    "not a == 8 and b == 2",
    "1 + 1 in [2]",
    "not 3 in [2]",
    # comparisons, alone and chained
    "a > b",
    "a >= 7",
    "b < a",
    "b <= 2",
    "a != b",
    "a == 7.0",
    "1 < b < a <= 7 == 7",
    "0 < b != a > 5",
    "not 1 < b < 2",
    "text == 'adam'",
    'text == "adam"',
    "text != 'sgd'",
    "text < 'b'",
    "'a' <= 'a' < 'b'",
    "'a' < text in ['adam', 'sgd']",
    # members
    "a in [1, 7]",
    "a not in [1, 8]",
    "text in ['adam', 'sgd',]",
    "'da' in text",
    "'x' not in text",
    "1 in sizes",
    "7.0 in [a]",
    "[1] in [[1], [2]]",
    "none in [null]",
    "1 in [true, 1]",
    # truths and null
    "flag",
    "flag == true",
    "flag == True",
    "flag or a == 8",
    "not false",
    "none == null",
    "none == None",
    "none != 3",
    "flag != false",
    # functions
    "min(a, b) == 2",
    "max(a, b, 9) == 9",
    "min([3, 1, 2]) == 1",
    "max(sizes) == 2",
    "max([5]) == 5",
    "abs(-3) == 3",
    "abs(3) == 3",
    "log(1) == 0",
    "0.693 < log(2) < 0.694",
    "sqrt(16) == 4",
    "floor(2.7) == 2",
    "floor(-2.5) == -3",
    "ceil(2.1) == 3",
    "ceil(-2.5) == -2",
    "len('four') == 4",
    "len('') == 0",
    "len(text) == 4",
    "len(sizes) == 2",
    "len([]) == 0",
    "len(table) == 1",
    # names
    "model.layer.0.size == 64",
    "g.inner.lr == 0.1",
    "x.y == 9",
    'param("a-b") == 5',
    "param('data/set') == 6",
    'param("in") == 8',
    'param("a") == a',
    "a -b == 5",
    # texts
    r"'it\'s' == " + '"it\'s"',
    r"len('\\\n\t\"') == 4",
    # numbers
    "1e3 == 1000",
    "1E-2 == .01",
    "5. == 5",
    # white space and lines
    "a\n  ==\t7",
]
FALSE = [
    "a == 8",
    "a < b",
    "a == 7 and b == 3",
    "1 < b < 2",
    "3 > 2 > 2",
    "a in [8]",
    "a not in [7]",
    "text == 'Adam'",
    "'' == text",
    "false",
    "not true",
    "flag == false",
    "1 in [true, false, 2]",
    "mixed == true",
    "mixed == '1'",
    "mixed == null",
    "mixed < 'b'",
    "mixed == [1]",
]


@pytest.mark.parametrize("text", TRUE)
def test_an_expression_holds(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize("text", FALSE)
def test_an_expression_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": [1]}, {"a": [True]}, False),
        ([1, "x"], [1.0, "x"], True),
        ([1], [1, 1], False),
        ([], {}, False),
    ],
)
def test_lists_and_mappings_are_equal_if_their_items_are(left: Json, right: Json, equal: bool) -> None:
    assert same(left, right) is same(right, left) is equal


COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@pytest.mark.lengthy
@given(left=sums(), right=sums(), sign=st.sampled_from(sorted(COMPARISONS)), a=NUMBERS, b=NUMBERS)
def test_arithmetic_and_comparisons_mean_what_they_do_in_python(
    left: str, right: str, sign: str, a: float, b: float
) -> None:
    names = {"a": a, "b": b, "floor": math.floor, "ceil": math.ceil}
    text = f"{left} {sign} {right}"
    try:
        expected = bool(eval(text, names))
    except ArithmeticError:
        expected = False
    assert holds(text, {("a",): a, ("b",): b}) is expected


@given(values=st.lists(st.booleans(), min_size=3, max_size=3))
def test_and_or_and_not_bind_as_in_python(values: list[bool]) -> None:
    a, b, c = values
    scope = Scope({(name,): Categorical(values=(True, False)) for name in "abc"})
    point: dict[Path, Json] = {("a",): a, ("b",): b, ("c",): c}
    for text, expected in {
        "a or b and c": a or (b and c),
        "a and b or c": (a and b) or c,
        "not a or b": not a or b,
        "not a and b == c": not a and b == c,
        "not (a or b) and not c": not (a or b) and not c,
        "a == b == c": a == b == c,
        "not a == b": not a == b,  # noqa: SIM201 (as it is in the text)
    }.items():
        assert parse_expression(text, scope).holds(point) is expected, text


@pytest.mark.parametrize(
    "text",
    [
        "gone == 1",
        "gone != 1",
        "gone < 1",
        "gone >= 1",
        "gone in [1]",
        "gone not in [1]",
        "gone + 1 == 2",
        "1 < gone < 3",
        "a == 7 and gone == 1",
        "gone == gone",
        "max(a, gone) > 0",
        "max([a, gone]) > 0",
        "abs(gone) >= 0",
        "-gone < 1",
        "gone * 0 == 0",
        "[gone] == [1]",
        "a in [7, gone]",
        "2 ** gone > 0",
    ],
)
def test_a_comparison_with_an_absent_parameter_is_false(text: str) -> None:
    """Also those that seem to test for absence; under `not`, the comparison itself is false."""
    assert not holds(text)
    assert holds(f"not ({text})")


@pytest.mark.parametrize("text", ["gone == 1 or a == 7", "a == 7 or gone == 1", "not gone == 1 and a == 7"])
def test_an_absent_parameter_makes_only_its_own_comparison_false(text: str) -> None:
    assert holds(text)


def test_an_absent_boolean_is_false() -> None:
    without = {path: value for path, value in VALUES.items() if path != ("flag",)}
    assert not holds("flag", without)
    assert holds("not flag", without)
    assert not holds("flag == false", without)
    assert not holds("len(text) >= 0", {})


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0 == 1",
        "1 // 0 == 1",
        "1 % 0 == 1",
        "1.5 % 0 == 1",
        "0 ** -1 > 0",
        "0.0 ** -1 > 0",
        "log(0) < 0",
        "log(-1) < 0",
        "log(-1) == log(-1)",
        "sqrt(-1) == sqrt(-1)",
        "(-8) ** 0.5 == (-8) ** 0.5",
        "1e308 * 10 > 0",
        "1e308 + 1e308 == 1e308 + 1e308",
        "1e308 * 10 - 1e308 * 10 == 0",
        "9**9**9 > 0",
        "9**9**9 == 9**9**9",
        "9**9**9**9**9 >= 0",
        "(-9)**9**9 < 0",
        "2 ** 1025 > 0",
        "floor(1e308 * 10) > 0",
        "max(sizes) > 0",
    ],
)
def test_a_comparison_without_a_finite_result_is_false_and_cheap(text: str) -> None:
    began = time.process_time()
    values = VALUES | {("sizes",): []}
    assert not holds(text, values)
    assert holds(f"not ({text})", values)
    assert time.process_time() - began < 0.5


def test_the_largest_doubles_are_numbers() -> None:
    assert holds("2 ** 1023 > 8e307")
    assert holds("1e308 <= 10 ** 308 + 1e292")
    assert holds("9 ** 300 > 9 ** 299")
    assert holds("2 ** 1023 % 7 >= 0")
    assert holds("(-1) ** 99999999999 == -1")
    assert holds("1 ** 99999999999 == 1")


def test_an_expression_lists_the_parameters_that_it_reads() -> None:
    read = parse_expression('g.inner.lr < a or param("a-b") in [b, 1]', SCOPE)
    assert isinstance(read, Expression)
    assert read.reads == {("g", "inner", "lr"), ("a",), ("a-b",), ("b",)}
    assert parse_expression("1 < 2", SCOPE).reads == frozenset()


DISTRIBUTIONS: list[tuple[Distribution, bool]] = [
    (NUMBER, True),
    (Constant(value=3), True),
    (Constant(value="3"), False),
    (Categorical(values=(1, "x")), True),
    (Categorical(values=("x", None)), False),
]


@pytest.mark.parametrize(("distribution", "is_number"), DISTRIBUTIONS)
def test_a_type_error_needs_a_parameter_without_any_suitable_value(
    distribution: Distribution, is_number: bool
) -> None:
    """Of mixed values, those that do not fit make the comparison false."""
    scope = Scope({("p",): distribution})
    if not is_number:
        with pytest.raises(ExpressionError):
            parse_expression("p > 0", scope)
        return
    expression = parse_expression("p > 0", scope)
    assert expression.holds({("p",): 1})
    assert not expression.holds({("p",): "x"})
    assert not parse_expression("p + 1 > 0", scope).holds({("p",): "x"})


def test_lists_of_lists_and_mappings_are_measured_and_searched() -> None:
    """Their types come from the values of the parameter."""
    values: tuple[Json, ...] = ([[1], [2, 3]], [])
    scope = Scope({("nested",): Categorical(values=values), ("size",): Constant(value=[2, 3])})
    for text, holds in (("len(nested) == 2", True), ("size in nested", True), ("len(size) == 1", False)):
        expression = parse_expression(text, scope)
        assert expression.holds({("nested",): values[0], ("size",): [2, 3]}) is holds
    with pytest.raises(ExpressionError, match="a number is never in a list of a list"):
        parse_expression("1 in nested", scope)
