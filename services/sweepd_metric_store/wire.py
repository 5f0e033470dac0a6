"""Lays stored bytes into answers undecoded: a nested message is a tag, a length, and its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sweepd import v1
from sweepd_metric_store.domain.checksum import Damage
from sweepd_metric_store.ports import SYSTEM

_LENGTH_DELIMITED = 2


def _number(message: type[v1.Series | v1.KeySummary | v1.GetHistoryResponse], name: str) -> int:
    return message.DESCRIPTOR.fields_by_name[name].number


_CHUNKS = _number(v1.Series, "chunks")
_SUMMARY_RUN = _number(v1.KeySummary, "run")
_SUMMARY_KEY = _number(v1.KeySummary, "key")
# `series` and `summaries` are the first field of every answer that has them; the tests hold them to it.
_LIST = _number(v1.GetHistoryResponse, "series")
_TOKEN = _number(v1.GetHistoryResponse, "next_page_token")
# Likewise `damaged` has one number, in answers with a token and in those of a watch.
_DAMAGED = _number(v1.GetHistoryResponse, "damaged")

FRAME = 8
"""A nested message of up to 4 MiB costs at most this many bytes beside its own."""


def varint(number: int) -> bytes:
    """Encode an unsigned number in groups of seven bits, the lowest first."""
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
    """Encode a `KeySummary` from its names and the bytes of all else."""
    return (
        _nested(_SUMMARY_RUN_TAG, run.removesuffix(SYSTEM).encode())
        + _nested(_SUMMARY_KEY_TAG, key.encode())
        + rest
    )


def page(items: Sequence[bytes], next_page_token: str = "", damaged: Sequence[bytes] = ()) -> bytes:
    """Encode an answer: a list of messages, what was left out and, perhaps, the token of the next page."""
    parts = [_nested(_LIST_TAG, item) for item in items]
    parts += [_nested(_DAMAGED_TAG, each) for each in damaged]
    if next_page_token:
        parts.append(_nested(_TOKEN_TAG, next_page_token.encode()))
    return b"".join(parts)


def damaged_series(damages: Iterable[Damage], place: str) -> list[bytes]:
    """Encode what was left out of an answer."""
    return [
        v1.DamagedSeries(run=each.run, attempt=each.attempt, key=each.name, place=place).SerializeToString()
        for each in damages
    ]
