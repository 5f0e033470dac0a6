"""JSON Schema of sweep files for editors, generated from the table of keys.

The schema accepts every file that the parser accepts, and more: it does not compare numbers with each other,
and does not parse expressions. docs/sweep-file.schema.json is the output of `schema_text`.
"""

import json

from sweepd.spec.distributions.distribution import DEPRECATED
from sweepd.spec.keys.distributions import DISTRIBUTION_KEYS, MEANINGS, VALUE_KEYS
from sweepd.spec.keys.parameters import GROUP_KEYS
from sweepd.spec.keys.rules import rule_schema
from sweepd.spec.keys.shape import (
    Schema,
    all_of,
    any_of,
    choice,
    closed,
    described,
    explained,
    integer,
    lacks,
    needs,
    number,
    only,
    properties,
    reference,
    where,
    with_key,
)
from sweepd.spec.keys.special import EXPRESSION_SCHEMA, NAME_SCHEMA
from sweepd.spec.keys.sweep import ALL_KEYS, METRIC
from sweepd.spec.keys.unsupported import UNSUPPORTED_METHODS, engine_rules
from sweepd.spec.methods.registry import METHODS

_GRID_DISTRIBUTIONS = ("constant", "categorical", "int_uniform", "q_uniform")
"""Distributions that a grid can enumerate."""


def sweep_schema() -> Schema:
    """Return the schema of a sweep file."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A sweep of sweepd",
        **closed(ALL_KEYS),
        **all_of(*_rules()),
        "definitions": {**_space_definitions(), "metric": METRIC.schema, "rule": rule_schema()},
    }


def schema_text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(sweep_schema(), indent=2, ensure_ascii=False) + "\n"


def _rules() -> list[Schema]:
    """Return the schemas of dependencies and exclusions between keys."""
    says_something: Schema = {"not": {"type": "null"}}
    has_metric = any_of(needs("metric"), needs("metrics"))
    own_space: Schema = {**needs("scheduler"), "properties": {"scheduler": needs("search_space")}}
    listed = [name for name, method in METHODS.items() if method.listed]
    on_grid = [name for name, method in METHODS.items() if method.on_grid]
    learning = [name for name, method in METHODS.items() if method.learns]
    is_list = where("method", choice(listed), all_of(needs("runs"), lacks("initial")))
    shuffled: Schema = {"properties": {"method": choice([*on_grid, *UNSUPPORTED_METHODS])}}
    return [
        {**is_list, "else": any_of(needs("parameters"), own_space)},
        where("method", choice(name for name in METHODS if name not in listed), lacks("runs")),
        where("method", choice(on_grid), {"properties": {"parameters": reference("grid")}}),
        where("method", choice(learning), has_metric),
        where("early_terminate", says_something, has_metric),
        where("canary", {"const": True}, has_metric),
        where("shuffle", {"const": True}, shuffled),
        with_key("aggregate", all_of(needs("repeats"), has_metric)),
        with_key("metrics", lacks("metric")),
        *engine_rules(),
    ]


def _space_definitions() -> dict[str, Schema]:
    """Return the definitions of parameters that the schema of a sweep refers to."""
    return {
        "parameters": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": NAME_SCHEMA,
            "additionalProperties": reference("parameter"),
        },
        "parameter": _parameter(),
        "grid": {"type": "object", "additionalProperties": _on_a_grid()},
    }


def _parameter() -> Schema:
    leaf = with_key("distribution", all_of(*map(_of, DISTRIBUTION_KEYS)), _without_distribution())
    return {
        "type": "object",
        "properties": _parameter_properties(),
        "additionalProperties": False,
        "minProperties": 1,
        **with_key("parameters", only(GROUP_KEYS), leaf),
    }


def _parameter_properties() -> dict[str, Schema]:
    """Return the schemas of a parameter's keys, the most common ones first."""
    values = properties(tuple(VALUE_KEYS.values()))
    distribution = described(
        "Distribution of the values. Default: constant for `value`, categorical for `values` (with "
        "`probabilities`, categorical_w_probabilities), int_uniform if `min` and `max` are integers, else "
        "uniform.",
        explained(MEANINGS),
    )
    group = described(
        "Makes this a group: the run receives one mapping with the values of these parameters.",
        reference("parameters"),
    )
    condition = described(
        'A condition on other parameters, such as `optimizer == "sgd"`; the parameter or group is present '
        "only if the condition holds.",
        EXPRESSION_SCHEMA,
    )
    listed = {key: values.pop(key) for key in ("value", "values", "probabilities")}
    return {**listed, "distribution": distribution, **values, "parameters": group, "when": condition}


def _of(name: str) -> Schema:
    needed, optional = DISTRIBUTION_KEYS[name]
    then = {**needs("distribution", *needed), **only((*needed, *optional, "distribution", "when"))}
    values = _values_of(name)
    if values:
        then["properties"] = values
    return where("distribution", {"const": name}, then)


def _values_of(name: str) -> dict[str, Schema]:
    """Return the schemas of the values that a distribution restricts further."""
    if name == "int_uniform":
        return {"min": integer().schema, "max": integer().schema}
    if name.endswith("_values") and name.removesuffix("_values") in DEPRECATED:
        return {"min": number(above=0).schema}
    return {}


def _without_distribution() -> Schema:
    """Return the schema of a parameter without `distribution`."""
    ranges = {**needs("min", "max"), **only(("min", "max", "when"))}
    listed = with_key("values", only(("values", "when")), ranges)
    weighted = with_key(
        "probabilities", {**needs("values"), **only(("values", "probabilities", "when"))}, listed
    )
    return with_key("value", only(("value", "when")), weighted)


def _on_a_grid() -> Schema:
    """Return the schema of a parameter in a grid; a schema cannot distinguish 0.0 from an integer."""
    written: Schema = {"properties": {"distribution": choice(_GRID_DISTRIBUTIONS)}}
    whole: Schema = {"type": "integer"}
    inferred: Schema = {"properties": {"probabilities": False, "min": whole, "max": whole}}
    return with_key(
        "parameters",
        {"properties": {"parameters": reference("grid")}},
        with_key("distribution", written, inferred),
    )
