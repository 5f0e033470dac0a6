"""Step from which a standalone run continues."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweepd.script.rows import last_step

FILLER = json.dumps({"text": "x" * 1000}) + "\n"


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("", None),
        ('{"loss": 1}\n', None),
        ('{"_step": 3, "loss": 1}\n{"_step": 4}\n', 4),
        ('{"_step": 3, "loss": 1}\n{"loss": 2}\nno JSON "_step"\n{"_step": 7, "lo', 3),
        ('{"_step": 3}\n{"_step": true}\n{"_step": "9"}\n["_step"]\n', 3),
        ('{"_step": 3}\n' + FILLER * 200, 3),
        (FILLER * 200 + '{"_step": 5}\n', 5),
        (json.dumps({"text": "x" * 200_000, "_step": 6}) + "\n", 6),
    ],
)
def test_the_last_step_is_that_of_the_last_line_with_one(tmp_path: Path, text: str, step: int | None) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text(text)
    assert last_step(file) == step


def test_the_last_step_is_read_from_closed_segments_if_the_open_one_has_none(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    assert last_step(file) is None
    assert last_step(tmp_path / "nowhere" / "metrics.jsonl") is None
    for number in (1, 2, 10):
        (tmp_path / f"metrics.jsonl.{number}").write_text(f'{{"_step": {number}}}\n')
    assert last_step(file) == 10
    file.write_text('{"loss": 1}\n')
    assert last_step(file) == 10
