"""A state file, replaced atomically, has the newest state whatever the order of writers."""

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path

import pytest

from sweepd.script.folder.run_folder import write_json
from sweepd.script.folder.state_file import StateFile, written


def test_a_newer_state_written_by_a_signal_handler_is_not_overwritten(tmp_path: Path) -> None:
    state: dict[str, object] = {"preempting": False}
    interrupted: list[bool] = []

    def attempt_to(write: Callable[[], None]) -> None:
        if not interrupted:  # the older state is serialised, but not in the file yet
            interrupted.append(True)
            state["preempting"] = True
            file.changed()
            assert json.loads((tmp_path / "details.json").read_text()) == {"preempting": True}
        write()

    file = StateFile(tmp_path / "details.json", lambda: state, attempt_to, interval=0)
    file.changed()
    assert interrupted
    assert json.loads((tmp_path / "details.json").read_text()) == {"preempting": True}
    assert [path.name for path in tmp_path.iterdir()] == ["details.json"]


def test_changes_within_the_interval_are_written_once_or_earlier_by_a_flush(tmp_path: Path) -> None:
    writes: list[dict[str, object]] = []
    state: dict[str, object] = {"n": 0}

    def attempt_to(write: Callable[[], None]) -> None:
        write()
        writes.append(json.loads((tmp_path / "state").read_text()))

    file = StateFile(tmp_path / "state", lambda: state, attempt_to, interval=3600)
    for number in range(5):
        state["n"] = number
        file.changed()
    file.flush()
    file.flush()
    assert writes == [{"n": 0}, {"n": 4}]


def test_a_failed_write_leaves_only_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"old": True})
    with pytest.raises(ValueError, match="digits"):
        write_json(tmp_path / "a", {"new": 10**5_000})
    assert json.loads((tmp_path / "a").read_text()) == {"old": True}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_state_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    looks: list[int] = []

    def content() -> dict[str, object]:
        looks.append(1)
        if len(looks) < 3:
            raise RuntimeError("dictionary changed size during iteration")
        return {"n": len(looks)}

    StateFile(tmp_path / "state", content, lambda write: write(), interval=0).changed()
    assert json.loads((tmp_path / "state").read_text()) == {"n": 3}


class _Hostile:
    def __str__(self) -> str:
        raise OSError("gone")


def test_any_values_of_a_script_can_be_written() -> None:
    circle: list[object] = []
    circle.append(circle)
    knot: dict[str, object] = {}
    knot |= {"a": knot, "b": [knot, knot]}
    found = written(
        {
            1: circle,
            "knot": knot,
            "deep": reduce(lambda inner, _: [inner], range(100), list[object]()),
            "bytes": b"ab\xff",
            "many": range(20_000),
            "hostile": _Hostile(),
            "digits": 10**5_000,
            "n": 2**70,
        }
    )
    assert isinstance(found, dict)
    assert found.pop("1") == ["a list that contains itself"]
    itself = "a dict that contains itself"
    assert found.pop("knot") == {"a": itself, "b": [itself, itself]}
    deep: object = found.pop("deep")
    assert json.dumps(deep).startswith("[[[")
    assert "a list, nested too deeply" in json.dumps(deep)
    assert str(found.pop("digits")).startswith("0x")
    assert found == {"bytes": "ab\ufffd", "many": "20000 items", "hostile": "a _Hostile", "n": 2**70}
