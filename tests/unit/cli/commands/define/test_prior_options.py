"""Options `--prior-run`, `--prior-project` and `--filter`, and the messages about the runs they select."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO

import click
import pytest

from sweepd import v1
from sweepd.cli.commands.define.prior_options import (
    PriorOptions,
    filter_message,
    selection_of,
    write_report,
)
from sweepd.cli.failures import Problem
from sweepd.cli.settings import Settings
from sweepd.client import Client
from sweepd.errors import InvalidError
from sweepd.views.run import prior_report_shape


class Known(Client):
    """Client that resolves every name without a server."""

    def __init__(self) -> None:
        """Do not connect."""

    def sweep_name(self, text: str) -> str:
        return f"local/demo/{text}"

    def run_names(self, texts: Sequence[str]) -> list[str]:
        return [f"local/demo/{text}" for text in texts]


def chosen(**options: object) -> v1.PriorRunSelection | None:
    entity = str(options.pop("entity", ""))
    given = PriorOptions(**{f"prior_{name}": value for name, value in options.items()})  # type: ignore[arg-type]  # by name
    settings = Settings(environ={"SWEEPD_ENTITY": entity, "XDG_CONFIG_HOME": "/nowhere"})
    with click.Context(click.Command("create"), obj=settings):
        return selection_of(Known(), given)


def test_runs_are_named_by_options_and_on_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("one-2\n\n one-3\n"))
    found = chosen(runs=("one-1", "-", "two-4"))
    assert found is not None
    assert list(found.runs) == [f"local/demo/{run}" for run in ("one-1", "one-2", "one-3", "two-4")]


def test_sweeps_and_a_project_can_be_selected_and_without_options_nothing_is() -> None:
    found = chosen(sweeps=("two",), project="demo", filters=("state=finished",))
    assert found is not None
    assert (list(found.sweeps), found.project) == (["local/demo/two"], "local/demo")
    assert list(found.filter.states) == [v1.RUN_STATE_FINISHED]
    assert chosen() is None
    with pytest.raises(InvalidError, match="not a project: 'a/b/c'"):
        chosen(project="a/b/c")
    for project, entity, name in (("demo", "team", "team/demo"), ("team/demo/", "other", "team/demo")):
        found = chosen(project=project, entity=entity)
        assert found is not None
        assert found.project == name


@pytest.mark.parametrize(
    "options",
    [
        {"filters": ("state=finished",)},
        {"project": "demo", "filters": ("state=running",)},
        {"project": "demo", "filters": ("state>=finished",)},
        {"project": "demo", "filters": ("value<=much",)},
        {"project": "demo", "filters": ("value<=nan",)},
        {"project": "demo", "filters": ("value=1",)},
        {"project": "demo", "filters": ("created>=yesterday",)},
        {"project": "demo", "filters": ("created<=2026-11-01",)},
        {"project": "demo", "filters": ("loss<1",)},
    ],
)
def test_a_meaningless_filter_is_refused_with_a_next_step(options: dict[str, object]) -> None:
    with pytest.raises(Problem) as refused:
        chosen(**options)
    assert refused.value.next_step


def test_filter_conditions_are_converted_to_bounds() -> None:
    found = filter_message(["value<0.5", "value >= -1", "tag=a", "tag=b", "state=failed", "state=stopped"])
    assert found.max_value == math.nextafter(0.5, -math.inf)
    assert found.min_value == -1.0
    assert list(found.tags) == ["a", "b"]
    assert list(found.states) == [v1.RUN_STATE_FAILED, v1.RUN_STATE_STOPPED]
    timed = filter_message(["created>=2026-11-01T08:00:00+00:00", "created<2026-11-02T00:00:00+01:00"])
    assert timed.created_from.ToDatetime(UTC) == datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert timed.created_before.ToDatetime(UTC) == datetime(2026, 11, 1, 23, tzinfo=UTC)


def test_a_bounded_number_of_unsuitable_runs_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [v1.UnsuitableRun(run=f"local/demo/one-{n}", reason="lr is missing\x1b[2J") for n in range(25)]
    report = v1.PriorRunReport(taken=3, unsuitable=1_025, unsuitable_runs=runs, without_curve=2)
    write_report(report)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Begins with 3 prior runs."
    assert lines[1].startswith("left out: local/demo/one-0: lr is missing")
    assert "\x1b" not in lines[1]
    assert lines[21] == "left out: 1,005 others; -o json lists the first 25"
    assert "early termination ignores 2 prior runs" in lines[22]
    shape = prior_report_shape(report)
    assert (shape["taken"], shape["unsuitable"], shape["withoutCurve"]) == (3, 1_025, 2)
    write_report(v1.PriorRunReport(unsuitable=1, unsuitable_runs=runs[:1]))
    assert capsys.readouterr().err.startswith("warning: no prior run suits this sweep")
