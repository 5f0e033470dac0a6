"""The messages about sweep files, word for word: golden/NAME.yaml is read, NAME.txt is said.

After a message was changed on purpose, `REGENERATE=1 .venv/bin/pytest tests/unit/spec/test_golden.py` writes
the files again; the difference that git shows is what people will see.
"""

import os
from pathlib import Path

import pytest

from sweepd.spec import parse_text

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))


def said(name: str) -> str:
    file = f"{name}.yaml"
    parsed = parse_text((GOLDEN / file).read_bytes(), file=file)
    has_errors = any(finding.severity == "error" for finding in parsed.diagnostics)
    assert (parsed.spec is None) is (has_errors or bool(parsed.unsupported))
    lines = [f"{found.severity} {found.code} {found}\n" for found in parsed.diagnostics]
    assert all(line[:-1].isprintable() for line in lines)
    return "".join(lines) or "nothing\n"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said_about_a_file_is_what_people_were_promised(name: str) -> None:
    expected = GOLDEN / f"{name}.txt"
    if os.environ.get("REGENERATE"):
        expected.write_text(said(name), encoding="utf-8")
    assert said(name) == expected.read_text(encoding="utf-8")


def test_there_is_no_text_without_its_file() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == NAMES
