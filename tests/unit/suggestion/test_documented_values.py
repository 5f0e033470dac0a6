"""The model receives the values that docs/sweep-file.md documents."""

import pytest

from sweepd.spec.sweep_spec import Goal, Impute, Metric
from sweepd_suggestion.domain.objective import evidence
from sweepd_suggestion.domain.study import Ended, Outcome, TrialRun
from unit.spec.sweep_file_document import Table, code, tables

OUTCOMES = {
    "finished": Outcome.FINISHED,
    "failed": Outcome.FAILED,
    "stopped": Outcome.STOPPED,
    "crashed": Outcome.FAILED,
    "killed": Outcome.FAILED,
}
EXAMPLES = [each for each in tables() if each.header[:2] == ("run", "logged")]


def runs(example: Table) -> list[TrialRun]:
    """Return the runs of an example as their ends are reported."""
    found = []
    for number, (outcome, logged, *_) in enumerate(example.rows, start=1):
        values = [float(value) for value in logged.split(", ")] if logged != "nothing" else []
        best, worst = min(values, default=None), max(values, default=None)
        last = values[-1] if values else None
        end = Ended(
            run_number=number, outcome=OUTCOMES[outcome], value=best, best=best, worst=worst, last=last
        )
        found.append(TrialRun(number=number, point={}, in_space=True, end=end))
    return found


@pytest.mark.parametrize("impute", Impute)
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_model_gets_the_documented_values(example: Table, impute: Impute) -> None:
    column = [code(name)[:1] for name in example.header].index([impute.value])
    expected = {
        number: float(row[column])
        for number, row in enumerate(example.rows, start=1)
        if row[column] != "left out"
    }
    found = evidence(runs(example), Metric(name="loss", goal=Goal.MINIMIZE, impute=impute))
    assert {each.run_number: each.loss for each in found.valued} == expected
    assert found.pending == ()


def test_there_are_examples() -> None:
    assert [len(each.rows) for each in EXAMPLES] == [4, 6]
