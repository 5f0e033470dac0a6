"""Conversion of each kind of logged value, compared with docs/script.md."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import sweepd
from component.sdk.programs import ROOT
from sweepd.metrics_file import MAX_TEXT_LENGTH
from sweepd.script.media.values import store_value
from sweepd.script.notices import Notices
from sweepd.script.rows import Rows
from sweepd_agent.core.rows import parse_line

_ROW = re.compile(r"^\| `(?P<value>.+?)` \| `(?P<row>.*?)` \|(?P<remark>.*)\|$", re.MULTILINE)
TABLE = (ROOT / "docs" / "script.md").read_text().partition("### Values")[2].partition("\n## ")[0]
CASES = [(found["value"], found["row"], found["remark"]) for found in _ROW.finditer(TABLE)]
KNOWN = {"Decimal": Decimal, "date": date, "np": np, "sweepd": sweepd, "picture": np.zeros((2, 2, 3))}


def test_the_table_is_found() -> None:
    assert len(CASES) >= 24
    assert len(CASES) == TABLE.count("\n| `")


@pytest.mark.parametrize(("value", "row", "remark"), CASES, ids=[value for value, _, _ in CASES])
def test_a_logged_value_is_converted_as_documented(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, value: str, row: str, remark: str
) -> None:
    file = tmp_path / "metrics.jsonl"
    rows = Rows(
        file,
        Notices(),
        first_step=0,
        keep=lambda key, given, step: store_value(tmp_path, key, given, step),
    )
    for _ in range(2):
        rows.add({"k": eval(value, dict(KNOWN))}, None, None)
    rows.end()
    first = parse_line(file.read_bytes().splitlines()[0])
    assert first is not None
    expected = json.loads(row.replace("xxx…", "x" * MAX_TEXT_LENGTH))
    assert first.values == expected
    assert len(caplog.records) == ("arned once" in remark and "beyond" not in remark), caplog.text
    assert all("'k'" in record.message for record in caplog.records)
    for path in expected.values():
        if str(path).startswith("media/"):
            assert (tmp_path / path).stat().st_size > 0
