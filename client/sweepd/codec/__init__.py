"""Conversion between messages and Python objects; re-exports values and points."""

from sweepd.codec.values import (
    CodecError,
    point_from_message,
    point_message,
    value_from_message,
    value_message,
)

__all__ = ["CodecError", "point_from_message", "point_message", "value_from_message", "value_message"]
