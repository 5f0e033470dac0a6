"""Reading what runs have logged and printed from the command line."""

from __future__ import annotations

import csv
import io

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from sweepd import v1
from unit.cli.messages import NAME, a_run

pytestmark = pytest.mark.usefixtures("three_runs")


def some_series(server: ScriptedServer) -> None:
    for key, values in (("loss", [1.5, float("nan")]), ("acc", [0.5, 0.75])):
        chunk = v1.SeriesChunk(
            rows=[1, 2], steps=[0, 1], times=[1_700_000_000.0] * 2, doubles=v1.DoubleValues(values=values)
        )
        server.metrics.series.append(v1.Series(run=f"{NAME}-1", attempt=1, key=key, chunks=[chunk]))


def test_history_shows_the_keys_of_a_row_on_one_line(ctl: Ctl, server: ScriptedServer) -> None:
    some_series(server)
    rows = ctl("history", "k3x9v2ab:1", "-o", "jsonl").lines
    assert [row["values"] for row in rows] == [{"loss": 1.5, "acc": 0.5}, {"loss": "NaN", "acc": 0.75}]
    assert ctl("history", "k3x9v2ab:1").out.splitlines()[0].split() == ["STEP", "ACC", "LOSS"]


def test_a_long_text_is_truncated_on_a_terminal_and_complete_in_other_output(
    ctl: Ctl, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "x" * 500
    chunk = v1.SeriesChunk(rows=[1], steps=[1], times=[0.0], strings=v1.StringValues(values=[text]))
    server.metrics.series.append(v1.Series(run=f"{NAME}-1", attempt=1, key="note", chunks=[chunk]))
    history = ("history", "k3x9v2ab:1", "--color", "never")
    assert text in ctl(*history).out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shown = ctl(*history).out
    assert shown.splitlines()[1].split() == ["1", "x" * 59 + "…"]
    for form in ("wide", "json", "csv"):
        assert text in ctl(*history, "-o", form).out


def test_history_has_one_line_per_step_and_export_has_every_row(ctl: Ctl, server: ScriptedServer) -> None:
    for row, key in ((1, "loss"), (2, "acc"), (3, "loss")):
        chunk = v1.SeriesChunk(rows=[row], steps=[5], times=[0.0], doubles=v1.DoubleValues(values=[row]))
        server.metrics.series.append(v1.Series(run=f"{NAME}-1", attempt=1, key=key, chunks=[chunk]))
    (line,) = ctl("history", "k3x9v2ab:1", "-o", "jsonl").lines
    assert (line["row"], line["step"], line["values"]) == (3, 5, {"loss": 3.0, "acc": 2.0})
    points = [row for row in ctl("export", "k3x9v2ab:1").lines if row["type"] == "point"]
    assert sorted((point["row"], point["key"]) for point in points) == [(1, "loss"), (2, "acc"), (3, "loss")]


def test_the_error_about_a_key_that_was_not_logged_lists_the_logged_keys(
    ctl: Ctl, server: ScriptedServer
) -> None:
    some_series(server)
    message = f"{NAME}-1 has logged no `los`; it has logged `acc`, `loss`"
    assert message in ctl("history", "k3x9v2ab:1", "--key", "los", code=3).err
    partly = ctl("history", "k3x9v2ab:1", "--key", "los", "--key", "acc")
    assert partly.err == f"warning: {message}\n"
    assert partly.out.splitlines()[0].split() == ["STEP", "ACC"]
    assert "logged nothing yet" in ctl("history", "k3x9v2ab:2", "--key", "los").err


def test_a_metric_store_that_is_unavailable_is_named(ctl: Ctl, server: ScriptedServer) -> None:
    server.metrics.unavailable = True
    done = ctl("history", "k3x9v2ab:1", code=6)
    assert "metric store is unavailable" in done.err


def test_export_has_one_line_per_run_observation_and_point(ctl: Ctl, server: ScriptedServer) -> None:
    some_series(server)
    lines = ctl("export", NAME).lines
    assert [line["run"] for line in lines if line["type"] == "run"] == [
        f"{NAME}-{number}" for number in (1, 2, 3)
    ]
    observations = [(line["run"], line["value"]) for line in lines if line["type"] == "observation"]
    assert observations == [(f"{NAME}-1", 0.5), (f"{NAME}-2", 0.25)]
    points = [
        (line["attempt"], line["row"], line["step"], line["key"], line["value"])
        for line in lines
        if line["type"] == "point"
    ]
    assert points == [
        (1, 1, 0, "loss", 1.5),
        (1, 2, 1, "loss", "NaN"),
        (1, 1, 0, "acc", 0.5),
        (1, 2, 1, "acc", 0.75),
    ]


def test_export_as_csv_has_one_line_per_run(ctl: Ctl, server: ScriptedServer) -> None:
    some_series(server)
    rows = list(csv.DictReader(io.StringIO(ctl("export", NAME, "-o", "csv").out)))
    assert [row["run"] for row in rows] == [f"{NAME}-{number}" for number in (1, 2, 3)]
    assert (rows[0]["params.lr"], rows[0]["params.name"], rows[0]["metrics.acc"]) == ("0.1", "a b", "0.125")


@pytest.fixture
def _brief_listening(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the wait for more of a log: this server is never slow."""
    monkeypatch.setattr("sweepd.calls.logs._LISTEN_SECONDS", 0.1)


@pytest.mark.usefixtures("_brief_listening")
def test_logs_are_printed_unchanged(ctl: Ctl, server: ScriptedServer) -> None:
    server.metrics.log = "epoch 1\nüber\n".encode()
    assert ctl("logs", "k3x9v2ab:1").out == "epoch 1\nüber\n"
    assert ctl("logs", "k3x9v2ab:1", "-f").out == "epoch 1\nüber\n"


@pytest.mark.parametrize("rest", [b"", b"the last words"])
def test_a_log_is_complete_as_soon_as_as_many_bytes_were_read_as_the_agent_has_reported(
    ctl: Ctl, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, rest: bytes
) -> None:
    monkeypatch.setattr("sweepd.calls.logs._LISTEN_SECONDS", 600.0)
    server.metrics.log, server.metrics.rest = b"epoch 1\n", rest
    server.sweeps.runs[f"{NAME}-1"].attempts[0].log_bytes = 8 + len(rest)
    assert ctl("logs", "k3x9v2ab:1", "-f").out == f"epoch 1\n{rest.decode()}"


@pytest.mark.usefixtures("_brief_listening")
def test_logs_of_a_run_without_output_explain_why(ctl: Ctl, server: ScriptedServer) -> None:
    failed = a_run(4, state=v1.RUN_STATE_FAILED)
    failed.attempts[0].exit.CopyFrom(v1.Exit(cause=v1.EXIT_CAUSE_START_FAILED, message="no such file: x.py"))
    server.sweeps.runs[failed.name] = failed
    done = ctl("logs", "k3x9v2ab:4")
    assert (done.out, done.err) == (
        "",
        f"{NAME}-4 has printed nothing; it is failed: no such file: x.py\n",
    )
    server.sweeps.runs[failed.name].sweep = ""
    output = ctl("logs", "k3x9v2ab:4").err
    assert output == (
        f"the output of {NAME}-4, a standalone run, is not captured: look at the terminal where it was "
        "started; the run is failed: no such file: x.py\n"
    )
    assert ctl("logs", "k3x9v2ab:4", "-f").err == output
    assert "has no attempt 4; it has 1 attempt" in ctl("logs", "k3x9v2ab:4", "--attempt", "4", code=3).err
