"""Conversion between messages and sweep specifications (by the table of keys), parameters and findings."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from sweepd import v1
from sweepd.codec.values import (
    CodecError,
    point_from_message,
    point_message,
    value_from_message,
    value_message,
)
from sweepd.durations import duration_text
from sweepd.spec.distributions.discrete import Categorical, Constant, WeightedCategorical
from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.distributions.quantised import Quantised
from sweepd.spec.finding import Diagnostic
from sweepd.spec.keys.distributions import DISTRIBUTION_KEYS, distribution_values
from sweepd.spec.keys.rules import RULES, rule_name
from sweepd.spec.keys.shape import Key
from sweepd.spec.keys.sweep import SWEEP
from sweepd.spec.point import Group, Json, ParameterNode, Point
from sweepd.spec.stop_rules import StopRule
from sweepd.spec.sweep_spec import Compat, MetricsFrom, SearchMethod, SweepSpec


def parameter_messages(nodes: Mapping[str, ParameterNode], field: str) -> list[v1.Parameter]:
    """Return parameters as messages; raise CodecError if a listed value cannot be encoded."""
    messages: list[v1.Parameter] = []
    for name, node in nodes.items():
        path, when = f"{field}.{name}", node.when or ""
        if isinstance(node, Group):
            group = v1.ParameterGroup(parameters=parameter_messages(node.parameters, f"{path}.parameters"))
            messages.append(v1.Parameter(name=name, group=group, when=when))
        else:
            distribution = _distribution_message(node.distribution, path)
            messages.append(v1.Parameter(name=name, distribution=distribution, when=when))
    return messages


def parameters_document(messages: Iterable[v1.Parameter], field: str) -> dict[str, object]:
    """Return parameters as in a sweep file; `field` prefixes the paths in errors.

    Raises:
        CodecError: a message is malformed.
    """
    document: dict[str, object] = {}
    for message in messages:
        path = f"{field}.{message.name}"
        if message.name in document:
            raise CodecError(path, "duplicate name")
        shape: dict[str, object]
        match message.WhichOneof("shape"):
            case "distribution":
                shape = _distribution_document(message.distribution, path)
            case "group":
                inner = parameters_document(message.group.parameters, f"{path}.parameters")
                shape = {"parameters": inner}
            case _:
                raise CodecError(path, "neither a distribution nor a group is set")
        document[message.name] = {**shape, "when": message.when} if message.when else shape
    return document


def _distribution_message(distribution: Distribution, field: str) -> v1.Distribution:
    message = v1.Distribution()
    match distribution:
        case Constant(value=value):
            message.constant.CopyFrom(value_message(value, f"{field}.value"))
        case Categorical(values=values):
            message.categorical.CopyFrom(_categorical(values, (), field))
        case WeightedCategorical(values=values, probabilities=probabilities):
            message.categorical.CopyFrom(_categorical(values, probabilities, field))
        case _:
            # The message fields have the names of the keys in the file.
            shape: Message = getattr(message, distribution.name)
            for key, part in distribution_values(distribution).items():
                setattr(shape, key, part)
            if isinstance(distribution, Quantised) and isinstance(shape, _WITH_STEP):
                shape.integers = distribution.is_integer
    return message


def _categorical(values: tuple[Json, ...], probabilities: tuple[float, ...], field: str) -> v1.Categorical:
    listed = [value_message(value, f"{field}.values[{index}]") for index, value in enumerate(values)]
    return v1.Categorical(values=listed, probabilities=probabilities)


def _distribution_document(message: v1.Distribution, field: str) -> dict[str, object]:
    kind = message.WhichOneof("kind")
    match kind:
        case None:
            raise CodecError(field, "no distribution is set")
        case "constant":
            return {"value": value_from_message(message.constant, f"{field}.value")}
        case "categorical":
            listed = enumerate(message.categorical.values)
            values = [value_from_message(value, f"{field}.values[{index}]") for index, value in listed]
            probabilities = list(message.categorical.probabilities)
            return {"values": values, "probabilities": probabilities} if probabilities else {"values": values}
        case _:
            shape: Message = getattr(message, kind)
            keys = [key for both in DISTRIBUTION_KEYS[kind] for key in both]
            numbers: dict[str, float] = {key: getattr(shape, key) for key in keys}
            if isinstance(shape, _WITH_STEP) and shape.integers:
                # A number with a fraction stays a float, which the parser rejects.
                integers = {key: int(numbers[key]) for key in keys if numbers[key].is_integer()}
                numbers |= {key: number for key, number in integers.items() if key in ("min", "max", "q")}
            return {"distribution": kind, **numbers}


_WITH_STEP = (v1.QuantizedBounds, v1.QuantizedGaussian, v1.QuantizedBetaShape)


def spec_message(spec: SweepSpec) -> v1.SweepSpec:
    """Return a specification as a message, without project and entity, which are part of the sweep's name.

    Raises:
        CodecError: a value cannot be encoded.
    """
    message = v1.SweepSpec()
    try:
        _fill(message, SWEEP, spec)
    except CodecError:
        raise
    except ValueError as error:  # from protobuf: an integer out of range, or invalid text
        raise CodecError("", str(error)) from error
    if spec.repeats == 1 or spec.metric is None:
        message.ClearField("aggregate")  # there are no values of repeats to combine
    return message


def spec_from_message(message: v1.SweepSpec) -> SweepSpec:
    """Return the specification in a message.

    Raises:
        CodecError: the message is malformed, or invalid as a sweep file; the error has the first finding.
    """
    from sweepd.spec.parse import parse_mapping  # here, because showing a sweep needs no parser

    parsed = parse_mapping(spec_document(message), file="spec")
    if parsed.spec is None:
        finding = next(found for found in parsed.diagnostics if found.severity == "error")
        raise CodecError(finding.path, finding.message)
    return parsed.spec


def spec_document(message: v1.SweepSpec, keys: Sequence[Key] = SWEEP) -> dict[str, object]:
    """Return the values of `keys` that a specification sets, as in a sweep file; nothing is validated.

    Raises:
        CodecError: the message is malformed.
    """
    document = {"method": _enum_text(message, "method", "method"), **_document(message, keys, "")}
    if message.parameters or message.method == v1.SEARCH_METHOD_LIST:
        return document
    # Only lists may omit `parameters`; for other methods the parser rejects an empty space.
    return {**document, "parameters": {}}


def metrics_from_message(source: MetricsFrom) -> v1.MetricsFrom:
    """Return the sources of external metrics as a message."""
    return v1.MetricsFrom(stdout=source.stdout, file=source.file, tensorboard=source.tensorboard)


def compat_number(compat: Compat | None) -> v1.Compat.ValueType:
    """Return the enum value of the module name under which scripts import sweepd."""
    return v1.COMPAT_UNSPECIFIED if compat is None else v1.Compat.Value(f"COMPAT_{compat.name}")


def _fill(message: Message, keys: Sequence[Key], value: object) -> None:
    for key in keys:
        field = key.field or key.name
        attribute = getattr(value, key.attr)
        if field != "-" and attribute is not None:
            _put(message, field, key, attribute)


def _put(message: Message, field: str, key: Key, value: object) -> None:
    """Set one field of a message; leave it unset for an empty mapping or list."""
    converters = _converters_of(message, field)
    match value:
        case tuple() | Mapping() if not value:
            pass
        case _ if converters is not None:
            inner = converters[0](value, key.name)
            if isinstance(inner, Message):
                getattr(message, field).CopyFrom(inner)
            else:
                getattr(message, field).extend(inner)
        case StrEnum() | SearchMethod():
            kind, prefix = _enum(message, field)
            setattr(message, field, kind.values_by_name[f"{prefix}{value.name.upper()}"].number)
        case tuple():
            getattr(message, field).extend(value)
        case Mapping():
            getattr(message, field).update(value)
        case bool() | int() | float() | str():
            setattr(message, field, value)
        case _:
            inner = getattr(message, field)
            inner.SetInParent()
            _fill(inner, key.shape.keys, value)


def _document(message: Message, keys: Sequence[Key], path: str, *, zeros: bool = False) -> dict[str, object]:
    """Return the set fields by key; with `zeros`, also fields without presence that are 0."""
    document: dict[str, object] = {}
    for key in keys:
        field = key.field or key.name
        if field == "-":
            continue
        has_presence = message.DESCRIPTOR.fields_by_name[field].has_presence
        is_set = message.HasField(field) if has_presence else bool(getattr(message, field))
        if is_set or (zeros and not has_presence):
            document[key.name] = _value(message, field, key, f"{path}{key.name}")
    return document


def _value(message: Message, field: str, key: Key, path: str) -> object:
    value = getattr(message, field)
    converters = _converters_of(message, field)
    if converters is not None:
        return converters[1](value, path)
    if message.DESCRIPTOR.fields_by_name[field].enum_type is not None:
        return _enum_text(message, field, path)
    if isinstance(value, Message):
        return _document(value, key.shape.keys, f"{path}.")
    if isinstance(value, Mapping):
        return dict(value)
    return value if isinstance(value, bool | int | float | str) else list(value)


def _enum_text(message: Message, field: str, path: str) -> str:
    """Return the text that a sweep file has for an enum value."""
    kind, prefix = _enum(message, field)
    number = getattr(message, field)
    if not number or number not in kind.values_by_number:
        raise CodecError(path, f"{number} is not a valid value")
    return kind.values_by_number[number].name.removeprefix(prefix).lower()


def _enum(message: Message, field: str) -> tuple[EnumDescriptor, str]:
    """Return the enum of a field, and the prefix of its value names."""
    kind = message.DESCRIPTOR.fields_by_name[field].enum_type
    assert isinstance(kind, EnumDescriptor)
    return kind, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.name).upper() + "_"


def _converters_of(message: Message, field: str) -> "_Converters | None":
    kind = message.DESCRIPTOR.fields_by_name[field].message_type
    return None if kind is None else _CONVERTERS.get(kind.name)


def _duration_message(value: float, path: str) -> Duration:
    seconds = int(value)
    return Duration(seconds=seconds, nanos=round((value - seconds) * 1e9))


def _duration(message: Duration, path: str) -> str:
    if message.seconds < 0 or not 0 <= message.nanos < 10**9:
        raise CodecError(path, "must be a positive duration")
    # Convert via text to get the float nearest to the decimals; the sum could be rounded differently.
    return duration_text(float(f"{message.seconds}.{message.nanos:09d}"))


def _point_messages(value: Point | tuple[Point, ...], path: str) -> v1.ParameterMap | list[v1.ParameterMap]:
    if isinstance(value, tuple):
        return [point_message(point, f"{path}[{index}]") for index, point in enumerate(value)]
    return point_message(value, path)


def _points(value: v1.ParameterMap | Sequence[v1.ParameterMap], path: str) -> object:
    if isinstance(value, v1.ParameterMap):
        return point_from_message(value, path)
    return [point_from_message(point, f"{path}[{index}]") for index, point in enumerate(value)]


def _rule_messages(rules: Sequence[StopRule], path: str) -> list[v1.EarlyTermination]:
    messages: list[v1.EarlyTermination] = []
    for rule in rules:
        name = rule_name(rule)
        messages.append(v1.EarlyTermination())
        inner: Message = getattr(messages[-1], name)
        inner.SetInParent()
        _fill(inner, RULES[name].keys, rule)
    return messages


def _rules(messages: Sequence[v1.EarlyTermination], path: str) -> list[object]:
    return [_rule(message, f"{path}[{index}]") for index, message in enumerate(messages)]


def _rule(message: v1.EarlyTermination, path: str) -> dict[str, object]:
    kind = message.WhichOneof("rule")
    if kind is None:
        raise CodecError(path, "no rule is set")
    return {"type": kind, **_document(getattr(message, kind), RULES[kind].keys, f"{path}.", zeros=True)}


_Converters = tuple[Callable[..., Message | Sequence[Message]], Callable[..., object]]
_CONVERTERS: Final[Mapping[str, _Converters]] = {
    "Duration": (_duration_message, _duration),
    "ParameterMap": (_point_messages, _points),
    "Zip": (
        lambda zips, path: [v1.Zip(parameters=names) for names in zips],
        lambda zips, path: [list(each.parameters) for each in zips],
    ),
    "Parameter": (parameter_messages, parameters_document),
    "EarlyTermination": (_rule_messages, _rules),
}
"""Two functions per message type: value to messages, and messages to the value as in a sweep file."""


def diagnostic_message(finding: Diagnostic) -> v1.Diagnostic:
    """Return a finding as a message; a missing position becomes line and column 0."""
    error = finding.severity == "error"
    return v1.Diagnostic(
        file_name=finding.file,
        line=finding.line or 0,
        column=finding.column or 0,
        path=finding.path,
        severity=v1.SEVERITY_ERROR if error else v1.SEVERITY_WARNING,
        code=finding.code,
        message=finding.message,
        suggestion=finding.suggestion or "",
    )
