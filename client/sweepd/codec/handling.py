"""How the runs of a sweep are handled, as fields of its specification and as keys of a sweep file."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from sweepd import v1
from sweepd.codec.values import CodecError, point_from_message, point_message
from sweepd.durations import duration_text
from sweepd.spec import Aggregate, Compat, MetricsFrom, SweepSpec
from sweepd.spec.reading.keys import METRICS_FROM_KEYS

_AGGREGATES = {each: v1.Aggregate.Value(f"AGGREGATE_{each.name}") for each in Aggregate}
_COMPATS = {each: v1.Compat.Value(f"COMPAT_{each.name}") for each in Compat}
_AGGREGATE_WORDS: dict[int, str] = {number: word.value for word, number in _AGGREGATES.items()}
_COMPAT_WORDS: dict[int, str] = {number: word.value for word, number in _COMPATS.items()}


def fill_handling(message: v1.SweepSpec, spec: SweepSpec) -> None:
    """Set repeats, failures, time, labels, metadata and compatibility in the message of a specification.

    Raises:
        CodecError: a value of the metadata cannot travel.
        ValueError: a number is out of its field's range.
    """
    message.repeats = spec.repeats
    if spec.repeats > 1 and spec.metric is not None:  # else there is nothing to combine
        message.aggregate = _AGGREGATES[spec.aggregate]
    message.retry.infrastructure = spec.retry.infrastructure
    message.retry.failure = spec.retry.failure
    message.canary = spec.canary
    message.guard.agent = spec.guard.agent
    if spec.guard.sweep is not None:
        message.guard.sweep = spec.guard.sweep
    if spec.sweep_timeout is not None:
        message.sweep_timeout.CopyFrom(_duration_message(spec.sweep_timeout))
    message.requires.update(spec.requires)
    message.tags.extend(spec.tags)
    if spec.metadata:
        message.metadata.CopyFrom(point_message(dict(spec.metadata), "metadata"))
    message.compat = compat_number(spec.compat)
    if spec.metrics_from is not None:
        message.metrics_from.CopyFrom(metrics_from_message(spec.metrics_from))


def handling_document(message: v1.SweepSpec) -> dict[str, object]:
    """Return what a file would say; entries that are not set are left out.

    Raises:
        CodecError: a value is malformed.
    """
    document: dict[str, object] = {}
    if message.repeats:
        document["repeats"] = message.repeats
    if message.aggregate:
        document["aggregate"] = _word(_AGGREGATE_WORDS, message.aggregate, "aggregate")
    if message.HasField("retry"):
        document["retry"] = _retry_document(message.retry)
    if message.canary:
        document["canary"] = True
    if message.HasField("guard"):
        document["guard"] = _guard_document(message.guard)
    if message.HasField("sweep_timeout"):
        document["sweep_timeout"] = duration_text(_seconds(message.sweep_timeout))
    if message.requires:
        document["requires"] = dict(message.requires)
    if message.tags:
        document["tags"] = list(message.tags)
    if message.HasField("metadata"):
        document["metadata"] = point_from_message(message.metadata, "metadata")
    if message.HasField("metrics_from"):
        document["metrics_from"] = {
            key: text for key in METRICS_FROM_KEYS if (text := str(getattr(message.metrics_from, key)))
        }
    if message.compat:
        document["compat"] = _word(_COMPAT_WORDS, message.compat, "compat")
    return document


def metrics_from_message(source: MetricsFrom) -> v1.MetricsFrom:
    """Return where metrics are read."""
    return v1.MetricsFrom(stdout=source.stdout, file=source.file, tensorboard=source.tensorboard)


def compat_number(compat: Compat | None) -> v1.Compat.ValueType:
    """Return the number that says whose module scripts find sweepd under."""
    return v1.COMPAT_UNSPECIFIED if compat is None else _COMPATS[compat]


def _word(words: Mapping[int, str], number: int, field: str) -> str:
    word = words.get(number)
    if word is None:
        raise CodecError(field, f"{number} is no legal value")
    return word


def _retry_document(message: v1.Retry) -> dict[str, object]:
    document: dict[str, object] = {}
    if message.HasField("infrastructure"):
        document["infrastructure"] = message.infrastructure
    if message.HasField("failure"):
        document["failure"] = message.failure
    return document


def _guard_document(message: v1.Guard) -> dict[str, object]:
    document: dict[str, object] = {}
    if message.HasField("agent"):
        document["agent"] = message.agent
    if message.HasField("sweep"):
        document["sweep"] = message.sweep
    return document


def _duration_message(seconds: float) -> Duration:
    whole = int(seconds)
    return Duration(seconds=whole, nanos=round((seconds - whole) * 1e9))


def _seconds(message: Duration) -> float:
    if message.seconds < 0 or not 0 <= message.nanos < 10**9:
        raise CodecError("sweep_timeout", "must be a positive duration")
    # By way of text: the nearest number to the decimals, whatever the sum would be rounded to.
    return float(f"{message.seconds}.{message.nanos:09d}")
