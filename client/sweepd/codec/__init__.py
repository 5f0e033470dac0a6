"""Conversion between messages and what they are inside processes: values and points, the rest by module."""

from sweepd.codec.values import (
    CodecError,
    point_from_message,
    point_message,
    value_from_message,
    value_message,
)

__all__ = ["CodecError", "point_from_message", "point_message", "value_from_message", "value_message"]
