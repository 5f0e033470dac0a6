from __future__ import annotations

import json
import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd_agent.core.numbering import Block, Numbering, document, from_document
from sweepd_agent.core.rows import CHECKPOINT_KEY, MALFORMED, Line, Observation, Progress, completed, read

WATCHED = {"loss": 0, "size": 1}


def replay(
    lines: list[Line], progress: Progress | None = None, watched: Mapping[str, int] = WATCHED
) -> tuple[list[Observation], Progress]:
    """Read lines to the end of the process."""
    progress = Progress() if progress is None else progress
    observations: list[Observation] = []
    for line in lines:
        step = read(progress, line, watched, now=0.0)
        observations += step.observations
        progress = step.progress
    last, progress = completed(progress)
    return [*observations, *last], progress


def row(loss: float | None = None, *, step: int | None = None, is_open: bool = False) -> Line:
    return Line(values={} if loss is None else {"loss": loss}, step=step, open=is_open)


def test_each_line_without_a_step_is_an_iteration() -> None:
    observations, progress = replay([row(0.5), row(0.4), Line(values={"acc": 1.0})])
    assert [(item.row, item.step, item.value) for item in observations] == [(1, None, 0.5), (2, None, 0.4)]
    assert progress.iterations == 2
    assert progress.last_step == 2


def test_lines_of_one_step_are_one_iteration() -> None:
    lines = [row(0.5, step=3), Line(values={"size": 7}, step=3), row(0.1, step=3), row(0.4, step=4)]
    observations, progress = replay(lines)
    assert observations == [
        Observation(row=1, key=0, step=3, value=0.5),
        Observation(row=2, key=1, step=3, value=7.0),
        Observation(row=4, key=0, step=4, value=0.4),
    ]
    assert progress.iterations == 2


def test_an_open_step_is_observed_in_the_row_that_completes_it() -> None:
    lines = [row(0.5, step=0, is_open=True), row(0.4, step=0, is_open=True), Line(step=0)]
    observations, _ = replay(lines)
    assert observations == [Observation(row=3, key=0, step=0, value=0.4)]


def test_a_later_step_or_the_end_completes_an_open_one() -> None:
    observations, progress = replay([row(0.5, step=0, is_open=True), row(0.4, step=1, is_open=True)])
    assert [(item.row, item.step) for item in observations] == [(1, 0), (2, 1)]
    assert progress.settled == 2


def test_rows_of_an_open_step_are_not_settled() -> None:
    progress = read(Progress(), row(0.5), WATCHED, now=0.0).progress
    progress = read(progress, row(0.4, step=9, is_open=True), WATCHED, now=0.0).progress
    assert (progress.row, progress.settled) == (2, 1)
    progress = read(progress, MALFORMED, WATCHED, now=0.0).progress
    assert (progress.row, progress.settled) == (3, 1)


def test_only_finite_numbers_count_as_iterations() -> None:
    lines = [row(math.nan), row(math.inf), Line(values={"loss": True}), Line(values={"loss": "x"}), row(1)]
    observations, progress = replay(lines)
    assert [item.row for item in observations] == [1, 2, 5]
    assert progress.iterations == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [("loss.min", [0.5, 0.5, 0.25, 0.25]), ("loss.max", [0.5, 0.75, 0.75, 1.0]), ("loss.mean", [])],
)
def test_the_extreme_of_a_key_so_far_is_an_objective(name: str, expected: list[float]) -> None:
    lines = [row(0.5), row(math.nan), row(0.75), Line(values={"acc": 3.0}), row(0.25), row(1.0)]
    observations, progress = replay(lines, watched={name: 0})
    assert [each.value for each in observations if math.isfinite(each.value)] == expected
    assert progress.iterations == len(expected)


def test_each_watched_key_has_one_extreme_of_its_own() -> None:
    lines = [Line(values={"loss": 0.5}), Line(values={"loss": 0.75, "size": 1}), Line(values={"size": 3})]
    observations, progress = replay(lines, watched={"loss.min": 0, "size.max": 1})
    assert [(each.row, each.key, each.value) for each in observations] == [
        (1, 0, 0.5),
        (2, 0, 0.5),
        (2, 1, 1.0),
        (3, 1, 3.0),
    ]
    assert [(each.key, each.kind, each.value) for each in progress.extremes] == [
        (0, "min", 0.5),
        (1, "max", 3.0),
    ]


def test_a_step_of_several_lines_counts_once_for_an_extreme() -> None:
    lines = [row(0.1, step=0, is_open=True), row(0.5, step=0), row(0.7, step=1), row(0.3, step=1)]
    observations, _ = replay(lines, watched={"loss.min": 0})
    assert [(each.row, each.value) for each in observations] == [(2, 0.5), (3, 0.5)]


def test_a_key_that_is_logged_directly_is_not_derived_from_another() -> None:
    exact = Line(values={"loss": 0.1, "loss.min": 9.0})
    observations, progress = replay([exact, row(0.1), exact], watched={"loss.min": 0})
    assert [(each.row, each.value) for each in observations] == [(1, 9.0), (3, 9.0)]
    assert progress.exact == {0}
    text = Line(values={"loss": 0.1, "loss.min": "none"})
    assert replay([text, row(0.1)], watched={"loss.min": 0})[0] == []
    late = [row(0.5), row(0.25), exact, row(0.125)]
    assert [each.value for each in replay(late, watched={"loss.min": 0})[0]] == [0.5, 0.25, 9.0]


