"""A sweep's specification as a message and back; what comes back has passed the same checks as a file."""

from collections.abc import Iterable, Mapping

from sweepd import v1
from sweepd.codec.distributions import distribution_document, distribution_message
from sweepd.codec.handling import fill_handling, handling_document
from sweepd.codec.stop_rules import rule_message, rules_document
from sweepd.codec.values import CodecError, point_from_message, point_message
from sweepd.spec import (
    Goal,
    Group,
    Impute,
    Method,
    Metric,
    ObjectiveValue,
    Parameter,
    ParameterNode,
    Point,
    SweepSpec,
    parse_mapping,
)

_METHODS = {method: v1.SearchMethod.Value(f"SEARCH_METHOD_{method.name}") for method in Method}
_GOALS = {goal: v1.Goal.Value(f"GOAL_{goal.name}") for goal in Goal}
_IMPUTES = {impute: v1.Impute.Value(f"IMPUTE_{impute.name}") for impute in Impute}
_VALUES = {value: v1.ObjectiveValue.Value(f"OBJECTIVE_VALUE_{value.name}") for value in ObjectiveValue}
_METHOD_WORDS: dict[int, str] = {number: word.value for word, number in _METHODS.items()}
_GOAL_WORDS: dict[int, str] = {v1.GOAL_UNSPECIFIED: Goal.MINIMIZE.value}
_GOAL_WORDS |= {number: word.value for word, number in _GOALS.items()}
_IMPUTE_WORDS: dict[int, str] = {number: word.value for word, number in _IMPUTES.items()}
_VALUE_WORDS: dict[int, str] = {number: word.value for word, number in _VALUES.items()}


def spec_message(spec: SweepSpec) -> v1.SweepSpec:
    """Return a specification as a message. Project and entity are left out: names of sweeps carry them.

    Raises:
        CodecError: a number or a value is beyond what the contract can carry.
    """
    try:
        message = v1.SweepSpec(
            name=spec.name or "",
            description=spec.description or "",
            program=spec.program or "",
            command=spec.command,
            method=_METHODS[spec.method],
            metric=None if spec.metric is None else _metric_message(spec.metric),
            parameters=_parameters(spec.parameters, "parameters"),
            early_terminations=[rule_message(rule) for rule in spec.early_terminate],
            run_cap=spec.run_cap,
            seed=spec.seed,
            constraints=spec.constraints,
            initial_points=_point_messages(spec.initial, "initial"),
            listed_points=_point_messages(spec.runs, "runs"),
            shuffle=spec.shuffle,
            zips=[v1.Zip(parameters=names) for names in spec.zips],
        )
        fill_handling(message, spec)
    except CodecError:
        raise
    except ValueError as error:  # protobuf's own: an integer out of its field's range, or broken text
        raise CodecError("", str(error)) from error
    return message


def spec_from_message(message: v1.SweepSpec) -> SweepSpec:
    """Return the specification that a message carries.

    Raises:
        CodecError: it is malformed, or a file that said the same would be refused; the first finding is told.
    """
    parsed = parse_mapping(spec_document(message), file="spec")
    if parsed.spec is None:
        finding = next(found for found in parsed.diagnostics if found.severity == "error")
        raise CodecError(finding.path, finding.message)
    return parsed.spec


def _metric_message(metric: Metric) -> v1.Metric:
    running = metric.impute_while_running
    return v1.Metric(
        name=metric.name,
        goal=_GOALS[metric.goal],
        target=metric.target,
        impute=_IMPUTES[metric.impute],
        impute_while_running=v1.IMPUTE_UNSPECIFIED if running is None else _IMPUTES[running],
        value=_VALUES[metric.value],
    )


def _point_messages(points: Iterable[Point], field: str) -> list[v1.ParameterMap]:
    return [point_message(point, f"{field}[{index}]") for index, point in enumerate(points)]


