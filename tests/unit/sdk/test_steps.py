"""Step of each row."""

from sweepd.script.rows import Steps


def test_rows_without_a_step_count_up_from_zero() -> None:
    assert placed((None, None), (None, None), (None, True)) == [0, 1, 2]


def test_rows_without_commit_share_the_step_of_the_next_committed_row() -> None:
    assert placed((None, False), (None, False), (None, None), (None, None)) == [0, 0, 0, 1]


def test_a_given_step_stays_current_until_another_or_a_row_without_one() -> None:
    assert placed((3, None), (3, None), (5, None), (None, None), (None, None)) == [3, 3, 5, 5, 6]


def test_a_step_below_the_current_one_is_too_late() -> None:
    assert placed((3, None), (2, None), (-1, None), (3, True), (3, None), (4, None)) == [
        3,
        None,
        None,
        3,
        None,
        4,
    ]


def test_only_rows_with_commit_false_keep_the_step_open() -> None:
    steps = Steps()
    for step, commit, announced in [
        (None, None, False),
        (1, None, False),
        (1, False, True),
        (2, None, False),
    ]:
        steps.place(step, commit=commit)
        assert steps.marked_open is announced


def test_a_row_that_is_dropped_changes_nothing() -> None:
    steps = Steps()
    steps.place(3, commit=False)
    assert not steps.place(2, commit=True)
    assert steps.marked_open
    assert steps.current == 3


def placed(*rows: tuple[int | None, bool | None]) -> list[int | None]:
    steps, numbers = Steps(), list[int | None]()
    for step, commit in rows:
        fits = steps.place(step, commit=commit)
        numbers.append(steps.current if fits else None)
        if fits and steps.completes(step, commit=commit):
            steps.advance()
    return numbers
