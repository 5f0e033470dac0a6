"""The JSON Schema for editors, compared with the reader: it accepts what the reader accepts.

After a change of the language, this writes the file:
    REGENERATE=1 .venv/bin/pytest tests/unit/spec/test_schema.py
"""

import copy
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.finding import Findings
from sweepd.spec.keys.distributions import DISTRIBUTION_KEYS
from sweepd.spec.keys.parameters import FORM_KEYS
from sweepd.spec.loading.loader import load_text
from sweepd.spec.loading.tree import plain
from sweepd.spec.methods.registry import METHODS
from sweepd.spec.parse import PLACING_KEYS, parse_mapping, parse_text
from sweepd.spec.schema import schema_text, sweep_schema
from unit.spec.key_names import GUARD_KEYS, KEYS, LATER_KEYS, METRIC_KEYS, RETRY_KEYS, RULE_KEYS
from unit.spec.reading import test_parse_handling, test_parse_parameters, test_parse_sweep
from unit.spec.reading.test_golden import GOLDEN
from unit.spec.reading.test_wandb_files import FOLDER as WANDB
from unit.spec.strategies import sweeps

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "docs" / "sweep-file.schema.json"
SCHEMA = sweep_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

BEYOND_A_SCHEMA = re.compile(
    r"""
    min-not-less-than-max|not-finite|no-bracket|not-in-space|nothing-to-search|duplicate-key|too-large
    |point-too-large|not-a-grid:.*uniform;|too-sparse|infeasible|bad-expression|bad-zip|circular-condition
    |bad-probability:.*(probabilities\ for|sum\ to)|bad-type:.int_uniform\ takes
    |out-of-range:.(the\ values\ would\ be|more\ than\ 9,223|must\ be\ more\ than\ 0s)
    |out-of-range:.*parameters\ to\ search|duplicate-value:.*is\ given\ twice
    |bad-value:.(is\ not\ a\ regular\ expression|has\ no\ named\ group)
    """,
    re.VERBOSE,
)
"""Code and start of the messages about what needs arithmetic, or more of the file than one mapping."""


def table(test: Callable[..., object]) -> Iterator[Any]:
    """Yield the cases with which a test of the reader is parametrised."""
    (mark,) = [mark for mark in vars(test)["pytestmark"] if mark.name == "parametrize"]
    yield from mark.args[1]


def files() -> Iterator[bytes]:
    """Yield the texts of the reader's tests, of its golden files, of files for W&B and of the examples."""
    for accepted in (
        test_parse_parameters.test_a_parameter_is_read_as,
        test_parse_parameters.test_a_wrong_parameter_is_refused,
    ):
        for entry, *_ in table(accepted):
            yield f"method: random\nprogram: t.py\nparameters:\n  x: {entry}\n".encode()
    for text, _ in table(test_parse_sweep.test_a_sweep_that_could_not_run_is_refused):
        yield text.encode()
    yield test_parse_sweep.COMPLETE
    for text, *_ in table(test_parse_handling.test_a_key_is_read_as):
        yield f"method: grid\n{test_parse_handling.HEAD}{text}\n".encode()
    handling = test_parse_handling.test_values_out_of_range_or_without_meaning_are_refused
    for text, method in table(handling):
        yield f"method: {method}\n{test_parse_handling.HEAD}{text}\n".encode()
    for key, text in test_parse_handling.LATER.items():
        yield f"method: grid\nparameters: {{a: {{value: 1}}}}\n{key}: {text}\n".encode()
    for path in (*GOLDEN.glob("*.yaml"), *WANDB.glob("*.yaml"), *ROOT.glob("examples/*/sweep.yaml")):
        yield path.read_bytes()


def document(content: bytes) -> object:
    """Return the content of a file as plain data; None if it cannot be loaded."""
    root = load_text(content, Findings("s.yaml"))
    return None if root is None else plain(root)


@cache
def errors(content: bytes) -> list[str]:
    """Return code and message of each error that the reader reports for a file."""
    found = parse_text(content, file="s.yaml").diagnostics
    return [f"{each.code}: {each.message}" for each in found if each.severity == "error"]


def objections(value: object) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message:.200}" for error in VALIDATOR.iter_errors(value)]


@st.composite
def mutants(draw: st.DrawFn) -> dict[str, object]:
    """Draw a document of the tests with one or two of its entries replaced, removed or added."""
    mutant = copy.deepcopy(draw(st.sampled_from(small())))
    for _ in range(draw(st.integers(1, 2))):
        containers = list(_containers(mutant))
        container = draw(st.sampled_from(containers))
        values = ATOMS | st.sampled_from(containers).map(copy.deepcopy)
        if isinstance(container, list):
            container[draw(st.integers(0, len(container))) :] = [draw(values)]
        elif container and draw(st.booleans()):
            del container[draw(st.sampled_from(sorted(container)))]
        else:
            container[draw(st.sampled_from([*container, *WORDS]))] = draw(values)
    return mutant


