"""Written YAML: sweep-config-spec 1, text with leading zeros survives every round trip."""

import pytest
import yaml
from hypothesis import given

from sweepd.cli.output.yaml_text import yaml_text
from sweepd.spec.finding import Findings
from sweepd.spec.loading.loader import load_text
from sweepd.spec.loading.tree import plain
from sweepd.spec.point import Json
from unit.spec.strategies import json_values


def read(text: str) -> Json:
    root = load_text(text.encode(), Findings("s.yaml"))
    assert root is not None
    return plain(root)


@pytest.mark.parametrize(
    "text", ["1e-5", "08", "007", "1E5", "+1e5", "1:30", "yes", "0x1f", "1_0", "", "~", "é\n\x85"]
)
def test_text_that_looks_like_a_number_stays_text_for_every_reader(text: str) -> None:
    written = yaml_text({"a": [text]})
    assert read(written) == {"a": [text]}
    assert yaml.safe_load(written) == {"a": [text]}


@pytest.mark.parametrize(
    "text", ["\u202eabc", "a\u2066b: c", "\u200f", "\u00ad x\n", "\x9b2J", "\U000e0001", "\u061c"]
)
def test_control_characters_are_escaped(text: str) -> None:
    written = yaml_text({text: [text]})
    assert written.replace("\n", "").isprintable()
    assert read(written) == yaml.safe_load(written) == {text: [text]}


@given(value=json_values)
def test_written_values_are_read_back_unchanged(value: Json) -> None:
    assert repr(read(yaml_text({"a": value}))) == repr({"a": value})
