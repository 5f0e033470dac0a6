"""Specifications in `-o json`: every key with its value or its default."""

from sweepd.codec.spec import spec_message
from sweepd.spec.parse import parse_text
from sweepd.spec.point import Json
from sweepd.views.spec_shapes import spec_shape

DEFAULTS: dict[str, Json] = {
    "metric": None,
    "program": None,
    "command": [],
    "runCap": None,
    "seed": None,
    "initial": [],
    "constraints": [],
    "zip": [],
    "shuffle": False,
    "repeats": 1,
    "aggregate": None,
    "earlyTerminate": [],
    "retry": {"infrastructure": 3, "failure": 0},
    "canary": False,
    "guard": {"agent": 5, "sweep": None},
    "sweepTimeoutSeconds": None,
    "requires": {},
    "tags": [],
    "metadata": {},
    "metricsFrom": None,
    "compat": None,
}
COMPLETE = b"""
method: grid
parameters: {a: {values: [1, 2]}, b: {values: [x, y]}, c: {value: 3}}
program: t.py
command: [python, x.py]
metric: {name: loss, goal: maximize, target: 3, impute: best}
early_terminate:
- {type: hyperband, max_iter: 27, s: 2, strict: false}
- {type: threshold, at: 3, value: 0}
run_cap: 10
seed: 3
initial: [{a: 1}]
constraints: [a < 3]
zip: [[a, b]]
shuffle: true
repeats: 3
aggregate: median
retry: {failure: 2}
canary: true
guard: {sweep: 0.5}
sweep_timeout: 1m30s
requires: {z: a, b: c}
tags: [y, x]
metadata: {k: [1, {b: null}]}
metrics_from: {file: x.csv}
compat: wandb
"""


def shape_of(content: bytes) -> dict[str, Json]:
    parsed = parse_text(content, file="s.yaml")
    assert parsed.spec is not None, parsed.diagnostics
    return spec_shape(spec_message(parsed.spec))


def test_an_omitted_key_has_its_default() -> None:
    shape = shape_of(b"method: list\nruns: [{a: 1}]\n")
    assert shape == {"method": "list", "parameters": {}, **DEFAULTS}


def test_every_key_has_its_value() -> None:
    shape = shape_of(COMPLETE)
    assert shape == {
        "method": "grid",
        "parameters": {"a": {"values": [1, 2]}, "b": {"values": ["x", "y"]}, "c": {"value": 3}},
        "program": "t.py",
        "command": ["python", "x.py"],
        "metric": {"name": "loss", "goal": "maximize", "target": 3.0, "value": "best"},
        "earlyTerminate": [
            {"type": "hyperband", "max_iter": 27, "s": 2, "eta": 3.0, "strict": False},
            {"type": "threshold", "at": 3, "value": 0.0},
        ],
        "runCap": 10,
        "seed": 3,
        "initial": [{"a": 1}],
        "constraints": ["a < 3"],
        "zip": [["a", "b"]],
        "shuffle": True,
        "repeats": 3,
        "aggregate": "median",
        "retry": {"infrastructure": 3, "failure": 2},
        "canary": True,
        "guard": {"agent": 5, "sweep": 0.5},
        "sweepTimeoutSeconds": 90.0,
        "requires": {"b": "c", "z": "a"},
        "tags": ["y", "x"],
        "metadata": {"k": [1, {"b": None}]},
        "metricsFrom": {"stdout": None, "file": "x.csv", "tensorboard": None},
        "compat": "wandb",
    }
    assert shape.keys() == {"method", "parameters", *DEFAULTS}
    requires = shape["requires"]
    assert isinstance(requires, dict)
    assert list(requires) == ["b", "z"]
