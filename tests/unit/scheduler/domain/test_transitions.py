"""State transitions: the tables agree with the documentation, and violations are never stored."""

import re
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import pytest

from sweepd_scheduler.domain.draft import Draft
from sweepd_scheduler.domain.transitions import (
    ATTEMPT_TRANSITIONS,
    RUN_TRANSITIONS,
    STANDALONE_ATTEMPT_TRANSITIONS,
    STANDALONE_TRANSITIONS,
    SWEEP_TRANSITIONS,
    AttemptState,
    IllegalTransitionError,
    RunState,
    SweepState,
)
from unit.scheduler.world import GRID_4, World

DOCS = Path(__file__).parents[4] / "docs" / "architecture.md"
WORDS = re.compile(r"[a-z]+")


def documented(title: str) -> dict[str, set[str]]:
    """Return the rows of a table of the documentation: for each state, those that may follow it."""
    text = DOCS.read_text()
    table = text[text.index(f"| {title} | to | when |") :].split("\n\n")[0]
    found: dict[str, set[str]] = {}
    subjects: list[str] = []
    for row in table.splitlines()[2:]:
        left, right = (cell.strip() for cell in row.split("|")[1:3])
        subjects = WORDS.findall(left) or subjects
        for state in subjects:
            found.setdefault(state, set()).update(WORDS.findall(right))
    return found


@pytest.mark.parametrize(
    ("title", "table"),
    [
        ("run of a sweep", RUN_TRANSITIONS),
        ("standalone run", STANDALONE_TRANSITIONS),
        ("attempt", ATTEMPT_TRANSITIONS),
        ("sweep", SWEEP_TRANSITIONS),
    ],
)
def test_the_documented_tables_agree_with_the_code(
    title: str, table: Mapping[StrEnum | None, frozenset[StrEnum]]
) -> None:
    in_code = {str(before or "new"): {str(after) for after in afters} for before, afters in table.items()}
    assert documented(title) == in_code


def test_attempts_of_standalone_runs_differ_only_in_how_they_begin() -> None:
    assert documented("attempt of a standalone run") == {
        "new": {str(state) for state in STANDALONE_ATTEMPT_TRANSITIONS[None]}
    }
    assert {**STANDALONE_ATTEMPT_TRANSITIONS, None: None} == {**ATTEMPT_TRANSITIONS, None: None}


def test_a_run_with_an_invalid_transition_is_not_stored() -> None:
    world = World()
    world.create(GRID_4)
    run = world.takes_one(world.attach()).run
    draft = Draft(world.state, world.clock_reading)
    with pytest.raises(IllegalTransitionError, match="running -> assigned"):
        draft.put_run(replace(world.run(run.key), state=RunState.ASSIGNED))
    with pytest.raises(IllegalTransitionError, match="None -> running"):
        draft.put_run(replace(run, number=99, attempts=(), state=RunState.RUNNING))
    assert draft.changes == []


def test_an_attempt_with_an_invalid_transition_is_not_stored() -> None:
    world = World()
    world.create(GRID_4)
    run = world.run(world.takes_one(world.attach()).run.key)
    draft = Draft(world.state, world.clock_reading)
    returned = replace(run.newest, state=AttemptState.RETURNED)
    with pytest.raises(IllegalTransitionError, match="running -> returned"):
        draft.put_run(replace(run, attempts=(returned,)))
    lost = replace(run.newest, number=2, state=AttemptState.LOST)
    with pytest.raises(IllegalTransitionError, match="None -> lost"):
        draft.put_run(replace(run, attempts=(*run.attempts, lost)))
    assert draft.changes == []


def test_a_sweep_with_an_invalid_transition_is_not_stored() -> None:
    world = World()
    sweep = world.create(GRID_4)
    draft = Draft(world.state, world.clock_reading)
    draft.put_sweep(replace(sweep, state=SweepState.RUNNING))
    with pytest.raises(IllegalTransitionError, match="running -> pending"):
        draft.put_sweep(sweep)
    with pytest.raises(IllegalTransitionError, match="None -> finished"):
        draft.put_sweep(replace(sweep, key=99, state=SweepState.FINISHED))
