"""Arguments that `sweepd.agent` refuses before it starts anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sweepd


async def asynchronous() -> None:
    """Do nothing: an async function, which cannot be called in process."""


@pytest.fixture(autouse=True)
def _without_a_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SWEEPD_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"sweep_id": "a/b/c/d"},
            "'a/b/c/d' is not a name of a sweep; write ID, PROJECT/ID or ENTITY/PROJECT/ID",
        ),
        ({"count": 0}, "count: expected an integer of at least 1, not 0"),
        ({"count": "3"}, "count: expected an integer of at least 1, not '3'"),
        ({"slots": 1.5}, "slots: expected an integer of at least 1, not 1.5"),
        (
            {"max_consecutive_failed_runs": 0},
            ("max_consecutive_failed_runs: expected an integer of at least 1, not 0"),
        ),
        ({"term_timeout": 0}, "term_timeout: expected seconds, from 1 to 86400, not 0"),
        ({"term_timeout": float("nan")}, "term_timeout: expected seconds, from 1 to 86400, not nan"),
        ({"in_process": True}, "in_process=True requires a function and a single slot"),
        ({"in_process": True, "function": print, "slots": 2}, "requires a function and a single slot"),
    ],
)
def test_invalid_arguments_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(sweepd.UsageError) as raised:
        sweepd.agent(**{"sweep_id": "abc", **given})
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (lambda x: x, {}, "is called without arguments, but needs some"),
        (7, {}, "function: expected a function without arguments, not int"),
        (
            asynchronous,
            {"in_process": True},
            "an async function cannot be called in process: remove in_process=True",
        ),
    ],
)
def test_functions_that_cannot_be_called_are_refused(
    function: Callable[[], object], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(sweepd.FunctionError) as raised:
        sweepd.agent("abc", function, **options)
    assert words in str(raised.value)
