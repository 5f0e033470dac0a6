"""Findings survive the round trip through messages."""

import pytest

from decoded_diagnostics import diagnostic_from_message
from sweepd.codec.spec import diagnostic_message
from sweepd.spec.finding import Diagnostic


@pytest.mark.parametrize(
    "finding",
    [
        Diagnostic(
            file="a.yaml",
            line=3,
            column=5,
            path="metod",
            severity="error",
            code="unknown-key",
            message="x",
            suggestion="method",
        ),
        Diagnostic(file="a.yaml", line=None, column=None, path="", severity="warning", code="w", message="y"),
    ],
)
def test_a_finding_survives_the_round_trip(finding: Diagnostic) -> None:
    assert diagnostic_from_message(diagnostic_message(finding)) == finding