def _containers(value: object) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _containers(inner)


@cache
def small() -> list[dict[str, object]]:
    """Return the documents of the shorter files that the reader accepts."""
    contents = [content for content in LOADED if len(content) < 2_000 and not errors(content)]
    return [value for content in contents if isinstance(value := document(content), dict)]


# The reader judges them only in the tests, as every worker makes this list before it begins.
LOADED = [content for content in files() if document(content) is not None]
WORDS = sorted({*KEYS, *LATER_KEYS, *METRIC_KEYS, *FORM_KEYS, "when", *RETRY_KEYS, *GUARD_KEYS})
ATOMS = st.sampled_from(
    [
        *(None, True, False, 0, 1, -1, 0.5, 2.0, "", "a", "1h", "90", "false", "last", "cloud", "sweep"),
        *("uniform", *METHODS, *RULE_KEYS, [], {}, ["a", "b"], [["a", "b"]], [{"a": 1}]),
        *({"value": 1}, {"min": 0, "max": 1}),
    ]
).map(copy.deepcopy)


def test_the_schema_is_valid() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_published_file_is_the_generated_one() -> None:
    if os.environ.get("REGENERATE"):
        PUBLISHED.write_text(schema_text(), encoding="utf-8")
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()


@pytest.mark.lengthy
@pytest.mark.parametrize("content", LOADED)
def test_the_schema_agrees_with_the_reader_where_a_schema_can(
    content: bytes,
) -> None:
    refused = errors(content)
    if not refused:
        assert objections(document(content)) == []
    elif not all(map(BEYOND_A_SCHEMA.match, refused)):
        assert objections(document(content)), refused


@pytest.mark.lengthy
def test_enough_files_are_compared() -> None:
    assert len([each for each in LOADED if not errors(each)]) > 50
    judged = [each for each in LOADED if not all(map(BEYOND_A_SCHEMA.match, errors(each)))]
    assert len(judged) > 100


@pytest.mark.lengthy
@given(document=sweeps)
def test_random_sweeps_that_the_reader_accepts_are_valid(document: dict[str, object]) -> None:
    assert parse_mapping(document).spec is not None
    assert objections(document) == []


@pytest.mark.lengthy
@given(document=sweeps, data=st.data())
def test_an_unknown_key_fails_at_every_level(document: dict[str, object], data: st.DataObject) -> None:
    levels = [document, document["metric"], *_parameters(document["parameters"])]
    level = data.draw(st.sampled_from(levels))
    assert isinstance(level, dict)
    level["unknwon"] = 1
    assert parse_mapping(document).spec is None
    assert objections(document)


@given(document=mutants())
def test_mutated_files_pass_if_the_reader_accepts_them(
    document: dict[str, object],
) -> None:
    if not any(
        each.severity == "error" for each in parse_mapping(document, placing=PLACING_KEYS).diagnostics
    ):
        assert objections(document) == []


def _parameters(group: object) -> Iterator[object]:
    assert isinstance(group, dict)
    for parameter in group.values():
        yield parameter
        yield from _parameters(parameter.get("parameters", {}))


def test_the_schema_has_the_keys_of_the_reader() -> None:
    assert set(_properties(SCHEMA)) == {*KEYS, *LATER_KEYS}
    assert set(_properties(_definition("metric"))) == set(METRIC_KEYS)
    assert set(_properties(_definition("rule"))) == {"type"}.union(*RULE_KEYS.values())
    forms = {key for both in DISTRIBUTION_KEYS.values() for keys in both for key in keys}
    assert set(_properties(_definition("parameter"))) == forms | {"distribution", "parameters", "when"}
    assert _properties(_definition("parameter"))["distribution"]["enum"] == list(DISTRIBUTION_KEYS)


def test_each_key_and_word_has_a_description() -> None:
    for level in (SCHEMA, _definition("metric"), _definition("rule"), _definition("parameter")):
        for key, schema in _properties(level).items():
            assert schema["description"].endswith("."), key
            if "enumDescriptions" in schema:
                assert len(schema["enumDescriptions"]) == len(schema["enum"]), key


@pytest.mark.parametrize("key", LATER_KEYS)
def test_unsupported_keys_are_described_as_such(key: str) -> None:
    assert "Not supported yet" in _properties(SCHEMA)[key]["description"]


def _definition(name: str) -> Mapping[str, Any]:
    definitions = SCHEMA["definitions"]
    assert isinstance(definitions, dict)
    found = definitions[name]
    assert isinstance(found, dict)
    return found


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    return properties
