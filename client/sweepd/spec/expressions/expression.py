"""The expressions of `when` and `constraints`: from text to a function of a point's values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sweepd.spec.expressions.evaluation import test_of
from sweepd.spec.expressions.intervals import Intervals, Truths, interval_truth_of
from sweepd.spec.expressions.parser import parse_tree
from sweepd.spec.expressions.tree import Joined, Node, Read
from sweepd.spec.expressions.types import Scope, check_types
from sweepd.spec.parameter import Path
from sweepd.spec.point import Json

_TEXT_A_PART = 5
_TEXT_HINT = "; text stands in quotes"


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition on the values of a point, by path; a path that is not there is an inactive parameter.

    `holds` never raises. What is undefined (an inactive parameter, 1 / 0, log(-1), what no double can hold)
    makes each comparison with it false.
    """

    text: str
    reads: frozenset[Path]
    holds: Callable[[Mapping[Path, Json]], bool]
    interval_truth: Callable[[Intervals], Truths]
    """Returns (can hold, can fail) while some of what it reads is open."""
    conjuncts: tuple["Expression", ...] = ()
    """Operands of an `and` at the top: each reads less, and all hold if and only if it does."""

    @property
    def parts(self) -> int:
        """About how many steps asking it takes."""
        return max(len(self.reads), len(self.text) // _TEXT_A_PART)


def parse_expression(text: str, scope: Scope) -> Expression:
    """Return the expression that a text is, over the parameters of a sweep.

    Raises:
        ExpressionError: it is too long, no expression, reads what is not there, or has types that do not fit.
    """
    tree = parse_tree(text)
    check_types(tree, lambda read: scope.type(scope.path(read.name, read.offset, _TEXT_HINT)))
    whole = _compiled(text, tree, scope)
    if isinstance(tree, Joined) and tree.steps[0].sign == "and":
        operands = (tree.first, *(step.operand for step in tree.steps))
        return replace(whole, conjuncts=tuple(_compiled(text, operand, scope) for operand in operands))
    return whole


def _compiled(text: str, tree: Node, scope: Scope) -> Expression:
    reads: set[Path] = set()

    def path_of(read: Read) -> Path:
        path = scope.path(read.name, read.offset, _TEXT_HINT)
        reads.add(path)
        return path

    test = test_of(tree, path_of)
    if not reads:  # it is worth asking once
        answer = test({})
        return Expression(text, frozenset(), lambda values: answer, lambda intervals: (answer, not answer))
    return Expression(text, frozenset(reads), test, interval_truth_of(tree, path_of))
