"""Examples in docs/sweep-file.md: each is validated and previewed, and each output is compared.

After an intended change, `REGENERATE=1 .venv/bin/pytest tests/component/cli/test_sweep_file_docs.py` writes
the outputs into the document; review them with `git diff`.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import jsonschema
import pytest

from component.cli.conftest import Ctl
from component.cli.sweep_file_examples import (
    DOCUMENT,
    LANGUAGES,
    MARKS,
    Example,
    Fence,
    commands,
    examples,
    fences,
    replaced,
)
from sweepd.cli.commands.define.validate import finding_line
from sweepd.spec.distributions.distribution import DEPRECATED
from sweepd.spec.finding import Findings
from sweepd.spec.keys.distributions import DISTRIBUTION_KEYS
from sweepd.spec.keys.parameters import FORM_KEYS
from sweepd.spec.keys.unsupported import UNSUPPORTED_METHODS
from sweepd.spec.loading.loader import load_text
from sweepd.spec.loading.tree import plain
from sweepd.spec.methods.registry import METHODS
from sweepd.spec.parse import Parsed, parse_text
from sweepd.spec.schema import schema_text, sweep_schema
from unit.spec.key_names import (
    GUARD_KEYS,
    KEYS,
    LATER_KEYS,
    METRIC_KEYS,
    RETRY_KEYS,
    RULE_KEYS,
    WITHOUT_EFFECT,
)

TEXT = DOCUMENT.read_text(encoding="utf-8")
EXAMPLES = examples(TEXT)
FILE = "sweep.yaml"


def parsed(example: Example) -> Parsed:
    return parse_text(example.content.encode(), file=FILE)


def findings_text(example: Example) -> str:
    return "".join(f"{finding_line(each, 'text')}\n" for each in parsed(example).diagnostics)


def printed(example: Example, fence: Fence, home: Path, ctl: Ctl) -> str:
    """Return a console with the current output of its commands."""
    (home / FILE).write_text(example.content)
    text = ""
    for command, _ in commands(fence.text):
        name, *arguments = shlex.split(command)
        assert name == "sweepctl", f"line {fence.line}: {name} is not run here"
        called = ctl(*arguments)
        text += f"$ {command}\n{called.out}{called.err}"
    return text


def test_outputs_are_regenerated(home: Path, offline: Ctl) -> None:
    texts = [(each.findings, findings_text(each)) for each in EXAMPLES if each.findings is not None]
    texts += [(fence, printed(each, fence, home, offline)) for each in EXAMPLES for fence in each.consoles]
    written = replaced(TEXT, texts)
    if os.environ.get("REGENERATE"):
        DOCUMENT.write_text(written, encoding="utf-8")
    elif written != TEXT:
        pytest.fail("outputs in the document are not what is printed; the tests below say which")


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_findings_of_an_example_are_those_in_the_document(example: Example) -> None:
    assert (example.findings.text if example.findings else "") == findings_text(example)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_is_valid_or_invalid_as_it_is_marked(example: Example) -> None:
    found = parsed(example)
    errors = [each for each in found.diagnostics if each.severity == "error"]
    assert bool(errors) is ("wrong" in example.words), found.diagnostics
    assert bool(found.unsupported) is ("later" in example.words)
    if not errors:
        assert bool(found.diagnostics) is bool({"warned", "later"} & example.words), found.diagnostics


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.consoles], ids=str)
def test_commands_print_what_the_document_shows(example: Example, home: Path, offline: Ctl) -> None:
    for fence in example.consoles:
        assert fence.text == printed(example, fence, home, offline)


@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES if not {"wrong", "later"} & each.words], ids=str
)
def test_each_example_can_be_previewed(example: Example, home: Path, offline: Ctl) -> None:
    (home / FILE).write_text(example.content)
    runs = offline("preview", FILE, "-n", "20", "-o", "jsonl").lines
    assert runs
    assert all(run["argv"] for run in runs)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if "wrong" not in each.words], ids=str)
def test_each_example_passes_the_schema(example: Example) -> None:
    root = load_text(example.content.encode(), Findings(FILE))
    assert root is not None
    jsonschema.Draft7Validator(sweep_schema()).validate(plain(root))


def test_every_key_word_and_distribution_is_in_an_example() -> None:
    shown = "".join(each.content for each in EXAMPLES if "wrong" not in each.words)
    rules = [key for keys in RULE_KEYS.values() for key in keys]
    nested = (*METRIC_KEYS, *RETRY_KEYS, *GUARD_KEYS, *FORM_KEYS, *rules, "when")
    for key in {*KEYS, *LATER_KEYS, *nested} - set(WITHOUT_EFFECT):
        assert re.search(rf"^\s*{key}:|[{{ ]{key}: ", shown, re.MULTILINE), key
    for word in (*RULE_KEYS, *METHODS, *UNSUPPORTED_METHODS, *DISTRIBUTION_KEYS):
        assert word in DEPRECATED or re.search(rf": {word}\b", shown), word


def test_fences_have_known_languages_and_marks() -> None:
    for fence in fences(TEXT):
        assert fence.language in LANGUAGES, fence
        assert fence.words <= (MARKS if fence.language == "yaml" else {"curves"}), fence
    assert TEXT.count("\n```") == 2 * len(list(fences(TEXT)))


def test_the_schema_is_what_sweepctl_prints(offline: Ctl) -> None:
    assert offline("validate", "--schema").out == schema_text()
