"""Encoding of stored bodies, and of answers that contain stored bodies undecoded.

In protobuf, a nested message is a tag, a length and its bytes; concatenated messages are decoded as one.
"""

from collections.abc import Iterable, Sequence

from sweepd import v1
from sweepd_metric_store.domain.batch import Kind, Spine, Stretch, Value, Values
from sweepd_metric_store.domain.checksum import Damage
from sweepd_metric_store.domain.summary import Summary
from sweepd_metric_store.ports import SYSTEM

_LENGTH_DELIMITED = 2


def _number(message: type[v1.Series | v1.KeySummary | v1.GetHistoryResponse], name: str) -> int:
    return message.DESCRIPTOR.fields_by_name[name].number


_CHUNKS = _number(v1.Series, "chunks")
_SUMMARY_RUN = _number(v1.KeySummary, "run")
_SUMMARY_KEY = _number(v1.KeySummary, "key")
# `series` and `summaries` have the same field number in every answer; a test checks this.
_LIST = _number(v1.GetHistoryResponse, "series")
_TOKEN = _number(v1.GetHistoryResponse, "next_page_token")
# The same holds for `damaged`, in pages and in answers to WatchHistory.
_DAMAGED = _number(v1.GetHistoryResponse, "damaged")

_VALUES = {Kind.DOUBLE: "doubles", Kind.INT: "ints", Kind.BOOL: "bools", Kind.STRING: "strings"}
_KINDS = {name: kind for kind, name in _VALUES.items()}
_VALUE_FIELDS = {float: "double_value", int: "int_value", bool: "bool_value", str: "string_value"}

FRAME = 8
"""Upper bound on the overhead, in bytes, of a nested message of up to 4 MiB."""


def varint(number: int) -> bytes:
    """Encode an unsigned integer as a protobuf varint."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _tag(number: int) -> bytes:
    return varint(number << 3 | _LENGTH_DELIMITED)


def _nested(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


_CHUNKS_TAG, _LIST_TAG, _TOKEN_TAG, _DAMAGED_TAG = _tag(_CHUNKS), _tag(_LIST), _tag(_TOKEN), _tag(_DAMAGED)
_SUMMARY_RUN_TAG, _SUMMARY_KEY_TAG = _tag(_SUMMARY_RUN), _tag(_SUMMARY_KEY)


def series(run: str, attempt: int, key: str, chunks: Iterable[bytes]) -> bytes:
    """Encode a `Series` from the bytes of its chunks."""
    head = v1.Series(run=run.removesuffix(SYSTEM), attempt=attempt, key=key).SerializeToString()
    return head + b"".join([_nested(_CHUNKS_TAG, chunk) for chunk in chunks])


def key_summary(run: str, key: str, rest: bytes) -> bytes:
    """Encode a `KeySummary` from its names and its stored body."""
    return (
        _nested(_SUMMARY_RUN_TAG, run.removesuffix(SYSTEM).encode())
        + _nested(_SUMMARY_KEY_TAG, key.encode())
        + rest
    )


def page(items: Sequence[bytes], next_page_token: str = "", damaged: Sequence[bytes] = ()) -> bytes:
    """Encode an answer: a list of messages, the damaged series left out, and the next page token, if any."""
    parts = [_nested(_LIST_TAG, item) for item in items]
    parts += [_nested(_DAMAGED_TAG, each) for each in damaged]
    if next_page_token:
        parts.append(_nested(_TOKEN_TAG, next_page_token.encode()))
    return b"".join(parts)


def damaged_series(damages: Iterable[Damage], place: str) -> list[bytes]:
    """Encode each damaged series that is left out of an answer."""
    return [
        v1.DamagedSeries(run=each.run, attempt=each.attempt, key=each.name, place=place).SerializeToString()
        for each in damages
    ]


def spine_bytes(spine: Spine) -> bytes:
    """Encode rows, steps and times: the first half of a `SeriesChunk`."""
    return v1.SeriesChunk(rows=spine.rows, steps=spine.steps, times=spine.times).SerializeToString()


def values_bytes(stretch: Stretch) -> bytes:
    """Encode the values: the second half of a `SeriesChunk`."""
    chunk = v1.SeriesChunk()
    getattr(chunk, _VALUES[stretch.kind]).values.extend(stretch.values)
    return chunk.SerializeToString()


def chunk_bytes(stretch: Stretch) -> bytes:
    """Encode a stretch of points as a `SeriesChunk`."""
    return spine_bytes(stretch.spine) + values_bytes(stretch)


def stretch(body: bytes) -> Stretch:
    """Decode a `SeriesChunk`."""
    chunk = v1.SeriesChunk.FromString(body)
    kind, found = values(chunk)
    return Stretch(
        kind=kind, spine=Spine(rows=chunk.rows, steps=chunk.steps, times=chunk.times), values=found
    )


def joined_chunks(bodies: list[bytes]) -> bytes:
    """Join `SeriesChunk`s with values of one type, given in row order."""
    return v1.SeriesChunk.FromString(b"".join(bodies)).SerializeToString()


def summary_bytes(summary: Summary) -> bytes:
    """Encode a summary as a `KeySummary` without its names."""
    return v1.KeySummary(
        count=summary.count,
        non_finite_count=summary.non_finite_count,
        first=_value_message(summary.first),
        last=_value_message(summary.last),
        min=summary.minimum,
        max=summary.maximum,
        mean=summary.mean,
        last_step=summary.last_step,
    ).SerializeToString()


def summary(body: bytes, *, number_count: int) -> Summary:
    """Decode a summary; `last_row` is not stored and becomes 0, which is below every new row."""
    message = v1.KeySummary.FromString(body)
    return Summary(
        first=_value(message.first),
        last=_value(message.last),
        last_step=message.last_step,
        last_row=0,
        count=message.count,
        non_finite_count=message.non_finite_count,
        number_count=number_count,
        minimum=message.min if message.HasField("min") else None,
        maximum=message.max if message.HasField("max") else None,
        mean=message.mean if message.HasField("mean") else None,
    )


def _value_message(value: Value) -> v1.MetricValue:
    message = v1.MetricValue()
    setattr(message, _VALUE_FIELDS[type(value)], value)
    return message


def _value(message: v1.MetricValue) -> Value:
    value: Value = getattr(message, message.WhichOneof("kind") or "double_value")
    return value


def values(holder: v1.Column | v1.SeriesChunk) -> tuple[Kind, Values]:
    """Return the type of a message's values, and the values."""
    name = holder.WhichOneof("values") or "doubles"
    return _KINDS[name], getattr(holder, name).values
