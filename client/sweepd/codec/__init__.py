"""What travels between processes as messages, and what it is inside them."""

from sweepd.codec.diagnostics import diagnostic_from_message, diagnostic_message
from sweepd.codec.spec import spec_from_message, spec_message
from sweepd.codec.values import (
    CodecError,
    point_from_message,
    point_message,
    value_from_message,
    value_message,
)

__all__ = [
    "CodecError",
    "diagnostic_from_message",
    "diagnostic_message",
    "point_from_message",
    "point_message",
    "spec_from_message",
    "spec_message",
    "value_from_message",
    "value_message",
]