def _parameters(nodes: Mapping[str, ParameterNode], field: str) -> list[v1.Parameter]:
    return [_parameter(name, node, f"{field}.{name}") for name, node in nodes.items()]


def _parameter(name: str, node: ParameterNode, field: str) -> v1.Parameter:
    match node:
        case Parameter(distribution=distribution):
            message = distribution_message(distribution, field)
            return v1.Parameter(name=name, distribution=message, when=node.when or "")
        case Group(parameters=inner):
            group = v1.ParameterGroup(parameters=_parameters(inner, f"{field}.parameters"))
            return v1.Parameter(name=name, group=group, when=node.when or "")


def spec_document(message: v1.SweepSpec) -> dict[str, object]:
    """Return what a file would say; entries that are not set are left out, and nothing is checked.

    Raises:
        CodecError: it is malformed.
    """
    texts = {"name": message.name, "description": message.description, "program": message.program}
    document: dict[str, object] = {
        "method": _word(_METHOD_WORDS, message.method, "method"),
        **{key: text for key, text in texts.items() if text},
    }
    # Only lists may leave it out; elsewhere the reader refuses an empty space.
    if message.parameters or message.method != v1.SEARCH_METHOD_LIST:
        document["parameters"] = parameters_document(message.parameters, "parameters")
    if message.command:
        document["command"] = list(message.command)
    if message.HasField("metric"):
        document["metric"] = _metric_document(message.metric)
    if message.early_terminations:
        document["early_terminate"] = rules_document(message.early_terminations)
    if message.HasField("run_cap"):
        document["run_cap"] = message.run_cap
    if message.HasField("seed"):
        document["seed"] = message.seed
    return {**document, **_points_document(message), **handling_document(message)}


def _points_document(message: v1.SweepSpec) -> dict[str, object]:
    """Return the keys that say which points run, and in which order."""
    keys: dict[str, list[object]] = {
        "constraints": list(message.constraints),
        "zip": [list(each.parameters) for each in message.zips],
        "initial": [
            point_from_message(point, f"initial[{index}]")
            for index, point in enumerate(message.initial_points)
        ],
        "runs": [
            point_from_message(point, f"runs[{index}]") for index, point in enumerate(message.listed_points)
        ],
    }
    document: dict[str, object] = {key: items for key, items in keys.items() if items}
    return {**document, "shuffle": True} if message.shuffle else document


def _metric_document(message: v1.Metric) -> dict[str, object]:
    document: dict[str, object] = {
        "name": message.name,
        "goal": _word(_GOAL_WORDS, message.goal, "metric.goal"),
    }
    if message.HasField("target"):
        document["target"] = message.target
    if message.impute:
        document["impute"] = _word(_IMPUTE_WORDS, message.impute, "metric.impute")
    if message.impute_while_running:
        running = _word(_IMPUTE_WORDS, message.impute_while_running, "metric.impute_while_running")
        document["impute_while_running"] = running
    if message.value:
        document["value"] = _word(_VALUE_WORDS, message.value, "metric.value")
    return document


def parameters_document(messages: Iterable[v1.Parameter], field: str) -> dict[str, object]:
    """Return what a file would say of parameters; a `field` begins the places of errors."""
    document: dict[str, object] = {}
    for message in messages:
        path = f"{field}.{message.name}"
        if message.name in document:
            raise CodecError(path, "the name comes twice")
        shape: dict[str, object]
        match message.WhichOneof("shape"):
            case "distribution":
                shape = distribution_document(message.distribution, path)
            case "group":
                inner = parameters_document(message.group.parameters, f"{path}.parameters")
                shape = {"parameters": inner}
            case _:
                raise CodecError(path, "neither a distribution nor a group is set")
        document[message.name] = {**shape, "when": message.when} if message.when else shape
    return document


def _word(words: Mapping[int, str], number: int, field: str) -> str:
    word = words.get(number)
    if word is None:
        raise CodecError(field, f"{number} is no legal value")
    return word
