"""A sweep's specification as a message and back; what comes back has passed the same checks as a file."""

from collections.abc import Iterable, Mapping

from sweepd import v1
from sweepd.codec.distributions import distribution_document, distribution_message
from sweepd.codec.values import CodecError
from sweepd.spec import Goal, Group, Hyperband, Impute, Method, Metric, Parameter, SweepSpec, parse_mapping
from sweepd.spec.search_space import ParameterNode

_METHODS = {
    Method.GRID: v1.SEARCH_METHOD_GRID,
    Method.RANDOM: v1.SEARCH_METHOD_RANDOM,
    Method.BAYES: v1.SEARCH_METHOD_BAYES,
}
_GOALS = {Goal.MINIMIZE: v1.GOAL_MINIMIZE, Goal.MAXIMIZE: v1.GOAL_MAXIMIZE}
_IMPUTES = {
    Impute.WORST: v1.IMPUTE_WORST,
    Impute.BEST: v1.IMPUTE_BEST,
    Impute.LATEST: v1.IMPUTE_LATEST,
}
_METHOD_WORDS: dict[int, str] = {number: word.value for word, number in _METHODS.items()}
_GOAL_WORDS: dict[int, str] = {v1.GOAL_UNSPECIFIED: Goal.MINIMIZE.value}
_GOAL_WORDS |= {number: word.value for word, number in _GOALS.items()}
_IMPUTE_WORDS: dict[int, str] = {number: word.value for word, number in _IMPUTES.items()}


def spec_message(spec: SweepSpec) -> v1.SweepSpec:
    """Return a specification as a message. Project and entity are left out: names of sweeps carry them.

    Raises:
        CodecError: a number or a value is beyond what the contract can carry.
    """
    try:
        return v1.SweepSpec(
            name=spec.name or "",
            description=spec.description or "",
            program=spec.program or "",
            command=spec.command,
            method=_METHODS[spec.method],
            metric=None if spec.metric is None else _metric_message(spec.metric),
            parameters=_parameters(spec.parameters, "parameters"),
            early_terminations=[_early(rule) for rule in spec.early_terminate if isinstance(rule, Hyperband)],
            run_cap=spec.run_cap,
            seed=spec.seed,
        )
    except CodecError:
        raise
    except ValueError as error:  # protobuf's own: an integer out of its field's range, or broken text
        raise CodecError("", str(error)) from error


def spec_from_message(message: v1.SweepSpec) -> SweepSpec:
    """Return the specification that a message carries.

    Raises:
        CodecError: it is malformed, or a file that said the same would be refused; the first finding is told.
    """
    parsed = parse_mapping(_document(message), file="spec")
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
    )


def _early(rule: Hyperband) -> v1.EarlyTermination:
    return v1.EarlyTermination(
        hyperband=v1.Hyperband(
            min_iter=rule.min_iter, max_iter=rule.max_iter, s=rule.s, eta=rule.eta, strict=rule.strict
        )
    )


def _parameters(nodes: Mapping[str, ParameterNode], field: str) -> list[v1.Parameter]:
    return [_parameter(name, node, f"{field}.{name}") for name, node in nodes.items()]


def _parameter(name: str, node: ParameterNode, field: str) -> v1.Parameter:
    match node:
        case Parameter(distribution=distribution):
            return v1.Parameter(name=name, distribution=distribution_message(distribution, field))
        case Group(parameters=inner):
            group = v1.ParameterGroup(parameters=_parameters(inner, f"{field}.parameters"))
            return v1.Parameter(name=name, group=group)


def _document(message: v1.SweepSpec) -> dict[str, object]:
    """Return what a file would say; entries that are not set are left out."""
    texts = {"name": message.name, "description": message.description, "program": message.program}
    document: dict[str, object] = {
        "method": _word(_METHOD_WORDS, message.method, "method"),
        "parameters": _parameters_document(message.parameters, "parameters"),
        **{key: text for key, text in texts.items() if text},
    }
    if message.command:
        document["command"] = list(message.command)
    if message.HasField("metric"):
        document["metric"] = _metric_document(message.metric)
    if message.early_terminations:
        document["early_terminate"] = _early_document(message.early_terminations)
    if message.HasField("run_cap"):
        document["run_cap"] = message.run_cap
    if message.HasField("seed"):
        document["seed"] = message.seed
    return document


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
    return document


def _early_document(messages: Iterable[v1.EarlyTermination]) -> dict[str, object]:
    first, *others = messages
    if others:
        raise CodecError("early_terminate", "more than one rule")
    if first.WhichOneof("rule") is None:
        raise CodecError("early_terminate", "no rule is set")
    rule = first.hyperband
    document: dict[str, object] = {"type": "hyperband", "eta": rule.eta, "strict": rule.strict}
    if rule.HasField("min_iter"):
        document["min_iter"] = rule.min_iter
    if rule.HasField("max_iter"):
        document["max_iter"] = rule.max_iter
    if rule.HasField("s"):
        document["s"] = rule.s
    return document


def _parameters_document(messages: Iterable[v1.Parameter], field: str) -> dict[str, object]:
    document: dict[str, object] = {}
    for message in messages:
        path = f"{field}.{message.name}"
        if message.name in document:
            raise CodecError(path, "the name comes twice")
        match message.WhichOneof("shape"):
            case "distribution":
                document[message.name] = distribution_document(message.distribution, path)
            case "group":
                inner = _parameters_document(message.group.parameters, f"{path}.parameters")
                document[message.name] = {"parameters": inner}
            case None:
                raise CodecError(path, "neither a distribution nor a group is set")
    return document


def _word(words: Mapping[int, str], number: int, field: str) -> str:
    word = words.get(number)
    if word is None:
        raise CodecError(field, f"{number} is no legal value")
    return word
