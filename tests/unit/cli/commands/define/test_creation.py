"""The file that `get --spec` prints creates an equal sweep."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from sweepd import v1
from sweepd.cli.commands.define.creation import sweep_document, sweep_text
from sweepd.codec.spec import spec_message
from sweepd.spec.parse import parse_mapping, parse_text
from unit.spec.strategies import sweeps

RULED = {
    "method": "grid",
    "program": "t.py",
    "zip": [["a", "b"]],
    "shuffle": True,
    "initial": [{"a": 2}],
    "parameters": {
        "a": {"values": [1, 2]},
        "b": {"values": ["1e-5", "y"]},
        "g": {"when": "a > 1", "parameters": {"c": {"values": [None, True]}}},
    },
    "constraints": ["a < 2 or g.c != true"],
}


def test_the_file_names_the_sweep_its_revision_and_its_project() -> None:
    parsed = parse_mapping(RULED)
    assert parsed.spec is not None, parsed.diagnostics
    sweep = v1.Sweep(name="acme/mnist/k3", revision=3, spec=spec_message(parsed.spec))
    assert sweep_text(sweep).startswith("# acme/mnist/k3, revision 3\nentity: acme\nproject: mnist\n")
    assert sweep_document(sweep).items() >= RULED.items()
    again = parse_text(sweep_text(sweep).encode(), file="again.yaml")
    assert again.spec == replace(parsed.spec, entity="acme", project="mnist")


@pytest.mark.lengthy
@given(document=sweeps)
def test_the_file_of_any_sweep_creates_an_equal_sweep(document: dict[str, object]) -> None:
    parsed = parse_mapping(document)
    assert parsed.spec is not None, parsed.diagnostics
    sweep = v1.Sweep(name="acme/mnist/k3", spec=spec_message(parsed.spec))
    again = parse_text(sweep_text(sweep).encode(), file="again.yaml")
    assert again.spec is not None, again.diagnostics
    placed = replace(parsed.spec, entity="acme", project="mnist")
    assert again.spec == replace(placed, description=placed.description or None)  # empty is none in messages
