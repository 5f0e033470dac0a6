"""Builds a distribution from its keys, checking every value and what would be drawn."""

from collections.abc import Callable
from math import exp, isfinite
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
from sweepd.spec.distributions.discrete import IntUniform
from sweepd.spec.distributions.distribution import DEPRECATED, Continuous, Distribution, Quantised
from sweepd.spec.distributions.quantised import (
    QBeta,
    QLogNormal,
    QLogUniform,
    QLogUniformValues,
    QNormal,
    QUniform,
)
from sweepd.spec.limits import INT64_MAX, INT64_MIN, MAX_BETA_SHAPE, MAX_INT_CHOICES, MAX_QUANTA
from sweepd.spec.point import Number
from sweepd.spec.reading.build_listed import build_categorical, build_constant, build_weighted
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.nodes import Node, ScalarNode
from sweepd.spec.wording import shown

_RANGES: Final = {
    kind.name: kind
    for kind in (
        Uniform,
        LogUniform,
        LogUniformValues,
        InvLogUniform,
        InvLogUniformValues,
    )
}
_Q_RANGES: Final = {kind.name: kind for kind in (QUniform, QLogUniform, QLogUniformValues)}


def build_distribution(name: str, fields: Fields) -> Distribution | None:
    """Return the distribution of a parameter with all the keys it needs, or None after recording why not."""
    match name:
        case "constant":
            return build_constant(fields)
        case "categorical":
            return build_categorical(fields)
        case "categorical_w_probabilities":
            return build_weighted(fields)
        case "int_uniform":
            return _int_uniform(fields)
        case "normal" | "q_normal" | "log_normal" | "q_log_normal":
            return _normal(name, fields)
        case "beta" | "q_beta":
            return _beta(name, fields)
        case _:
            return _ranged(name, fields)


def _bounds(fields: Fields) -> tuple[Number, Number] | None:
    low, high = fields.number("min"), fields.number("max")
    if low is None or high is None:
        return None
    if low >= high:
        place = fields.node.entries["min"].node.place
        message = f"min {low} is not less than max {high}"
        fields.findings.error(place, fields.path, "min-not-less-than-max", message)
        return None
    return low, high


def _int_uniform(fields: Fields) -> Distribution | None:
    bounds = _bounds(fields)
    floats = [key for key in ("min", "max") if _is_float(fields.node_at(key))]
    for key in floats:
        fields.error("bad-type", "int_uniform takes integers; a number with a dot is none", key=key)
    if bounds is None or floats:
        return None
    low, high = int(bounds[0]), int(bounds[1])
    if high - low + 1 > MAX_INT_CHOICES:
        fields.error("out-of-range", f"more than {MAX_INT_CHOICES:,} integers", key="max")
        return None
    return IntUniform(min=low, max=high)


def _is_float(node: Node | None) -> bool:
    return isinstance(node, ScalarNode) and isinstance(node.value, float)


def _ranged(name: str, fields: Fields) -> Distribution | None:
    bounds = _bounds(fields)
    q = _q(fields, *(bounds or (0.0, 0.0)))
    if bounds is None or q is None:
        return None
    low, high = bounds
    if name.endswith("_values") and low <= 0:
        fields.error("out-of-range", f"min must be greater than 0 for {name}", key="min")
        return None
    if name in DEPRECATED:
        _warn_of_exponents(name, fields, low, high)
    if name in _Q_RANGES:
        return _checked(name, fields, lambda: _Q_RANGES[name](min=low, max=high, q=q))
    return _checked(name, fields, lambda: _RANGES[name](min=low, max=high))


def _q(fields: Fields, low: Number, high: Number) -> Number | None:
    """Return q; left out, it is 1, and an integer where the bounds are integers."""
    if "q" not in fields:
        return 1 if isinstance(low, int) and isinstance(high, int) else 1.0
    return _at_least(fields, "q", 1.0, exclusive=True)


