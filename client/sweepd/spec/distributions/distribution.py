"""All distributions under the names they have in a sweep file."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

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

Quantised = QUniform | QLogUniform | QLogUniformValues | QNormal | QLogNormal | QBeta
Listed = Constant | Categorical | WeightedCategorical
Continuous = (
    Uniform | LogUniform | LogUniformValues | InvLogUniform | InvLogUniformValues | Normal | LogNormal | Beta
)
Distribution = Listed | IntUniform | Continuous | Quantised

DISTRIBUTIONS: Final[Mapping[str, type[Distribution]]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Constant,
            Categorical,
            WeightedCategorical,
            IntUniform,
            Uniform,
            QUniform,
            LogUniform,
            LogUniformValues,
            QLogUniform,
            QLogUniformValues,
            InvLogUniform,
            InvLogUniformValues,
            Normal,
            QNormal,
            LogNormal,
            QLogNormal,
            Beta,
            QBeta,
        )
    }
)

DEPRECATED: Final[Mapping[str, str]] = MappingProxyType(
    {kind.name: f"{kind.name}_values" for kind in (LogUniform, QLogUniform, InvLogUniform)}
)
"""Distributions whose bounds are exponents, and what to write in their place."""
