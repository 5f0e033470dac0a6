"""All distributions by their names in a sweep file, and messages about values outside them."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from types import MappingProxyType
from typing import Final, get_args

from sweepd.spec.distributions.continuous import (
    Beta,
    InvLogUniform,
    InvLogUniformValues,
    LogNormal,
    LogUniform,
    LogUniformValues,
    Normal,
    Uniform,
)
from sweepd.spec.distributions.discrete import Categorical, Constant, IntUniform, WeightedCategorical
from sweepd.spec.distributions.quantised import (
    QBeta,
    QLogNormal,
    QLogUniform,
    QLogUniformValues,
    QNormal,
    QUniform,
)
from sweepd.spec.point import Json, Number
from sweepd.spec.wording import printable, shown

Quantised = QUniform | QLogUniform | QLogUniformValues | QNormal | QLogNormal | QBeta
Listed = Constant | Categorical | WeightedCategorical
Continuous = (
    Uniform | LogUniform | LogUniformValues | InvLogUniform | InvLogUniformValues | Normal | LogNormal | Beta
)
Distribution = Listed | IntUniform | Continuous | Quantised

DISTRIBUTIONS: Final[Mapping[str, type[Distribution]]] = MappingProxyType(
    {kind.name: kind for kind in get_args(Distribution)}
)

DEPRECATED: Final[Mapping[str, str]] = MappingProxyType(
    {kind.name: f"{kind.name}_values" for kind in (LogUniform, QLogUniform, InvLogUniform)}
)
"""Distributions whose bounds are exponents, and their replacements."""

_VALUES_SHOWN: Final = 8
_LONGEST: Final = 60


def refusal(distribution: Distribution, value: Json) -> str:
    """Return why a distribution does not contain a value: `5 is not a number from 0.1 to 1.0`."""
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
    """Return a value as written in a file, shortened, with lists and mappings on one line."""
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