def _warn_of_exponents(name: str, fields: Fields, low: Number, high: Number) -> None:
    replacement = DEPRECATED[name]
    sign = -1 if name.startswith("inv_") else 1
    try:
        first, last = sorted((exp(sign * low), exp(sign * high)))
    except OverflowError:
        return  # an error of its own
    message = f"{name} is deprecated and takes exponents: this draws {first:.6g} to {last:.6g}"
    if low > 0 and (high <= 1 or last > 1e9 or first < 1e-9):
        message += f". The bounds look like limits: if {low} to {high} was meant, {replacement} is needed"
    else:
        message += f"; {replacement} takes the limits themselves"
    fields.findings.warning(
        fields.node.entries["min"].node.place, fields.path, "exponent-bounds", message, replacement
    )


def _normal(name: str, fields: Fields) -> Distribution | None:
    mu = fields.number("mu") if "mu" in fields else 0
    sigma = _at_least(fields, "sigma", 1)
    q = _q(fields, 0.0, 0.0)
    if mu is None or sigma is None or q is None:
        return None
    match name:
        case "normal":
            return _checked(name, fields, lambda: Normal(mu=mu, sigma=sigma))
        case "log_normal":
            return _checked(name, fields, lambda: LogNormal(mu=mu, sigma=sigma))
        case "q_normal":
            return _checked(name, fields, lambda: QNormal(mu=mu, sigma=sigma, q=q))
        case _:
            return _checked(name, fields, lambda: QLogNormal(mu=mu, sigma=sigma, q=q))


def _beta(name: str, fields: Fields) -> Distribution | None:
    a = _at_least(fields, "a", 1, exclusive=True, maximum=MAX_BETA_SHAPE)
    b = _at_least(fields, "b", 1, exclusive=True, maximum=MAX_BETA_SHAPE)
    q = _q(fields, 0.0, 0.0)
    if a is None or b is None or q is None:
        return None
    if name == "beta":
        return _checked(name, fields, lambda: Beta(a=a, b=b))
    return _checked(name, fields, lambda: QBeta(a=a, b=b, q=q))


def _at_least(
    fields: Fields, key: str, default: Number, *, exclusive: bool = False, maximum: float | None = None
) -> Number | None:
    """Return a number of at least (with `exclusive`, above) zero."""
    if key not in fields:
        return default
    value = fields.number(key)
    if value is None:
        return None
    if value < 0 or (exclusive and value == 0):
        wanted = "greater than 0" if exclusive else "at least 0"
        fields.error("out-of-range", f"must be {wanted}, not {shown(value)}", key=key)
        return None
    if maximum is not None and value > maximum:
        fields.error("out-of-range", f"must be at most {maximum:,.0f}, not {shown(value)}", key=key)
        return None
    return value


def _checked(name: str, fields: Fields, build: Callable[[], Continuous | Quantised]) -> Distribution | None:
    """Return a distribution if all that it can draw can be written down and told apart."""
    try:
        built = build()
        ends = built.quantile(0.0), built.quantile(1.0)
        built.to_unit(ends[0])
        problem = _problem(built, ends)
    except (OverflowError, ValueError, ZeroDivisionError):
        problem = "beyond what floating point can hold: too large, or too close to each other"
    else:
        if problem is None:
            return built
    suggestion = DEPRECATED.get(name)
    message = f"the values would be {problem}"
    if suggestion:
        message += f"; {name} takes exponents, {suggestion} the limits themselves"
    fields.error("out-of-range", message, suggestion=suggestion)
    return None


def _problem(built: Continuous | Quantised, ends: tuple[Number, Number]) -> str | None:
    if not all(map(isfinite, ends)) or not isfinite(ends[1] - ends[0]):
        return "infinite"
    if any(isinstance(end, int) and not INT64_MIN <= end <= INT64_MAX for end in ends):
        return "integers of more than 64 bits"
    if isinstance(built, Quantised) and max(map(abs, ends)) / built.q > MAX_QUANTA:
        return "too many multiples of q to tell apart"
    return None
