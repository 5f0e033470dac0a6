"""Mistakes in expressions, each reported at its place with a remedy; and limits of expressions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.expressions.evaluation import ExpressionError
from sweepd.spec.expressions.expression import Scope, parse_expression
from unit.spec.expressions.scopes import NUMBER, SCOPE, VALUES


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        # nothing, or no end
        ("", 0, "the expression is empty"),
        ("   \n", 0, "the expression is empty"),
        ("a ==", 4, "the expression ends where a value is expected"),
        ("a == 7 and", 10, "the expression ends where a value is expected"),
        ("(a == 7", 0, "the `(` that opens here is never closed"),
        ("a in [1, 2", 5, "the `[` that opens here is never closed"),
        ("a == 7)", 6, "`)` is unexpected here"),
        ("a b", 2, "`b` is unexpected here"),
        ("a == 7 b == 8", 7, "`b` is unexpected here"),
        ("text == 'sgd", 8, "the text that starts here is not closed by '"),
        (r"text == 's\q'", 10, r"`\` must be followed by one of"),
        # attributes, items, calls, and other parts of Python
        ("a.real == 7", 0, "there is no parameter `a.real`"),
        ("text.upper() == 'A'", 0, "there is no function `text.upper`"),
        ("(a).real == 7", 3, "a `.` is allowed only inside names and numbers"),
        ("'a'.upper() == 'A'", 3, "a `.` is allowed only inside names and numbers"),
        ("sizes[0] == 1", 5, "a `[` cannot follow a value: indexing is not supported"),
        ("[1, 2][0] == 1", 6, "a `[` cannot follow a value: indexing is not supported"),
        ("open('x') == 1", 0, "there is no function `open`, only min, max, abs, log, sqrt"),
        ("__import__('os') == 1", 0, "there is no function `__import__`"),
        ("(a)(1) == 1", 3, "`(` is unexpected here"),
        ("min(a)(b) == 1", 6, "`(` is unexpected here"),
        ("a if flag else b", 2, "`if` is unexpected here"),
        ("[i for i in sizes] == 1", 3, "`for` is unexpected here"),
        ("lambda: 1", 6, "unexpected character ':'"),
        ("{1: 2} == a", 0, "unexpected character '{'"),
        ("a := 3", 2, "unexpected character ':'"),
        ("a; b", 1, "unexpected character ';'"),
        ("a == 7 # comment", 7, "unexpected character '#'"),
        ("~a == 1", 0, "unexpected character '~'"),
        ("a << 2 == 1", 3, "`<` is unexpected here"),
        ("f'{a}' == 'x'", 1, "is unexpected here"),
        ("a == \u0661", 5, "unexpected character '\\u0661'"),
        ("\u00e9 == 1", 0, "unexpected character '\\xe9'"),
        ("a == 7 \u2028", 7, "unexpected character '\\u2028'"),
        # names and numbers
        ("nothing == 1", 0, "there is no parameter `nothing`; text must be quoted"),
        ("text == adam", 8, "there is no parameter `adam`; text must be quoted"),
        ("g == 1", 0, "`g` is a group; name one of its parameters"),
        ("g.inner == 1", 0, "`g.inner` is a group; name one of its parameters"),
        ("2a == 1", 1, "a name must start with a letter, and no letter may follow a number"),
        ("0x10 == 1", 1, "a name must start with a letter"),
        ("1_000 == a", 1, "a name must start with a letter, and no letter may follow a number"),
        ("a < 1e999", 4, "this number is too large for a double"),
        ("a < " + "9" * 400, 4, "this number is too large for a double"),
        ("param(a) == 1", 0, '`param` takes one name in quotes: `param("a-b")`'),
        ("param() == 1", 0, "`param` takes one name in quotes"),
        ("param('a', 'b') == 1", 0, "`param` takes one name in quotes"),
        ("param('nope') == 1", 0, "there is no parameter `nope`"),
        # types
        ("a", 0, "the expression must be true or false, but this is a number; compare it with a value"),
        ("a + 1", 0, "the expression must be true or false, but this is a number"),
        ("'yes'", 0, "the expression must be true or false, but this is text"),
        ("a and flag", 0, "each operand of `and` must be true or false, but this is a number"),
        ("flag or text", 8, "each operand of `or` must be true or false, but this is text"),
        ("not a", 4, "the operand of `not` must be true or false, but this is a number"),
        ("text + 1 == 2", 0, "`+` takes numbers, but this is text"),
        ("a + 'x' == 2", 4, "`+` takes numbers, but this is text"),
        ("'ab' * 1000000000 == text", 0, "`*` takes numbers, but this is text"),
        ("[1] * 1000000000 == sizes", 0, "`*` takes numbers, but this is a list"),
        ("'a' % a == text", 0, "`%` takes numbers, but this is text"),
        ("-text == 1", 1, "`-` takes numbers, but this is text"),
        ("a * flag == 1", 4, "`*` takes numbers, but this is true or false"),
        ("a ** null == 1", 5, "`**` takes numbers, but this is null"),
        ("a == 'x'", 2, "a number on the left is never equal to text on the right"),
        ("a != null", 2, "a number on the left is never equal to null on the right"),
        ("flag == 1", 5, "true or false on the left is never equal to a number on the right"),
        ("1 == a == 'x'", 7, "a number on the left is never equal to text on the right"),
        ("a < 'x'", 2, "`<` compares two numbers or two texts, not a number with text"),
        ("flag < true", 5, "`<` compares two numbers or two texts, not true or false with true or false"),
        ("none >= null", 5, "`>=` compares two numbers or two texts"),
        ("sizes < [1]", 6, "`<` compares two numbers or two texts, not a list with a list"),
        ("a in b", 5, "`in` must be followed by a list or text, but this is a number"),
        ("a in ['x', null]", 2, "a number is never in a list of text or null"),
        ("a not in 'abc'", 2, "a number is never in text"),
        ("a in []", 2, "a number is never in a list"),
        ("'k' in table", 7, "`in` must be followed by a list or text, but this is a mapping"),
        ("log(text) == 1", 4, "`log` takes numbers, but this is text"),
        ("sqrt(flag) == 1", 5, "`sqrt` takes numbers, but this is true or false"),
        ("log(a, 10) == 1", 0, "`log` takes one value, not 2"),
        ("floor() == 1", 0, "`floor` takes one value, not 0"),
        ("min() == 1", 0, "`min` takes at least one value"),
        ("max(a, text) == 1", 7, "`max` takes numbers, but this is text"),
        ("max(a) == 1", 4, "`max` takes several numbers, or one list of numbers, but this is a number"),
        ("min(['a']) == 1", 4, "`min` takes several numbers, or one list of numbers"),
        ("len(a) == 1", 4, "`len` takes text, a list or a mapping, but this is a number"),
    ],
)
def test_an_error_is_reported_at_its_position(text: str, offset: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text, SCOPE)
    assert message in caught.value.message
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("a = 7", "=="),
        ("a == 7 && b == 2", "and"),
        ("a == 7 || b == 2", "or"),
        ("a <> 7", "!="),
        ("!flag", "not"),
        ("a ^ 2 == 4", "**"),
        ("flag & flag", "and"),
        ("flag | flag", "or"),
        ("a is 7", "=="),
        ("tetx == 'sgd'", "text"),
        ("a == 1 and g.iner.lr > 0", "g.inner.lr"),
        ("modl.layer.0.size > 1", "model.layer.0.size"),
        ("data == 1", 'param("data/set")'),
    ],
)
def test_the_nearest_legal_form_is_suggested(text: str, suggestion: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text, SCOPE)
    assert caught.value.suggestion == suggestion


def test_an_ambiguous_name_is_refused() -> None:
    scope = Scope({("a.b",): NUMBER, ("a", "b"): NUMBER})
    with pytest.raises(ExpressionError, match=r"^`a\.b` is the name of 2 parameters"):
        parse_expression("a.b == 1", scope)


def test_a_thousand_characters_are_read_and_one_more_is_refused() -> None:
    text = "a == 7" + " or a == 7" * 99
    text += " " * (1_000 - len(text))
    assert parse_expression(text, SCOPE).holds(VALUES)
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text + " ", SCOPE)
    assert caught.value.message == "an expression of 1,001 characters; at most 1,000 are allowed"


@pytest.mark.parametrize(
    ("opening", "inner", "closing"),
    [
        ("(", "a == 7", ")"),
        ("not ", "a == 7", ""),
        ("abs(", "a", ") == 7"),
        ("-", "a", " == 7"),
        ("2 ** ", "a", " == 7"),
    ],
)
def test_thirty_levels_are_read_and_more_are_refused(opening: str, inner: str, closing: str) -> None:
    def nested(depth: int) -> str:
        if closing.startswith(") =="):
            return opening * depth + inner + ")" * depth + " == 7"
        return opening * depth + inner + (closing if closing.startswith(" ") else closing * depth)

    parse_expression(nested(30), SCOPE)
    with pytest.raises(ExpressionError, match="nested deeper than 30 levels"):
        parse_expression(nested(31), SCOPE)


@pytest.mark.parametrize(
    "part", ["(a) == 7", "not a == 8", "abs(a) == 7", "-a == -7", "a ** 2 == 49", "a in [7]"]
)
def test_levels_of_separate_parts_do_not_add_up(part: str) -> None:
    text = " and ".join([part] * 40)
    assert parse_expression(text, SCOPE).holds(VALUES)


@given(text=st.text(alphabet="ab01.+-*/%<>=!()[],'\"\\ \nnotirdpm", max_size=60) | st.text(max_size=30))
def test_any_text_is_read_or_refused_at_a_position_in_it(text: str) -> None:
    try:
        expression = parse_expression(text, SCOPE)
    except ExpressionError as error:
        place, message = error.offset, error.message
    else:
        place, message = 0, "none"
        assert expression.holds(VALUES) in (True, False)
        assert expression.holds({}) in (True, False)
    assert 0 <= place <= len(text)
    assert message
