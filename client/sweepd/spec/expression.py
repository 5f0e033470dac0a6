"""The expressions of `when` and `constraints`: from text to a function of a point's values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sweepd.spec.parameter import Parameter, Path
from sweepd.spec.point import Json


class ExpressionError(ValueError):
    """An expression that cannot be understood: what is wrong, where (characters from its start), what may be meant."""

    def __init__(self, message: str, offset: int, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message, self.offset, self.suggestion = message, offset, suggestion


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition on the values of a point, by path; a path that is not there is an inactive parameter."""

    text: str
    reads: frozenset[Path]
    holds: Callable[[Mapping[Path, Json]], bool]


def parse_expression(text: str, parameters: Mapping[Path, Parameter]) -> Expression:
    """Return the expression that a text is, over the parameters of a sweep by their paths.

    Raises:
        ExpressionError: it is too long, no expression, reads what is not there, or has types that do not fit.
    """
    raise ExpressionError("expressions are not understood yet", 0)
