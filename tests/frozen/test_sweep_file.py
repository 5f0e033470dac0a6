"""Keys of the sweep file and the places where the schema and the reader allow them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

import pytest

from frozen.golden_files import Golden, Unchanged

PLACES = {
    # Each place of keys as a file around it; KEYS stands for all known keys.
    "the file": "{KEYS}",
    "metric": "{method: random, metric: {KEYS}, parameters: {x: {min: 0, max: 1}}}",
    "a parameter": "{method: random, parameters: {x: {KEYS}}}",
    "early_terminate": "{method: random, early_terminate: {KEYS}, parameters: {x: {min: 0, max: 1}}}",
    "retry": "{method: random, retry: {KEYS}, parameters: {x: {min: 0, max: 1}}}",
    "guard": "{method: random, guard: {KEYS}, parameters: {x: {min: 0, max: 1}}}",
    "metrics_from": "{method: random, metrics_from: {KEYS}, parameters: {x: {min: 0, max: 1}}}",
    "controller": "{method: random, controller: {KEYS}, parameters: {x: {min: 0, max: 1}}}",
    "scheduler": "{method: custom, scheduler: {KEYS}, parameters: {x: {min: 0, max: 1}}}",
    "stop_when": "{method: random, stop_when: {KEYS}, parameters: {x: {min: 0, max: 1}}}",
    "a group of parameters": "{method: random, parameters: {x: {parameters: {y: {KEYS}}}}}",
}
KINDS = ("hyperband", "asha", "median", "patience", "threshold")


def schema(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the JSON Schema as `validate --schema` prints it."""
    return cast("dict[str, Any]", json.loads(sweepctl(capsys, "validate", "--schema")))


def sweepctl(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run `sweepctl` in this process, and return its output."""
    (script,) = entry_points(group="console_scripts", name="sweepctl")
    script.load()(words)
    written = capsys.readouterr()
    return written.out + written.err


def keys(
    node: object, whole: dict[str, Any], path: str, seen: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """Yield the path of each key of a schema with each of its types and literal values."""
    if isinstance(node, list):
        for item in node:
            yield from keys(item, whole, path, seen)
    if not isinstance(node, dict):
        return
    if (reference := node.get("$ref")) is not None:
        name = reference.rpartition("/")[2]
        if name in seen:
            yield path, f"as {name} above"
        else:
            yield from keys(whole["definitions"][name], whole, path, (*seen, name))
    kinds = node.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        yield path, kind
    for word in [*node.get("enum", []), *([node["const"]] if "const" in node else [])]:
        yield path, json.dumps(word)
    for name, member in node.get("properties", {}).items():
        yield f"{path}.{name}", "a key"
        yield from keys(member, whole, f"{path}.{name}", seen)
    for name in node.get("required", []):
        yield f"{path}.{name}", "required, at least under a condition"
    for inner in ("items", "additionalItems", "additionalProperties", "patternProperties"):
        member = node.get(inner)
        if inner == "patternProperties" and isinstance(member, dict):
            member = [*member.values()]
        yield from keys(member, whole, f"{path}[]" if "tems" in inner else f"{path}.*", seen)
    for inner in ("anyOf", "oneOf", "allOf", "then", "else", "if"):
        yield from keys(node.get(inner), whole, path, seen)


def test_keys_of_the_schema(capsys: pytest.CaptureFixture[str], unchanged: Unchanged) -> None:
    whole, found = schema(capsys), dict[str, set[str]]()
    for path, kind in keys(whole, whole, ""):
        found.setdefault(path or ".", set()).add(kind)
    unchanged("schema", {path: [*sorted(kinds)] for path, kinds in found.items()})


def test_keys_that_the_reader_allows(
    capsys: pytest.CaptureFixture[str], unchanged: Unchanged, tmp_path: Path
) -> None:
    """Try all keys at each place: a key is allowed unless the reader calls it unknown or foreign."""
    whole = schema(capsys)
    known = {path.rpartition(".")[2] for path, _ in keys(whole, whole, "")}
    known = {name for name in known if name.replace("_", "").isalnum()}
    file, found = tmp_path / "sweep.yaml", dict[str, Golden]()

    def refused_keys(around: str, names: Sequence[str], kind: str) -> Iterator[str]:
        content = dict.fromkeys(names, 0) | ({"type": kind} if kind else {})
        file.write_text(around.replace("{KEYS}", json.dumps(content)))
        lines = sweepctl(capsys, "validate", str(file), "--error-format", "json").splitlines()
        for finding in (json.loads(line) for line in lines if line.startswith("{")):
            assert finding["code"] != "too-many-errors"
            if finding["code"] in ("unknown-key", "foreign-key"):
                yield finding["path"].rpartition(".")[2]

    for place, around in PLACES.items():
        for kind in KINDS if place == "early_terminate" else ("",):
            # A parameter with keys of several forms is refused as such, so its keys are tried one by one.
            together = [[name] for name in sorted(known)] if "parameter" in place else [sorted(known)]
            refused = {name for names in together for name in refused_keys(around, names, kind)}
            found[f"{place} {kind}".strip()] = sorted(known - refused)
    unchanged("keys", found)
