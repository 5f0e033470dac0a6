"""Writes a specification as the plain document that parses back to it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from sweepd.durations import duration_text
from sweepd.spec.distributions.discrete import Categorical, Constant, WeightedCategorical
from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.parameter import Group, ParameterNode
from sweepd.spec.point import Json
from sweepd.spec.stop_rules import StopRule
from sweepd.spec.sweep_spec import Aggregate, Guard, Metric, ObjectiveValue, Retry, SweepSpec

_PLAIN_KEYS: Final = ("name", "description", "project", "entity", "program", "run_cap", "seed")


def to_document(spec: SweepSpec) -> dict[str, Json]:
    """Return the document of a specification; keys without a value, or with their default, are left out."""
    document: dict[str, Json] = {"method": spec.method.value}
    texts: dict[str, Json] = {key: getattr(spec, key) for key in _PLAIN_KEYS}
    document.update({key: value for key, value in texts.items() if value is not None})
    if spec.command:
        document["command"] = list(spec.command)
    if spec.metric is not None:
        document["metric"] = _metric(spec.metric)
    if spec.early_terminate:
        rules: list[Json] = [_rule(rule) for rule in spec.early_terminate]
        document["early_terminate"] = rules if len(rules) > 1 else rules[0]
    if spec.parameters:
        document["parameters"] = _parameters(spec.parameters)
    document.update(_choice_of_points(spec))
    document.update(_handling(spec))
    return document


def _metric(metric: Metric) -> dict[str, Json]:
    document: dict[str, Json] = {"name": metric.name, "goal": metric.goal.value}
    if metric.target is not None:
        document["target"] = metric.target
    document["impute"] = metric.impute.value
    while_running = metric.impute_while_running
    document["impute_while_running"] = "false" if while_running is None else while_running.value
    if metric.value is not ObjectiveValue.BEST:
        document["value"] = metric.value.value
    return document


def _rule(rule: StopRule) -> dict[str, Json]:
    # The keys of the file are the names of the fields.
    keys: dict[str, Json] = {field.name: getattr(rule, field.name) for field in fields(rule)}
    given = {key: value for key, value in keys.items() if value is not None}
    return {"type": type(rule).__name__.lower(), **given}


def _choice_of_points(spec: SweepSpec) -> dict[str, Json]:
    """Return the keys that say which points run, and in which order."""
    document: dict[str, Json] = {
        "constraints": list(spec.constraints),
        "zip": [list(names) for names in spec.zips],
        "initial": [dict(point) for point in spec.initial],
        "runs": [dict(point) for point in spec.runs],
    }
    if spec.shuffle:
        document["shuffle"] = True
    return {key: value for key, value in document.items() if value}


def _handling(spec: SweepSpec) -> dict[str, Json]:
    """Return the keys that say how runs are handled."""
    document: dict[str, Json] = {}
    if spec.repeats != 1:
        document["repeats"] = spec.repeats
        if spec.aggregate is not Aggregate.MEAN:
            document["aggregate"] = spec.aggregate.value
    if spec.retry != Retry():
        document["retry"] = {"infrastructure": spec.retry.infrastructure, "failure": spec.retry.failure}
    if spec.canary:
        document["canary"] = True
    if spec.guard != Guard():
        share: dict[str, Json] = {} if spec.guard.sweep is None else {"sweep": spec.guard.sweep}
        document["guard"] = {"agent": spec.guard.agent, **share}
    if spec.sweep_timeout is not None:
        document["sweep_timeout"] = duration_text(spec.sweep_timeout)
    if spec.requires:
        document["requires"] = dict(spec.requires)
    if spec.tags:
        document["tags"] = list(spec.tags)
    if spec.metadata:
        document["metadata"] = dict(spec.metadata)
    if spec.metrics_from is not None:
        document["metrics_from"] = {
            each.name: text
            for each in fields(spec.metrics_from)
            if (text := str(getattr(spec.metrics_from, each.name)))
        }
    if spec.compat is not None:
        document["compat"] = spec.compat.value
    return document


def _parameters(parameters: Mapping[str, ParameterNode]) -> dict[str, Json]:
    document: dict[str, Json] = {}
    for name, node in parameters.items():
        condition: dict[str, Json] = {} if node.when is None else {"when": node.when}
        if isinstance(node, Group):
            document[name] = {**condition, "parameters": _parameters(node.parameters)}
        else:
            document[name] = {**_distribution(node.distribution), **condition}
    return document


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
