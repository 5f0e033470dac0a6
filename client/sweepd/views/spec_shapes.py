"""Specification of a sweep as in the JSON of `sweepctl`; see docs/command-line.md."""

from collections.abc import Mapping, Sequence
from typing import cast

from sweepd import v1
from sweepd.codec.spec import spec_document
from sweepd.durations import parse_duration
from sweepd.spec.keys.shape import Key, defaults_of
from sweepd.spec.keys.sweep import SWEEP
from sweepd.spec.point import Json
from sweepd.spec.sweep_spec import SweepSpec
from sweepd.views.view import camel_case

Shape = dict[str, Json]


def _shown(keys: Sequence[Key]) -> list[Key]:
    return [key for key in keys if key.shown]


_SHOWN = _shown(SWEEP)


def spec_shape(spec: v1.SweepSpec) -> Shape:
    """Return a sweep's specification as JSON, with defaults filled in and without the points of a list."""
    document = cast("Shape", spec_document(spec, _SHOWN))
    shape = _filled(_SHOWN, document, defaults_of(SweepSpec))
    shape["parameters"] = document.get("parameters", {})  # with `method: list`, a file may omit them
    timeout = shape.pop("sweepTimeout")
    shape["sweepTimeoutSeconds"] = parse_duration(timeout) if isinstance(timeout, str) else None
    if isinstance(requires := shape["requires"], dict):
        shape["requires"] = dict(sorted(requires.items()))
    if spec.repeats < 2:
        shape["aggregate"] = None
    return shape


def _filled(keys: Sequence[Key], document: Mapping[str, Json], defaults: Mapping[str, object]) -> Shape:
    """Return each key with its value or its default."""
    shape: Shape = {}
    for key in keys:
        value = document.get(key.name)
        if key.shape.kind is not None and (value is not None or defaults.get(key.attr) is not None):
            given = value if isinstance(value, dict) else {}
            value = _filled(_shown(key.shape.keys), given, defaults_of(key.shape.kind))
        elif value is None:
            value = key.shape.write(default) if (default := defaults.get(key.attr)) is not None else None
            if value is None and isinstance(default, tuple):
                value = []
        shape[camel_case(key.name)] = value
    return shape
