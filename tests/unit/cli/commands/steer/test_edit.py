"""Errors of the server about an edit, reworded with the options of the command."""

from __future__ import annotations

import pytest

from sweepd import v1
from sweepd.cli.commands.steer.typed import option_of


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("sweep.spec.tags[0]", "--tag kept"),
        ("sweep.spec.tags[1]", "--tag ''"),
        ("sweep.spec.tags[7]", "sweep.spec.tags[7]"),
        ("sweep.spec.tags", "--tag"),
        ("sweep.spec.run_cap", "--run-cap"),
        ("sweep.spec.name", "--name"),
        ("sweep.spec.description", "--description"),
        ("sweep.spec.metadata", "--metadata"),
        ("sweep.spec.metadata.owner.name", "--metadata owner.name"),
        ("update_mask", "update_mask"),
    ],
)
def test_a_field_is_named_by_its_option(field: str, option: str) -> None:
    edited = v1.Sweep(spec=v1.SweepSpec(tags=["kept", ""]))
    assert option_of(field, edited) == option
