"""Edits of a specification: from new values of its fields to the message and mask of a call. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from google.protobuf.field_mask_pb2 import FieldMask

from sweepd import v1
from sweepd.codec import CodecError, point_message
from sweepd.errors import invalid

K = TypeVar("K")


def edited(name: str, changes: Mapping[str, object]) -> tuple[v1.Sweep, FieldMask]:
    """Return the sweep `name` with its new values, and the mask that names them.

    Args:
        name: its full name.
        changes: `run_cap`, `name`, `description`, `tags`, `metadata`; None: the default of the field.

    Raises:
        InvalidError: a value is not one of its field.
    """
    spec = v1.SweepSpec()
    try:
        for field, value in changes.items():
            _set(spec, field, value)
    except CodecError as error:
        raise invalid(f"not to be kept: {error.field}: {error.why}") from error
    except (TypeError, ValueError) as error:
        raise invalid(f"not to be changed to that: {error}") from error
    return v1.Sweep(name=name, spec=spec), FieldMask(paths=[f"spec.{field}" for field in changes])


def _set(spec: v1.SweepSpec, field: str, value: object) -> None:
    if value is None:
        return
    match field:
        case "run_cap":
            spec.run_cap = _typed(value, int)
        case "name":
            spec.name = _typed(value, str)
        case "description":
            spec.description = _typed(value, str)
        case "tags":
            spec.tags.extend([_typed(tag, str) for tag in _typed(value, list)])
        case _:
            spec.metadata.CopyFrom(point_message(_typed(value, dict), "metadata"))


def _typed(value: object, kind: type[K]) -> K:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a {kind.__name__}")
    return value
