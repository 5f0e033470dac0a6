"""The schema of `parameters`: which keys make a parameter, and which values they may have."""

from typing import Final

from sweepd.spec.distributions.distribution import DEPRECATED
from sweepd.spec.limits import MAX_BETA_SHAPE, MAX_EXPRESSION_LENGTH, MAX_NAME_LENGTH
from sweepd.spec.reading.build_listed import LARGEST_SHARE
from sweepd.spec.reading.distribution import DISTRIBUTION_KEYS, FORM_KEYS
from sweepd.spec.reading.parameters import GROUP_KEYS
from sweepd.spec.schema.pieces import (
    ANYTHING,
    NUMBER,
    Schema,
    all_of,
    choice,
    described,
    integer,
    items,
    mapping,
    needs,
    number,
    only,
    reference,
    text,
    where,
    with_key,
    words,
)

NAME: Final[Schema] = {"pattern": "^[A-Za-z_][A-Za-z0-9_./-]*$", "maxLength": MAX_NAME_LENGTH}
_GRID: Final = ("constant", "categorical", "int_uniform", "q_uniform")
"""The distributions that a grid can go through."""

EXPRESSION: Final = text(maxLength=MAX_EXPRESSION_LENGTH)
_ABOVE_ZERO: Final = number(exclusiveMinimum=0)
_MEANINGS: Final = {
    "constant": "`value`, always the same; it is passed on, not searched.",
    "categorical": "One of `values`, each as likely.",
    "categorical_w_probabilities": "One of `values`, by its `probabilities`.",
    "int_uniform": "An integer from `min` to `max`, both included.",
    "uniform": "A number from `min` to `max`.",
    "q_uniform": "A uniform value rounded to a multiple of `q`, within `min` and `max`.",
    "log_uniform": "Deprecated: `min` and `max` are exponents of e. Take log_uniform_values.",
    "log_uniform_values": "A number from `min` to `max` whose logarithm is uniform.",
    "q_log_uniform": "Deprecated: `min` and `max` are exponents of e. Take q_log_uniform_values.",
    "q_log_uniform_values": "A log_uniform_values value rounded to a multiple of `q`.",
    "inv_log_uniform": "Deprecated: `min` and `max` are exponents of e. Take inv_log_uniform_values.",
    "inv_log_uniform_values": "The same as log_uniform_values.",
    "normal": "A number around `mu` with the deviation `sigma`.",
    "q_normal": "A normal value rounded to a multiple of `q`.",
    "log_normal": "A positive number whose logarithm is normal, with `mu` and `sigma`.",
    "q_log_normal": "A log-normal value rounded to a multiple of `q`.",
    "beta": "A number from 0 to 1, by the beta distribution of `a` and `b`.",
    "q_beta": "A beta value rounded to a multiple of `q`.",
}
_KEYS: Final[dict[str, Schema]] = {
    "value": described("A constant of any type: it is passed on, not searched.", ANYTHING),
    "values": described("The values to choose from, of any types.", items(ANYTHING, minItems=1)),
    "probabilities": described(
        "How likely each of `values` is: as many numbers, which sum to 1.",
        items(number(minimum=0, maximum=LARGEST_SHARE), minItems=1),
    ),
    "distribution": described(
        "How values are drawn. Left out: `value` is a constant, `values` a choice, `min` and `max` are "
        "int_uniform if both are integers, else uniform.",
        words({name: _MEANINGS[name] for name in DISTRIBUTION_KEYS}),
    ),
    "min": described("Least value; below `max`.", NUMBER),
    "max": described("Greatest value.", NUMBER),
    "q": described(
        "Step of the quantised distributions: values are its multiples, counted from zero. If it is written "
        "as an integer, so are they. Default: 1.",
        _ABOVE_ZERO,
    ),
    "mu": described("Mean of the normal distributions.", NUMBER, 0),
    "sigma": described("Standard deviation of the normal distributions.", number(minimum=0), 1),
    "a": described(
        "First shape of the beta distributions.", number(exclusiveMinimum=0, maximum=MAX_BETA_SHAPE), 1
    ),
    "b": described(
        "Second shape of the beta distributions.", number(exclusiveMinimum=0, maximum=MAX_BETA_SHAPE), 1
    ),
    "parameters": described(
        "Makes this a group: the run receives one mapping with the values of these parameters.",
        reference("parameters"),
    ),
    "when": described(
        'An expression over other parameters; this one exists only where it holds, as `optimizer == "sgd"`.',
        EXPRESSION,
    ),
}


def space_definitions() -> dict[str, Schema]:
    """Return what the schema of a sweep refers to."""
    return {
        "parameters": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": NAME,
            "additionalProperties": reference("parameter"),
        },
        "parameter": _parameter(),
        "grid": {"type": "object", "additionalProperties": _on_a_grid()},
    }


def _parameter() -> Schema:
    by_name = [_of(name) for name in DISTRIBUTION_KEYS]
    leaf = with_key("distribution", all_of(*by_name), _without_distribution())
    return mapping(
        (*_in_order(), "when"),
        _KEYS,
        minProperties=1,
        **with_key("parameters", only(GROUP_KEYS), leaf),
    )


def _in_order() -> list[str]:
    """Return the keys of forms, in the order in which a person thinks of them."""
    return [key for key in _KEYS if key in FORM_KEYS]


def _of(name: str) -> Schema:
    needed, optional = DISTRIBUTION_KEYS[name]
    then = {**needs("distribution", *needed), **only((*needed, *optional, "distribution", "when"))}
    values = _values_of(name)
    if values:
        then["properties"] = values
    return where("distribution", {"const": name}, then)


def _values_of(name: str) -> dict[str, Schema]:
    """Return what a distribution asks of its keys beyond what all of them do."""
    if name == "int_uniform":
        return {"min": integer(), "max": integer()}
    if name.endswith("_values") and name.removesuffix("_values") in DEPRECATED:
        return {"min": _ABOVE_ZERO}
    return {}


def _without_distribution() -> Schema:
    """Return the schema of a parameter whose keys alone tell what it is."""
    ranges = {**needs("min", "max"), **only(("min", "max", "when"))}
    listed = with_key("values", only(("values", "when")), ranges)
    weighted = with_key(
        "probabilities",
        {**needs("values"), **only(("values", "probabilities", "when"))},
        listed,
    )
    return with_key("value", only(("value", "when")), weighted)


def _on_a_grid() -> Schema:
    """Return what a grid asks of a parameter; that 0.0 is no integer no schema can tell."""
    written: Schema = {"properties": {"distribution": choice(_GRID)}}
    whole: Schema = {"type": "integer"}
    inferred: Schema = {"properties": {"probabilities": False, "min": whole, "max": whole}}
    return with_key(
        "parameters",
        {"properties": {"parameters": reference("grid")}},
        with_key("distribution", written, inferred),
    )
