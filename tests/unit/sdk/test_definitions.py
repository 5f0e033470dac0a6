"""Arguments of `define_metric`, valid and refused, and the definition that applies to a metric."""

import pytest

from sweepd.script.definitions import Definition, Definitions, checked_definition, with_step_metrics
from sweepd.script.errors import UsageError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "loss"}, Definition(name="loss")),
        ({"name": "loss", "summary": "min"}, Definition(name="loss", summary=("min",))),
        (
            {"name": "loss", "summary": "MIN,max, mean"},
            Definition(name="loss", summary=("min", "max", "mean")),
        ),
        ({"name": "loss", "summary": ""}, Definition(name="loss")),
        (
            {"name": "acc", "summary": "best", "goal": "maximize"},
            Definition(name="acc", summary=("best",), goal="maximize"),
        ),
        ({"name": "acc", "goal": "min"}, Definition(name="acc", goal="minimize")),
        ({"name": "val/*", "step_metric": "epoch"}, Definition(name="val/*", step_metric="epoch")),
        (
            {"name": "val/*", "step_metric": Definition(name="epoch"), "step_sync": False, "hidden": True},
            Definition(name="val/*", step_metric="epoch", step_sync=False, hidden=True),
        ),
        ({"name": "*", "summary": "none"}, Definition(name="*", summary=("none",))),
    ],
)
def test_valid_arguments_are_accepted(given: dict[str, object], expected: Definition) -> None:
    assert checked_definition(given.pop("name"), **given) == expected


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"name": ""}, "name of a metric is missing"),
        ({"name": None}, "name of a metric is missing"),
        ({"name": 3}, "name must be of type str, not int"),
        ({"name": "a*b"}, "is allowed only at the end"),
        ({"name": "*a*"}, "is allowed only at the end"),
        ({"name": "loss", "summary": "best"}, 'summary "best" needs goal'),
        ({"name": "loss", "summary": "median"}, "summary 'median' is not one of min, max"),
        ({"name": "loss", "summary": "min,"}, "summary '' is not one of"),
        ({"name": "loss", "summary": ["min"]}, "summary must be of type str, not list"),
        ({"name": "loss", "goal": "small"}, "goal 'small' is neither"),
        ({"name": "loss", "step_metric": 3}, "step_metric must be of type str, not int"),
        ({"name": "loss", "hidden": "yes"}, "hidden must be of type bool, not str"),
    ],
)
def test_invalid_arguments_are_refused(given: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        checked_definition(given.pop("name"), **given)


def definitions(*added: Definition) -> Definitions:
    made = Definitions()
    for each in added:
        made.add(each, overwrite=False)
    return made


def test_an_exact_name_takes_precedence_over_prefixes_and_the_longest_prefix_over_others() -> None:
    every, val, exact = (Definition(name=name) for name in ("*", "val/*", "val/loss"))
    found = definitions(every, val, exact)
    assert [found.of(key) for key in ("val/loss", "val/acc", "lr")] == [exact, val, every]
    assert definitions(val).of("lr") is None


def test_a_second_definition_extends_the_first_unless_it_overwrites() -> None:
    found = definitions(
        Definition(name="loss", summary=("min",), hidden=True),
        Definition(name="loss", step_metric="epoch", step_sync=False, hidden=False),
    )
    assert found.of("loss") == Definition(
        name="loss", summary=("min",), step_metric="epoch", step_sync=False, hidden=False
    )
    found.add(Definition(name="loss", goal="minimize"), overwrite=True)
    assert found.of("loss") == Definition(name="loss", goal="minimize")
    assert found.document() == {"loss": {"goal": "minimize"}}


@pytest.mark.parametrize(
    ("row", "completed"),
    [
        ({"val/loss": 1}, {"val/loss": 1, "epoch": 7}),
        ({"val/loss": 1, "epoch": 8}, {"val/loss": 1, "epoch": 8}),
        ({"lr": 1}, {"lr": 1}),
        ({"apart/a": 1}, {"apart/a": 1}),
        ({"new/a": 1}, {"new/a": 1}),
    ],
)
def test_rows_that_lack_their_step_metric_get_its_last_value(
    row: dict[str, object], completed: dict[str, object]
) -> None:
    found = definitions(
        Definition(name="val/*", step_metric="epoch"),
        Definition(name="apart/*", step_metric="epoch", step_sync=False),
        Definition(name="new/*", step_metric="not logged yet"),
    )
    assert with_step_metrics(row, found, {"epoch": 7}) == completed
