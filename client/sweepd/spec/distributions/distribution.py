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
from sweepd.spec.distributions.quantised import Quantised
from sweepd.spec.point import Json, Number
from sweepd.spec.wording import printable, shown

Listed = Constant | Categorical | WeightedCategorical
Continuous = (
    Uniform | LogUniform | LogUniformValues | InvLogUniform | InvLogUniformValues | Normal | LogNormal | Beta
)
Distribution = Listed | IntUniform | Continuous | Quantised

LISTED: Final[Mapping[str, type[Listed]]] = MappingProxyType({kind.name: kind for kind in get_args(Listed)})
CONTINUOUS: Final[Mapping[str, type[Continuous]]] = MappingProxyType(
    {kind.name: kind for kind in get_args(Continuous)}
)
"""Continuous distributions by their names in a file; `q_` before a name means its quantised form."""

DEPRECATED: Final[Mapping[str, str]] = MappingProxyType(
    {name: f"{name}_values" for name in ("log_uniform", "q_log_uniform", "inv_log_uniform")}
)
"""Distributions whose bounds are exponents, and their replacements."""

_VALUES_SHOWN: Final = 8
_MAX_LENGTH: Final = 60


def unrounded(distribution: Distribution) -> Distribution:
    """Return the continuous distribution that a quantised one rounds; return any other one unchanged."""
    return distribution.shape if isinstance(distribution, Quantised) else distribution


def grid_values(distribution: Distribution) -> Sequence[Json] | None:
    """Return the values that a grid enumerates, or None for distributions that grids do not support."""
    if isinstance(distribution, Constant | Categorical | IntUniform):
        return distribution.support
    return distribution.grid_values if isinstance(distribution, Quantised) else None


def refusal(distribution: Distribution, value: Json) -> str:
    """Return a message about a value outside a distribution, such as `5 is not a number from 0.1 to 1.0`."""
    return f"{_written(value)} is {_mismatch(distribution)}"


def _mismatch(distribution: Distribution) -> str:
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
    return f"not a number{_range(*map(_finite, distribution.ends))}"


def _none_of(values: Sequence[Json]) -> str:
    listed = ", ".join(map(_written, values[:_VALUES_SHOWN]))
    return f"none of {listed}" + (", …" if len(values) > _VALUES_SHOWN else "")


def _written(value: Json) -> str:
    """Return a value as written in a file, shortened, with lists and mappings on one line."""
    if not isinstance(value, (list, dict)):
        return shown(value)
    text = printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"


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
