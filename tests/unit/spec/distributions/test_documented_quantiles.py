"""The quantiles in docs/sweep-file.md are those of the example above them.

This writes the table again:
    REGENERATE=1 .venv/bin/pytest tests/unit/spec/distributions/test_documented_quantiles.py
"""

import os
import re

from sweepd.spec.parse import parse_text
from sweepd.spec.point import Json, Parameter
from sweepd.spec.sweep_spec import SweepSpec
from unit.spec.sweep_file_document import DOCUMENT, TEXT

SHARES = (0.1, 0.5, 0.9)
_ONE_OF_EACH = re.compile(
    r"One of each:\n\n```yaml\n(.*?)```.*?^\|---\|---\|---\|---\|\n((?:\|[^\n]*\n)*)",
    re.MULTILINE | re.DOTALL,
)


def of_the_example(text: str) -> SweepSpec:
    spec = parse_text(text.encode(), file="sweep.yaml").spec
    assert spec is not None
    return spec


def rows(spec: SweepSpec) -> str:
    """Return the lines of the table."""
    lines = []
    for name, parameter in spec.parameters.items():
        assert isinstance(parameter, Parameter)
        values = " | ".join(shown(parameter.distribution.quantile(share)) for share in SHARES)
        lines.append(f"| `{name}` | {values} |\n")
    return "".join(lines)


def shown(value: Json) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def test_the_documented_quantiles_are_correct() -> None:
    match = _ONE_OF_EACH.search(TEXT)
    assert match is not None
    expected = rows(of_the_example(match[1]))
    if os.environ.get("REGENERATE"):
        DOCUMENT.write_text(TEXT[: match.start(2)] + expected + TEXT[match.end(2) :], encoding="utf-8")
    assert match[2] == expected
