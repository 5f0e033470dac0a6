"""Distributions as messages, and messages as what a sweep file would say of the same distribution."""

from google.protobuf.message import Message

from sweepd import v1
from sweepd.codec.values import CodecError, value_from_message, value_message
from sweepd.spec.distributions.continuous import (
    Beta,
    LogNormal,
    Normal,
)
from sweepd.spec.distributions.discrete import Categorical, Constant, IntUniform, WeightedCategorical
from sweepd.spec.distributions.distribution import Continuous, Distribution, Quantised
from sweepd.spec.distributions.quantised import (
    QBeta,
    QLogNormal,
    QLogUniform,
    QLogUniformValues,
    QNormal,
    QUniform,
)
from sweepd.spec.point import Json, Number


def distribution_message(distribution: Distribution, field: str) -> v1.Distribution:
    """Return a distribution as a message; raises CodecError where a listed value cannot travel."""
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
            shape.CopyFrom(_shape(distribution))
    return message


def distribution_document(message: v1.Distribution, field: str) -> dict[str, object]:
    """Return what a file would say of the same distribution; its values are not judged yet.

    Raises:
        CodecError: none is set, or a listed value is malformed.
    """
    kind = message.WhichOneof("kind")
    match kind:
        case None:
            raise CodecError(field, "no distribution is set")
        case "constant":
            return {"value": value_from_message(message.constant, f"{field}.value")}
        case "categorical":
            return _categorical_document(message.categorical, field)
        case _:
            shape: Message = getattr(message, kind)
            return {"distribution": kind, **_shape_document(shape)}


def _categorical(values: tuple[Json, ...], probabilities: tuple[float, ...], field: str) -> v1.Categorical:
    listed = [value_message(value, f"{field}.values[{index}]") for index, value in enumerate(values)]
    return v1.Categorical(values=listed, probabilities=probabilities)


def _categorical_document(message: v1.Categorical, field: str) -> dict[str, object]:
    values = [
        value_from_message(value, f"{field}.values[{index}]") for index, value in enumerate(message.values)
    ]
    if not message.probabilities:
        return {"values": values}
    return {"values": values, "probabilities": list(message.probabilities)}


def _shape(distribution: IntUniform | Continuous | Quantised) -> Message:
    match distribution:
        case IntUniform(min=low, max=high):
            return v1.IntBounds(min=low, max=high)
        case QUniform(min=low, max=high, q=q) | QLogUniform(min=low, max=high, q=q):
            return v1.QuantizedBounds(bounds=v1.Bounds(min=low, max=high), quantum=_quantum(q))
        case QLogUniformValues(min=low, max=high, q=q):
            return v1.QuantizedBounds(bounds=v1.Bounds(min=low, max=high), quantum=_quantum(q))
        case QNormal(mu=mu, sigma=sigma, q=q) | QLogNormal(mu=mu, sigma=sigma, q=q):
            return v1.QuantizedGaussian(gaussian=v1.Gaussian(mu=mu, sigma=sigma), quantum=_quantum(q))
        case QBeta(a=a, b=b, q=q):
            return v1.QuantizedBetaShape(shape=v1.BetaShape(a=a, b=b), quantum=_quantum(q))
        case Normal(mu=mu, sigma=sigma) | LogNormal(mu=mu, sigma=sigma):
            return v1.Gaussian(mu=mu, sigma=sigma)
        case Beta(a=a, b=b):
            return v1.BetaShape(a=a, b=b)
        case _:
            return v1.Bounds(min=distribution.min, max=distribution.max)


def _shape_document(message: Message) -> dict[str, object]:
    match message:
        case v1.IntBounds() | v1.Bounds():
            return {"min": message.min, "max": message.max}
        case v1.QuantizedBounds():
            whole = message.quantum.integers
            low, high = _number(message.bounds.min, whole), _number(message.bounds.max, whole)
            return {"min": low, "max": high, "q": _q(message.quantum)}
        case v1.Gaussian():
            return {"mu": message.mu, "sigma": message.sigma}
        case v1.QuantizedGaussian():
            gaussian = message.gaussian
            return {"mu": gaussian.mu, "sigma": gaussian.sigma, "q": _q(message.quantum)}
        case v1.BetaShape():
            return {"a": message.a, "b": message.b}
        case v1.QuantizedBetaShape():
            return {"a": message.shape.a, "b": message.shape.b, "q": _q(message.quantum)}
        case _:
            raise TypeError(type(message).__name__)


def _quantum(q: Number) -> v1.Quantum:
    return v1.Quantum(q=q, integers=isinstance(q, int))


def _q(message: v1.Quantum) -> Number:
    return _number(message.q, message.integers)


def _number(number: float, whole: bool) -> Number:
    """Return the number as an integer where the values are; one with a fraction stays, to be refused."""
    return int(number) if whole and number.is_integer() else number
