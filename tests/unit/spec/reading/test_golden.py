"""Messages about sweep files, word for word: golden/NAME.yaml is read, NAME.txt is the expected output.

After a message was changed on purpose, this writes the files again:
    REGENERATE=1 .venv/bin/pytest tests/unit/spec/reading/test_golden.py
The difference that git shows is what users will see.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest

from sweepd.spec.finding import Code, Diagnostic, unreadable_file
from sweepd.spec.parse import parse_mapping, parse_text

GOLDEN = Path(__file__).parent / "golden"
HEAD = b"method: random\nprogram: t.py\n"
MADE = {
    "large_file": HEAD + b"#" * 3 * 1024 * 1024,
    "large_point": HEAD + b"parameters: {a: {value: " + b"x" * 600_000 + b"}}\n",
    "large_listed_point": b"method: list\nprogram: t.py\nruns: [{a: " + b"x" * 600_000 + b"}]\n",
    "long_argument": HEAD + b"parameters: {a: {values: [short, " + b"x" * 200_000 + b"]}}\n",
    "large_metadata": HEAD + b"parameters: {a: {value: 1}}\nmetadata: {a: " + b"x" * 70_000 + b"}\n",
    "many_aliases": b"a: &a [x, x, x, x]\n"
    + b"".join(b"%c: &%c [*%c, *%c, *%c, *%c]\n" % (n, n, *[n - 1] * 4) for n in range(ord("b"), ord("m"))),
    "many_errors": HEAD + b"parameters:\n" + b"".join(b"  p%d: {min: 3, max: 1}\n" % n for n in range(600)),
    "deep": b"method: " + b"[" * 40,
    "deep_aliases": b"a: &a [[[[[[[[[[1]]]]]]]]]]\nb: &b [[[[[[[[[[*a]]]]]]]]]]\nc: [[[[[[[[[[*b]]]]]]]]]]\n",
    "long_number": HEAD + b"run_cap: " + b"9" * 401 + b"\n",
    "long_name": HEAD + b"parameters: {" + b"a" * 257 + b": {value: 1}}\n",
    "long_expression": HEAD + b"parameters: {a: {value: 1}}\nconstraints: ['a > " + b"1" * 1_000 + b"']\n",
    "many_conditions": HEAD
    + b"parameters: {a: {min: 0, max: 1}}\nconstraints: ["
    + b"a > 0, " * 101
    + b"]\n",
    "many_sobol": b"method: sobol\nprogram: t.py\nparameters:\n"
    + b"".join(b"  p%d: {min: 0, max: 1}\n" % n for n in range(1_025)),
}
"""Files that are too large or too dull to be kept."""

MAPPINGS: dict[str, dict[str, object]] = {
    "python_object": {"method": "random", "parameters": {"a": {"values": [1, object()]}}},
    "python_key": {"method": "random", "parameters": {1: {"value": 3}}},
    "python_set": {"method": "random", "parameters": {"a": {"values": {1, 2}}}},
    "python_keys_missing": {"method": "random", "paramters": {}},
}
"""Documents that are given to the Python interface."""

_MOST_LINES = 100
FILES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))
NAMES = sorted([*FILES, *MADE, *MAPPINGS, "unreadable"])


def found(name: str) -> tuple[Diagnostic, ...]:
    if name == "unreadable":
        return (unreadable_file("unreadable.yaml", "Permission denied"),)
    if name in MAPPINGS:
        return parse_mapping(MAPPINGS[name]).diagnostics
    content = MADE[name] if name in MADE else (GOLDEN / f"{name}.yaml").read_bytes()
    parsed = parse_text(content, file=f"{name}.yaml")
    assert (parsed.spec is None) is bool(parsed.refusals)
    return parsed.diagnostics


def message_text(findings: Iterable[Diagnostic]) -> str:
    lines = [f"{finding.severity} {finding.code} {finding}\n" for finding in findings]
    assert all(line[:-1].isprintable() for line in lines)
    if len(lines) > _MOST_LINES:
        lines = [lines[0], f"{len(lines) - 2} more\n", lines[-1]]
    return "".join(lines) or "nothing\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_findings_of_a_file_equal_its_golden_ones(name: str) -> None:
    expected = GOLDEN / f"{name}.txt"
    text = message_text(found(name))
    if os.environ.get("REGENERATE"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_each_golden_text_has_its_file() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == NAMES


@pytest.mark.lengthy
def test_every_code_has_its_golden_message() -> None:
    """The type checker lets no other code be used."""
    known = {code for kind in get_args(Code) for code in get_args(kind)}
    assert {finding.code for name in NAMES for finding in found(name)} == known
