"""Writes a specification as the plain document that parses back to it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from sweepd.spec.discrete import Categorical, Constant, WeightedCategorical
from sweepd.spec.distribution import Distribution
from sweepd.spec.hyperband import Hyperband
from sweepd.spec.point import Json
from sweepd.spec.search_space import Group, ParameterNode
from sweepd.spec.sweep_spec import Metric, SweepSpec

_PLAIN_KEYS: Final = ("name", "description", "project", "entity", "program", "run_cap", "seed")


def to_document(spec: SweepSpec) -> dict[str, Json]:
    """Return the document of a specification; keys without a value are left out."""
    document: dict[str, Json] = {"method": spec.method.value}
    texts: dict[str, Json] = {key: getattr(spec, key) for key in _PLAIN_KEYS}
    document.update({key: value for key, value in texts.items() if value is not None})
    if spec.command:
        document["command"] = list(spec.command)
    if spec.metric is not None:
        document["metric"] = _metric(spec.metric)
    for rule in spec.early_terminate:
        if isinstance(rule, Hyperband):
            document["early_terminate"] = _hyperband(rule)
    document["parameters"] = _parameters(spec.parameters)
    return document


def _metric(metric: Metric) -> dict[str, Json]:
    document: dict[str, Json] = {"name": metric.name, "goal": metric.goal.value}
    if metric.target is not None:
        document["target"] = metric.target
    document["impute"] = metric.impute.value
    while_running = metric.impute_while_running
    document["impute_while_running"] = "false" if while_running is None else while_running.value
    return document


def _hyperband(rule: Hyperband) -> dict[str, Json]:
    keys: dict[str, Json] = {"min_iter": rule.min_iter, "max_iter": rule.max_iter, "s": rule.s}
    given = {key: value for key, value in keys.items() if value is not None}
    return {"type": "hyperband", **given, "eta": rule.eta, "strict": rule.strict}


def _parameters(parameters: Mapping[str, ParameterNode]) -> dict[str, Json]:
    return {
        name: {"parameters": _parameters(node.parameters)}
        if isinstance(node, Group)
        else _distribution(node.distribution)
        for name, node in parameters.items()
    }


def _distribution(distribution: Distribution) -> dict[str, Json]:
    match distribution:
        case Constant(value=value):
            return {"value": value}
        case Categorical(values=values):
            return {"values": list(values)}
        case WeightedCategorical(values=values, probabilities=probabilities):
            return {"values": list(values), "probabilities": list(probabilities)}
        case _:
            keys = [field.name for field in fields(distribution) if field.init]
            return {"distribution": distribution.name, **{key: getattr(distribution, key) for key in keys}}
