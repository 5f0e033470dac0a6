"""Responses in the form in which they are kept for repeated requests, and back.

A response may have megabytes: most of them are the file and the space of the sweep, which keeps them anyway,
and which no edit changes. These are left out, and taken from the sweep again.
"""

import zlib
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from sweepd import v1
from sweepd.codec import spec_message
from sweepd_scheduler.api.request_codec import EDITABLE
from sweepd_scheduler.domain.sweeps.sweep import Sweep

_PLAIN, _PACKED = b"\0", b"\1"
_WORTH_PACKING = 500

M = TypeVar("M", bound=Message)


def shortened(kind: type[Message], content: bytes) -> bytes:
    """Return what is kept of a response of some kind."""
    message = kind.FromString(content)
    sweep = _sweep_of(message)
    if sweep is not None:
        if sweep.HasField("file"):
            sweep.file.ClearField("content")
        sweep.spec.CopyFrom(_without(sweep.spec, lambda field: field not in EDITABLE))
    plain = message.SerializeToString()
    return _PLAIN + plain if len(plain) < _WORTH_PACKING else _PACKED + zlib.compress(plain, 1)


def kept_message(kind: type[M], kept: bytes) -> M:
    """Return the message that is kept of a response."""
    content = zlib.decompress(kept[1:]) if kept[:1] == _PACKED else kept[1:]
    return kind.FromString(content)


def sweep_name(message: Message) -> str:
    """Return the full name of the sweep that is needed to complete a kept message; empty: it is complete."""
    sweep = _sweep_of(message)
    return sweep.name if sweep is not None else ""


def complete(message: Message, sweep: Sweep) -> None:
    """Put back what was left out of a response, from the sweep as it is now: no edit changes these parts."""
    kept = _sweep_of(message)
    if kept is None:
        return
    spec = _without(spec_message(sweep.spec), lambda field: field in EDITABLE)
    spec.MergeFrom(kept.spec)
    kept.spec.CopyFrom(spec)
    if kept.HasField("file") and sweep.file is not None:
        kept.file.content = sweep.file.content


def _sweep_of(message: Message) -> v1.Sweep | None:
    if isinstance(message, v1.Sweep):
        return message
    if isinstance(message, v1.CreateSweepResponse | v1.UpdateSweepResponse) and message.HasField("sweep"):
        return message.sweep
    return None


def _without(spec: v1.SweepSpec, left_out: Callable[[str], bool]) -> v1.SweepSpec:
    """Return a specification without some of its fields."""
    part = v1.SweepSpec()
    part.MergeFrom(spec)
    cleared: Message = part  # whose method takes any name
    for field, _ in spec.ListFields():
        if left_out(field.name):
            cleared.ClearField(field.name)
    return part
