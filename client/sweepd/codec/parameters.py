"""Parameters as messages, and messages as what a sweep file says of the same parameters."""

from collections.abc import Iterable, Mapping

from google.protobuf.message import Message

from sweepd import v1
from sweepd.codec.values import CodecError, value_from_message, value_message
from sweepd.spec.distributions.discrete import Categorical, Constant, WeightedCategorical
from sweepd.spec.distributions.distribution import Distribution
from sweepd.spec.keys.distributions import DISTRIBUTION_KEYS
from sweepd.spec.parameter import Group, ParameterNode
from sweepd.spec.point import Json


def parameter_messages(nodes: Mapping[str, ParameterNode], field: str) -> list[v1.Parameter]:
    """Return parameters as messages; raises CodecError where a listed value cannot travel."""
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
    """Return what a file says of parameters; `field` begins the paths of errors.

    Raises:
        CodecError: a message is malformed.
    """
    document: dict[str, object] = {}
    for message in messages:
        path = f"{field}.{message.name}"
        if message.name in document:
            raise CodecError(path, "the name comes twice")
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
            # The fields of the contract have the names that the file has.
            shape: Message = getattr(message, distribution.name)
            for keys in DISTRIBUTION_KEYS[distribution.name]:
                for key in keys:
                    setattr(shape, key, getattr(distribution, key))
            if isinstance(shape, _WITH_STEP):
                shape.integers = isinstance(getattr(distribution, "q", None), int)
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
                # One with a fraction stays, to be refused.
                whole = {key: int(numbers[key]) for key in keys if numbers[key].is_integer()}
                numbers |= {key: number for key, number in whole.items() if key in ("min", "max", "q")}
            return {"distribution": kind, **numbers}


_WITH_STEP = (v1.QuantizedBounds, v1.QuantizedGaussian, v1.QuantizedBetaShape)