lines = st.lists(
    st.builds(
        Line,
        values=st.dictionaries(
            st.sampled_from(["loss", "loss", "size", "acc", "loss.min"]), st.integers(0, 9), max_size=3
        ),
        step=st.none() | st.integers(0, 3),
        open=st.booleans(),
        malformed=st.just(False),
    )
    | st.just(MALFORMED),
    max_size=12,
)


@given(lines, st.sampled_from([WATCHED, {"loss.min": 0, "size.max": 1}]), st.data())
def test_reading_can_resume_from_any_row(
    written: list[Line], watched: Mapping[str, int], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(written)))
    complete, progress = replay(written, watched=watched)
    middle = Progress()
    before: list[Observation] = []
    for line in written[:cut]:
        step = read(middle, line, watched, now=0.0)
        before += step.observations
        middle = step.progress
    stored = document(Numbering(progress=middle))
    after, end = replay(written[cut:], from_document(stored).progress, watched)
    assert before + after == complete
    assert end == progress


@given(lines)
def test_observations_are_in_order_unique_and_settled(written: list[Line]) -> None:
    progress = Progress()
    seen: list[tuple[int, int]] = []
    for line in written:
        step = read(progress, line, WATCHED, now=0.0)
        assert step.progress.row == progress.row + 1
        assert progress.settled <= step.progress.settled <= step.progress.row
        assert all(progress.settled < item.row <= step.progress.settled for item in step.observations)
        seen += [(item.row, item.key) for item in step.observations]
        progress = step.progress
    assert seen == sorted(set(seen))


def test_a_numbering_survives_being_stored() -> None:
    _, after = replay([row(1.0), row(2.0)])
    block = Block(segment=1, start=0, end=40, before=Progress(), rows=2, time=5.0)
    numbering = Numbering().extended(block, after).counted(3, {"loss", "b"})
    assert from_document(document(numbering)) == numbering
    assert numbering.logged_keys == ("b", "loss")
    assert numbering.position(1) == 40


def test_a_checkpoint_follows_the_rows_it_contains_and_completes_no_step() -> None:
    lines = [
        row(0.5, step=0),
        row(0.4, step=1, is_open=True),
        Line(step=1, open=True, checkpoint=0),
        Line(step=1, checkpoint=1),
        row(0.3, step=2),
        Line(checkpoint=2),
    ]
    observations, progress = replay(lines)
    saved = CHECKPOINT_KEY
    assert [(each.row, each.key, each.step) for each in observations] == [
        (1, 0, 0),
        (3, saved, 0),
        (4, 0, 1),
        (4, saved, 1),
        (5, 0, 2),
        (6, saved, 2),
    ]
    assert progress.iterations == 3
    assert progress.settled == progress.row == 6


def test_the_first_explicit_step_is_stored_with_the_numbering() -> None:
    numbering = Numbering().begun_at(None).begun_at(7).begun_at(3)
    assert numbering.first_step == 7
    assert from_document(json.loads(json.dumps(document(numbering)))) == numbering


def test_rows_have_the_step_and_time_of_their_line_or_the_next_ones() -> None:
    lines = [
        MALFORMED,
        Line(values={"a": 1}),
        Line(step=7, time=2.5),
        Line(),
        MALFORMED,
        Line(step=3),
        Line(step=3, values={"b": 2}),
        Line(),
    ]
    progress, rows = Progress(), []
    for number, line in enumerate(lines, start=1):
        result = read(progress, line, WATCHED, now=float(number))
        progress = result.progress
        rows.append(result.row)
    assert [(each.number, each.step, each.time) for each in rows] == [
        (1, 0, 1.0),
        (2, 0, 2.0),
        (3, 7, 2.5),
        (4, 8, 4.0),
        (5, 8, 5.0),
        (6, 3, 6.0),
        (7, 3, 7.0),
        (8, 4, 8.0),
    ]
    assert [dict(each.values) for each in rows] == [{}, {"a": 1}, {}, {}, {}, {}, {"b": 2}, {}]


def test_a_malformed_row_is_settled_unless_a_step_is_open() -> None:
    progress = read(Progress(), MALFORMED, WATCHED, now=0.0).progress
    assert (progress.row, progress.settled, progress.last_step) == (1, 1, -1)
    for closing in (row(0.5), row(0.5, step=0)):
        progress = read(progress, closing, WATCHED, now=0.0).progress
        progress = read(progress, MALFORMED, WATCHED, now=0.0).progress
        assert progress.settled == progress.row


def test_an_observation_of_a_checkpoint_has_its_row_and_step_alone() -> None:
    result = read(Progress(), Line(step=2, checkpoint=1), WATCHED, now=0.0)
    assert result.observations == (Observation(row=1, key=CHECKPOINT_KEY, step=1, value=0.0),)
