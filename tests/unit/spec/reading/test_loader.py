"""Loading of bytes: values, positions, and refused content."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.spec.finding import Findings
from sweepd.spec.loading.loader import load_mapping, load_text, read_values
from sweepd.spec.loading.tree import plain
from sweepd.spec.parse import parse_text
from sweepd.spec.point import Json
from unit.spec.strategies import json_values


def loaded(text: str | bytes) -> Json:
    findings = Findings("s.yaml")
    root = load_text(text if isinstance(text, bytes) else text.encode(), findings)
    assert not findings.in_order()
    assert root is not None
    return plain(root)


def refused(text: str | bytes) -> tuple[str, str]:
    findings = Findings("s.yaml")
    load_text(text if isinstance(text, bytes) else text.encode(), findings)
    (finding, *_) = findings.in_order()
    return finding.code, str(finding)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        ("5e-06", 5e-6),
        ("1.5e3", 1.5e3),
        ("-.5", -0.5),
        ("'1e-5'", "1e-5"),
        ('"1e-5"', "1e-5"),
        ('"007"', "007"),
        ("'08'", "08"),
        ("08", "08"),
        ("010", 8),
        ("0_", 0),
        ("-0_", 0),
        ("-010", -8),
        ("0_17", 15),
        ("-0x1F", -31),
        ("0x_f", 15),
        ("-0b_10", -2),
        ("-12", -12),
        ("+12", 12),
        ("0x1f", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("1:30", 90),
        ("-1:30", -90),
        ("1:30.5", 90.5),
        ("+1:30.5", 90.5),
        ("-1:1:30.5", -3690.5),
        (".inf", math.inf),
        ("+.inf", math.inf),
        ("-.inf", -math.inf),
        ("1.0", 1.0),
        ("yes", True),
        ("off", False),
        ("~", None),
        ("", None),
        ("2020-01-01", "2020-01-01"),
        ("!!float 1e-5", 1e-5),
        ("!!float 3", 3.0),
        ("!!str 3", "3"),
        ("!!int '3'", 3),
        ("!!null ''", None),
        ("! 3", "3"),
        ("größe ☃", "größe ☃"),
        ("|\n  a\n  b", "a\nb\n"),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_a_yaml_value_is_read_as(written: str, value: Json) -> None:
    read = loaded(f"a: {written}\n")
    assert read == {"a": value}
    assert isinstance(read, dict)
    assert type(read["a"]) is type(value)


def test_anchors_aliases_and_merges_work() -> None:
    assert loaded("a: &x {b: 1, c: 2}\nd: *x\ne: {<<: *x, c: 3}\n") == {
        "a": {"b": 1, "c": 2},
        "d": {"b": 1, "c": 2},
        "e": {"b": 1, "c": 3},
    }


def test_keys_are_text_as_written() -> None:
    assert loaded("1: a\non: b\n2.50: c\n") == {"1": "a", "on": "b", "2.50": "c"}


def test_indentation_by_tabs_is_reported_as_such() -> None:
    (error,) = parse_text(b"method: random\nparameters:\n\tx: {value: 1}\n", file="s.yaml").diagnostics
    assert "tabs cannot indent" in error.message
    assert error.line == 3


def test_a_yaml_file_in_braces_is_not_taken_for_json() -> None:
    parameters = "{x: {values: [1, 'b c']}, y: {value: 0x10}}"
    text = f"{{program: 'a b.py', method: grid, parameters: {parameters}}} # all in one line\n"
    parsed = parse_text(text.encode(), file="sweep.yaml")
    assert parsed.spec is not None, parsed.diagnostics
    assert parsed.spec.program == "a b.py"
    assert parsed.spec.search_space.grid.at(1) == {"x": "b c", "y": 16}


def test_json_is_read_with_tabs_and_escapes() -> None:
    assert loaded('{"a":\t[1, 2.0, "\\ud83d\\ude00\\/", null],\n\t"b": {"c": 1E5}\n}') == {
        "a": [1, 2.0, "😀/", None],
        "b": {"c": 1e5},
    }


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level + 1}: &a{level + 1} [{','.join([f'*a{level}'] * 10)}]\n" for level in range(30)
)


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        (b"", "empty-file", "s.yaml: "),
        (b"# nothing\n---\n", "empty-file", "s.yaml: "),
        (b"{}", "empty-file", "s.yaml: "),
        (b"- a", "not-a-mapping", "s.yaml:1:1: "),
        (b"a", "not-a-mapping", "s.yaml:1:1: "),
        (b"a: [1, 2\nb: 3", "yaml-syntax", "s.yaml:2:2: "),
        (b"a:\n\tb: 1", "yaml-syntax", "s.yaml:2:1: "),
        (b"a: b\n  c: \xff", "not-utf8", "s.yaml:2:6: "),
        (b"a: b\x1b[2J", "control-character", "s.yaml:1:5: "),
        (b"a: 1\n---\nb: 2", "several-documents", "s.yaml:2:1: "),
        (b"a: !!python/object/apply:os.system [ls]", "yaml-tag", "s.yaml:1:4: "),
        (b"a: !!binary aGk=", "yaml-tag", "s.yaml:1:4: "),
        (b"a: !own 3", "yaml-tag", "s.yaml:1:4: "),
        (b"!!set {a}", "yaml-tag", "s.yaml:1:1: "),
        (b"? [1]\n: 2", "key-not-text", "s.yaml:1:3: "),
        (b"a: *b", "unknown-alias", "s.yaml:1:4: "),
        (b"a: &a [*a]", "unknown-alias", "s.yaml:1:8: "),
        (b"a: {<<: 3}", "bad-merge", "s.yaml:1:5: "),
        (b"a: !!int x", "bad-value", "s.yaml:1:4: "),
        (b"a: " + b"9" * 5000, "bad-value", "s.yaml:1:4: "),
        (b'{"a": ' + b"9" * 5000 + b"}", "bad-value", "s.yaml:1:7: "),
        (b"a: 9223372036854775808", "integer-range", "s.yaml:1:4: "),
        (b'a: "\\0"', "nul-character", "s.yaml:1:4: "),
        (b'{"a": "\\ud800"}', "lone-surrogate", "s.yaml:1:7: "),
        (b"a: " + b"[" * 100_000, "too-deep", "s.yaml:1:33: "),
        (b'{"a":' * 100_000, "too-deep", "s.yaml:1:151: "),
        (BOMB.encode(), "too-large", "s.yaml:6:"),
        (b"a: " + b"x" * 3 * 1024 * 1024, "file-too-large", "s.yaml: "),
    ],
    ids=lambda value: str(value[:24]) if isinstance(value, bytes) else "",
)
def test_an_unreadable_file_is_refused_with_one_message(text: bytes, code: str, where: str) -> None:
    found, message = refused(text)
    assert found == code
    assert message.startswith(where)
    assert message.isprintable()


@pytest.mark.parametrize(
    "text", ["a: 1\nb: {}\na: 2\n", '{"a": 1,\n "b": {},\n "a": 2}'], ids=["yaml", "json"]
)
def test_a_key_written_twice_is_refused_with_both_lines(text: str) -> None:
    code, message = refused(text)
    assert code == "duplicate-key"
    assert "on line 3 (first on line 1)" in message


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("run_cap: 9223372036854775808", "run_cap"),
        ("a: [1, {b: [2, !x 3]}]", "a[1].b[1]"),
        (
            "parameters: {g: {parameters: {h: {parameters: {lr: {values: [1, *a]}}}}}}",
            "parameters.g.h.lr.values[1]",
        ),
        ("parameters: {g: {value: {x: {parameters: !x 3}}}}", "parameters.g.value.x.parameters"),
        ("parameters: {g: {parameters: {a: 1, a: 2}}}", "parameters.g.a"),
        ("a: {b: {<<: 3}}", "a.b"),
        ("a: 1\n---\nb", ""),
    ],
)
def test_the_finding_on_an_unreadable_value_has_its_path(text: str, path: str) -> None:
    findings = Findings("s.yaml")
    load_text(text.encode(), findings)
    assert [finding.path for finding in findings.in_order()] == [path]


def test_every_duplicate_is_reported() -> None:
    findings = Findings("s.yaml")
    load_text(b"a: {b: 1, b: 2}\nc: {d: 1, d: 2}", findings)
    assert [finding.path for finding in findings.in_order()] == ["a.b", "c.d"]


def test_a_python_mapping_may_not_contain_itself() -> None:
    document: dict[str, object] = {}
    document["a"] = document
    findings = Findings("config")
    assert load_mapping(document, findings) is None
    assert findings.in_order()[0].code == "too-deep"


def test_python_values_outside_json_are_refused() -> None:
    for value, code in ((object(), "not-json"), (b"a", "not-json"), ({1: 2}, "key-not-text")):
        findings = Findings("config")
        assert load_mapping({"a": [0, value]}, findings) is None
        (finding,) = findings.in_order()
        assert (finding.code, finding.path) == (code, "a[1]")


@pytest.mark.lengthy
@given(document=st.dictionaries(st.text("abc", min_size=1), json_values, min_size=1))
def test_a_json_file_is_read_as_by_json(document: dict[str, Json]) -> None:
    assert loaded(json.dumps(document)) == document
    assert loaded(json.dumps(document, ensure_ascii=False, indent="\t")) == document


@given(content=st.binary(max_size=64) | st.text("{}[]&*!|>-:?,'\"# \n\tab01.e", max_size=64).map(str.encode))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    parsed = parse_text(content, file="s.yaml")
    assert parsed.spec is None
    assert any(finding.severity == "error" for finding in parsed.diagnostics)


def test_arrays_are_read_as_lists() -> None:
    findings = Findings("config")
    root = load_mapping({"a": np.arange(3), "b": [np.float64(0.5), np.array([[1.5, 2.0]])]}, findings)
    assert root is not None
    assert plain(root) == {"a": [0, 1, 2], "b": [0.5, [[1.5, 2.0]]]}


@pytest.mark.parametrize("text", ["{lr: 1e-3, opt: {name: sgd}}", '{"lr": 0.001, "opt": {"name": "sgd"}}'])
def test_values_are_read_from_a_mapping_in_yaml_or_json(text: str) -> None:
    assert read_values(text) == {"lr": 0.001, "opt": {"name": "sgd"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3", "expected a mapping from names to values"),
        ("[1, 2]", "expected a mapping from names to values"),
        ("", "the text is empty"),
        ("{lr: 1, lr: 2}", "duplicate key"),
        ("{lr: 1", "expected"),
    ],
)
def test_values_outside_a_mapping_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_values(text)
