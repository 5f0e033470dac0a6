"""Keys of distributions, and a builder of distributions that checks the values they can draw."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from math import exp, isfinite
from types import MappingProxyType
from typing import Final

from sweepd.spec.distributions.discrete import Categorical, Constant, IntUniform, WeightedCategorical
from sweepd.spec.distributions.distribution import (
    CONTINUOUS,
    DEPRECATED,
    LISTED,
    Continuous,
    Distribution,
    unrounded,
)
from sweepd.spec.distributions.quantised import Quantised
from sweepd.spec.keys.shape import ANYTHING, Key, ValueShape, file_value, items, number, read_keys
from sweepd.spec.limits import INT64_MAX, INT64_MIN, MAX_BETA_SHAPE, MAX_INT_CHOICES, MAX_QUANTA
from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.tree import Node, ScalarNode, SequenceNode, is_finite, read_json
from sweepd.spec.point import Json, Number, is_number

_MAX_PROBABILITY: Final = 1.1
"""Maximum of a probability; it exceeds 1, so that 1.0001 is reported as a wrong sum, not as out of range."""

_PROBABILITY_TOLERANCE: Final = 1.000001e-5  # a sum of 0.99999 must pass despite rounding


def _value(parameter: Fields, key: str) -> Json:
    node = parameter.node.entries[key].node
    path = parameter.path_of(key)
    if isinstance(node, SequenceNode):
        message = "this list is one constant, so nothing is searched"
        parameter.findings.warning(node.place, path, "constant-list", message, suggestion="values")
    return read_json(parameter.findings, node, path)


def _items(parameter: Fields, key: str) -> tuple[Node, ...]:
    if parameter.is_empty_list(key):
        parameter.error("no-values", "must have at least one entry", key=key)
    return parameter.items(key, "a list")


def _values(parameter: Fields, key: str) -> tuple[Json, ...] | None:
    path = parameter.path_of(key)
    values = tuple(
        read_json(parameter.findings, item, f"{path}[{index}]")
        for index, item in enumerate(_items(parameter, key))
    )
    return values if values and all(map(is_finite, values)) else None


def _probabilities(parameter: Fields, key: str) -> tuple[float, ...] | None:
    """Return one probability per value, or None after recording an error."""
    path, shares = parameter.path_of(key), list[float]()
    listed, count = _items(parameter, key), len(parameter.items("values", ""))
    for index, item in enumerate(listed):
        share = item.value if isinstance(item, ScalarNode) else None
        if not is_number(share) or not 0 <= share <= _MAX_PROBABILITY:
            message = "a probability is a number from 0 to 1"
            parameter.findings.error(item.place, f"{path}[{index}]", "bad-probability", message)
        else:
            shares.append(float(share))
    if listed and len(listed) != count:
        parameter.error("bad-probability", f"{len(listed)} probabilities for {count} values", key=key)
    elif shares and len(shares) == count:
        if abs(sum(shares) - 1) <= _PROBABILITY_TOLERANCE:
            return tuple(shares)
        message = f"the probabilities sum to {sum(shares):.6g}, not to 1"
        parameter.error("bad-probability", message, key=key)
    return None


_SHAPE: Final = number(above=0, most=MAX_BETA_SHAPE)
VALUE_KEYS: Final[Mapping[str, Key]] = MappingProxyType(
    {
        key.name: key
        for key in (
            Key(
                "value",
                ValueShape(_value, ANYTHING),
                "A constant of any type; it is passed to the run, not searched.",
            ),
            Key(
                "values",
                ValueShape(_values, items(ANYTHING, minItems=1)),
                "The values to choose from, of any type.",
            ),
            Key(
                "probabilities",
                ValueShape(_probabilities, items(number(least=0, most=_MAX_PROBABILITY).schema, minItems=1)),
                "The probabilities of `values`: one number per value; they sum to 1.",
            ),
            Key("min", number(), "Smallest value; must be less than `max`."),
            Key("max", number(), "Largest value."),
            Key(
                "q",
                number(above=0),
                "Step of the quantised distributions: values are multiples of it, and integers if it is "
                "written as an integer. Default: 1 if both bounds are integers, else 1.0.",
            ),
            Key("mu", number(), "Mean of the normal distributions.", default=0),
            Key("sigma", number(least=0), "Standard deviation of the normal distributions.", default=1),
            Key("a", _SHAPE, "First shape parameter of the beta distributions.", default=1),
            Key("b", _SHAPE, "Second shape parameter of the beta distributions.", default=1),
        )
    }
)
"""Keys of all distributions, named like the attributes of the dataclasses."""

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "constant": "The constant `value`; it is passed to the run, not searched.",
        "categorical": "One of `values`, all equally likely.",
        "categorical_w_probabilities": "One of `values`, with the probabilities in `probabilities`.",
        "int_uniform": "An integer from `min` to `max`, both included.",
        "uniform": "A number from `min` to `max`.",
        "q_uniform": "A uniform value rounded to a multiple of `q`, within `min` and `max`.",
        "log_uniform": "Deprecated: `min` and `max` are exponents of e. Use log_uniform_values.",
        "log_uniform_values": "A number from `min` to `max` whose logarithm is uniform.",
        "q_log_uniform": "Deprecated: `min` and `max` are exponents of e. Use q_log_uniform_values.",
        "q_log_uniform_values": "A log_uniform_values value rounded to a multiple of `q`.",
        "inv_log_uniform": "Deprecated: `min` and `max` are exponents of 1/e. Use inv_log_uniform_values.",
        "inv_log_uniform_values": "The same distribution as log_uniform_values.",
        "normal": "A normally distributed number with mean `mu` and standard deviation `sigma`.",
        "q_normal": "A normal value rounded to a multiple of `q`.",
        "log_normal": "A number whose logarithm is normal with mean `mu` and standard deviation `sigma`.",
        "q_log_normal": "A log-normal value rounded to a multiple of `q`.",
        "beta": "A beta-distributed number from 0 to 1, with the shape parameters `a` and `b`.",
        "q_beta": "A beta value rounded to a multiple of `q`.",
    }
)
"""Description of each distribution, shown by editors."""


def _keys_of(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kind = {**LISTED, **CONTINUOUS, IntUniform.name: IntUniform}[name.removeprefix("q_")]
    defaults = {each.name: each.default for each in fields(kind) if each.init}
    needed = tuple(key for key, default in defaults.items() if default is MISSING)
    step = ("q",) if name.startswith("q_") else ()
    return needed, (*(key for key in defaults if key not in needed), *step)


DISTRIBUTION_KEYS: Final = MappingProxyType({name: _keys_of(name) for name in MEANINGS})
"""Required and optional keys of each distribution."""


def build_distribution(name: str, parameter: Fields) -> Distribution | None:
    """Return the distribution of a parameter that has all required keys, or None after recording an error."""
    match name:
        case "constant":
            value = _value(parameter, "value")
            return Constant(value=value) if is_finite(value) else None
        case "categorical" | "categorical_w_probabilities":
            return _listed(name, parameter)
        case "int_uniform":
            return _int_uniform(parameter)
        case _:
            return _continuous(name, parameter)


def _listed(name: str, parameter: Fields) -> Distribution | None:
    values: dict[str, object] = {}
    for key in DISTRIBUTION_KEYS[name][0]:
        values[key] = VALUE_KEYS[key].shape.read(parameter, key)
        if values[key] is None:
            return None
    build: Callable[..., Distribution] = LISTED[name]
    return build(**values)


def _int_uniform(parameter: Fields) -> Distribution | None:
    bounds = _bounds(parameter)
    floats = [key for key in ("min", "max") if isinstance(parameter.scalar(key), float)]
    for key in floats:
        parameter.error("bad-type", "int_uniform takes integers; a number with a dot is not one", key=key)
    if bounds is None or floats:
        return None
    low, high = int(bounds[0]), int(bounds[1])
    if high - low + 1 > MAX_INT_CHOICES:
        parameter.error("out-of-range", f"more than {MAX_INT_CHOICES:,} integers", key="max")
        return None
    return IntUniform(min=low, max=high)


def _continuous(name: str, parameter: Fields) -> Distribution | None:
    needed, optional = DISTRIBUTION_KEYS[name]
    bounds = _bounds(parameter) if needed else None
    values: dict[str, object] = {} if bounds is None else {"min": bounds[0], "max": bounds[1]}
    values |= read_keys(parameter, [VALUE_KEYS[key] for key in optional])
    if any(key in parameter and key not in values for key in (*needed, *optional)):
        return None
    if bounds is not None and bounds[0] <= 0 and name.endswith("_values"):
        parameter.error("out-of-range", f"min must be greater than 0 for {name}", key="min")
        return None
    if name in DEPRECATED and bounds is not None:
        _warn_of_exponents(name, parameter, *bounds)
    build: Callable[..., Continuous] = CONTINUOUS[name.removeprefix("q_")]
    if "q" not in optional:
        return _checked(name, parameter, lambda: build(**values))
    whole = bounds is not None and all(isinstance(bound, int) for bound in bounds)
    step = values.pop("q", 1 if whole else 1.0)
    assert is_number(step)
    return _checked(name, parameter, lambda: Quantised(shape=build(**values), q=step))


def _bounds(parameter: Fields) -> tuple[Number, Number] | None:
    low, high = parameter.number("min"), parameter.number("max")
    if low is None or high is None:
        return None
    if low >= high:
        place = parameter.node.entries["min"].node.place
        message = f"min {low} is not less than max {high}"
        parameter.findings.error(place, parameter.path, "min-not-less-than-max", message)
        return None
    return low, high


def _warn_of_exponents(name: str, parameter: Fields, low: Number, high: Number) -> None:
    replacement = DEPRECATED[name]
    sign = -1 if name.startswith("inv_") else 1
    try:
        first, last = sorted((exp(sign * low), exp(sign * high)))
    except OverflowError:
        return  # `_checked` reports the error
    message = f"{name} is deprecated and takes exponents: this draws {first:.6g} to {last:.6g}"
    if low > 0 and (high <= 1 or last > 1e9 or first < 1e-9):
        message += f". The bounds look like values, not exponents: to draw {low} to {high}, use {replacement}"
    else:
        message += f"; {replacement} takes the limits themselves"
    place = parameter.node.entries["min"].node.place
    parameter.findings.warning(place, parameter.path, "exponent-bounds", message, replacement)


def _checked(
    name: str, parameter: Fields, build: Callable[[], Continuous | Quantised]
) -> Distribution | None:
    """Build a distribution, or record that its values are infinite or indistinguishable, and return None."""
    try:
        built = build()
        ends = built.quantile(0.0), built.quantile(1.0)
        built.to_unit(ends[0])
        problem = _problem(built, ends)
    except (OverflowError, ValueError, ZeroDivisionError):
        problem = "not representable in floating point: too large, or too close to each other"
    else:
        if problem is None:
            return built
    suggestion = DEPRECATED.get(name)
    message = f"the values would be {problem}"
    if suggestion:
        message += f"; {name} takes exponents, {suggestion} the limits themselves"
    parameter.error("out-of-range", message, suggestion=suggestion)
    return None


def _problem(built: Continuous | Quantised, ends: tuple[Number, Number]) -> str | None:
    if not all(map(isfinite, ends)) or not isfinite(ends[1] - ends[0]):
        return "infinite"
    if any(isinstance(end, int) and not INT64_MIN <= end <= INT64_MAX for end in ends):
        return "integers of more than 64 bits"
    if isinstance(built, Quantised) and max(map(abs, ends)) / built.q > MAX_QUANTA:
        return "too many multiples of q to tell apart"
    return None


def distribution_values(distribution: Distribution) -> dict[str, object]:
    """Return the values of a distribution by key."""
    needed, optional = DISTRIBUTION_KEYS[distribution.name]
    shape = unrounded(distribution)
    values = {key: getattr(shape, key) for key in (*needed, *optional) if key != "q"}
    return {**values, "q": distribution.q} if isinstance(distribution, Quantised) else values


def distribution_document(distribution: Distribution) -> dict[str, Json]:
    """Return the keys that describe a distribution in a sweep file."""
    keys = {key: file_value(value) for key, value in distribution_values(distribution).items()}
    if isinstance(distribution, Constant | Categorical | WeightedCategorical):
        return keys
    return {"distribution": distribution.name, **keys}
