"""Messages that say what a distribution offers in place of a value that it does not have."""

import json
from collections.abc import Sequence
from math import isfinite
from typing import Final

from sweepd.spec.distributions.discrete import Categorical, Constant, IntUniform, WeightedCategorical
from sweepd.spec.distributions.distribution import Distribution, Quantised
from sweepd.spec.point import Json, Number
from sweepd.spec.wording import printable, shown

_VALUES_SHOWN: Final = 8
_LONGEST: Final = 60


def refusal(distribution: Distribution, value: Json) -> str:
    """Return why a value is none of a distribution's: `5 is not a number from 0.1 to 1.0`."""
    return f"{_written(value)} is {_otherwise(distribution)}"


def _otherwise(distribution: Distribution) -> str:
    match distribution:
        case Constant(value=value):
            return f"not {_written(value)}, the only value"
        case Categorical(values=values) | WeightedCategorical(values=values):
            return _none_of(values)
        case IntUniform(min=low, max=high):
            return f"not an integer from {low} to {high}"
    if isinstance(distribution, Quantised):
        kind = "an integer multiple" if distribution.is_integer else "a multiple"
        return f"not {kind} of {distribution.q}{_range(*distribution.bounds)}"
    return f"not a number{_range(_finite(distribution.low), _finite(distribution.high))}"


def _none_of(values: Sequence[Json]) -> str:
    listed = ", ".join(map(_written, values[:_VALUES_SHOWN]))
    return f"none of {listed}" + (", …" if len(values) > _VALUES_SHOWN else "")


def _written(value: Json) -> str:
    """Return a value as a file has it, shortened, lists and mappings on one line."""
    if not isinstance(value, (list, dict)):
        return shown(value)
    text = printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _range(low: Number | None, high: Number | None) -> str:
    match low, high:
        case None, None:
            return ""
        case None, _:
            return f" of at most {high}"
        case _, None:
            return f" of at least {low}"
        case _:
            return f" from {low} to {high}"


def _finite(bound: float) -> float | None:
    return bound if isfinite(bound) else None
