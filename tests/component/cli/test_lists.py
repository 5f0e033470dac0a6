"""Lists of sweeps and runs, read from the command line."""

from __future__ import annotations

import csv
import io
import json

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from sweepd import v1
from unit.cli.messages import NAME, a_sweep

KILLED = "sweepd did not kill it; probably the kernel did, for lack of memory"

pytestmark = pytest.mark.usefixtures("three_runs")


def test_list_shows_a_table_and_an_empty_list_explains_how_to_start(ctl: Ctl, server: ScriptedServer) -> None:
    done = ctl("list")
    heading, row = done.out.splitlines()
    assert heading.split() == [
        "NAME",
        "STATE",
        "METHOD",
        "RUNS",
        "BEST",
        "AGENTS",
        "CREATED",
        "TITLE",
        "TAGS",
    ]
    assert row.split()[:4] == [NAME, "running", "random", "0/3"]
    server.sweeps.sweeps.clear()
    empty = ctl("list")
    assert empty.out == ""
    assert "sweepctl run sweep.yaml" in empty.err


def test_a_filter_that_matches_no_sweep_does_not_explain_how_to_start(ctl: Ctl) -> None:
    assert ctl("list", "--filter", "state=failed").err == "No such sweep.\n"


@pytest.mark.parametrize("more", [(), ("-o", "json"), ("--watch",), ("--projects",)])
def test_listing_an_unknown_entity_or_project_is_not_found(ctl: Ctl, more: tuple[str, ...]) -> None:
    for parent, message in (
        ("nothere", "no entity named nothere"),
        ("train", "no entity named train; did you mean `local/train`?"),
        ("local/trian", "no project named local/trian; did you mean `local/train`?"),
    ):
        done = ctl("list", parent, *more, code=3)
        assert message in done.err
        assert done.out == ""


def test_a_project_without_sweeps_has_an_empty_list(ctl: Ctl, server: ScriptedServer) -> None:
    server.accounts.projects.append("acme/empty")
    for parent in ("acme", "acme/empty"):
        assert ctl("list", parent).err == f"No sweep of `{parent}`.\n"
    assert ctl("list", "acme/empty", "-o", "json").json == []


@pytest.mark.parametrize("words", [("get",), ("runs",), ("best",), ("history",), ("get", "sweep"), ("logs",)])
def test_a_project_in_place_of_a_sweep_or_run_is_recognised_as_a_project(
    ctl: Ctl, words: tuple[str, ...]
) -> None:
    for name in ("train", "local/train"):
        output = ctl(*words, name, code=3).err
        assert f"{name} is a project; expected a " in output
        assert "`sweepctl list local/train` lists its sweeps" in output
        assert "`sweepctl runs --project local/train` its runs" in output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("get", NAME, "--watch", "-o", "csv"),
            "--watch takes neither --columns nor formats other than table, json and jsonl",
        ),
        (
            ("get", NAME, "--watch", "--columns", "state"),
            "--watch takes neither --columns nor formats other than table, json and jsonl",
        ),
        (("list", "--projects", "--watch"), "--watch cannot be used with --projects"),
        (("runs", "--project", "train", "--watch"), "--watch requires a sweep"),
        (("runs", NAME, "--csv-raw"), "--csv-raw requires -o csv"),
        (("list", "--sort", "runs"), "runs is a group of values"),
        (("runs", NAME, "--by-hand"), "--by-hand requires --project"),
        (("runs", "--project", "train", "--prior"), "--prior requires a sweep"),
        (("runs", NAME, "--project", "train"), "specify either a sweep or a project"),
        (("runs", "--project", "a/b/c"), "write PROJECT or ENTITY/PROJECT"),
    ],
)
def test_incompatible_flags_are_a_usage_error(ctl: Ctl, words: tuple[str, ...], message: str) -> None:
    assert message in ctl(*words, code=2).err


def test_the_counts_of_runs_are_a_column_in_every_format(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.sweeps[NAME].run_counts.CopyFrom(v1.RunCounts(finished=2, running=1))
    assert ctl("list", "--columns", "runs").out == "RUNS\n2/3\n"
    (row,) = csv.DictReader(io.StringIO(ctl("list", "-o", "csv").out))
    assert (row["name"], row["runs"], row["plannedRuns"]) == (NAME, "1 running, 2 finished", "3")
    assert ctl("list", "--columns", "runs.running,id", "-o", "csv").out == "runs.running,id\n1,k3x9v2ab\n"
    (line,) = ctl("list", "--columns", "runs", "-o", "jsonl").lines
    assert line["runs"]["finished"] == 2  # type: ignore[index, call-overload]  # plain JSON


def test_a_column_can_be_chosen_by_its_heading(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.sweeps[NAME].best_value = 0.5
    server.sweeps.sweeps[NAME].best_run = f"{NAME}-1"
    server.sweeps.sweeps["local/train/other"] = a_sweep("local/train/other")
    shown = ctl("list", "--columns", "name,best,agents,created", "--sort", "best").out.splitlines()
    assert shown[0].split() == ["NAME", "BEST", "AGENTS", "CREATED"]
    assert shown[1].split()[:3] == [NAME, "0.5", "0"]
    assert ctl("runs", NAME, "--columns", "number,lr", "-o", "csv").out.splitlines()[1] == "1,0.1"
    assert ctl("runs", NAME, "--columns", "lr", "-o", "jsonl").lines[0] == {"lr": 0.1}
    assert ctl("runs", NAME, "--filter", "lr>0.1", "--sort", "-lr", "-o", "name").out.split() == [
        f"{NAME}-3",
        f"{NAME}-2",
    ]


def test_requested_metrics_of_runs_are_columns(ctl: Ctl, server: ScriptedServer) -> None:
    for number in (1, 2):
        server.metrics.series.append(v1.Series(run=f"{NAME}-{number}", key="val/acc.top", attempt=1))
        server.sweeps.runs[f"{NAME}-{number}"].logged_keys.append("val/acc.top")
    metric = "metrics.val/acc.top"
    shown = ctl("runs", NAME, "--columns", f"number,{metric}").out.splitlines()
    assert [line.split() for line in shown[1:]] == [["1", "0.125"], ["2", "0.125"], ["3", "-"]]
    assert ctl("runs", NAME, "--columns", metric, "-o", "csv").out.splitlines() == [
        metric,
        "0.125",
        "0.125",
        '""',
    ]
    assert ctl("runs", NAME, "--limit", "1", "--columns", metric, "-o", "jsonl").lines == [{metric: 0.125}]
    assert len(ctl("runs", NAME, "--filter", f"{metric}<1", "-o", "name").out.split()) == 2
    assert (
        ctl("runs", "--project", "train", "--columns", f"run,{metric}", "-o", "jsonl").lines[0][metric]
        == 0.125
    )
    assert f"did you mean `{metric}`?" in ctl("runs", NAME, "--columns", "acc.top", code=2).err
    assert f"did you mean `{metric}`?" in ctl("runs", NAME, "--sort", "metrics.val/acc", code=2).err


def test_the_error_about_an_unknown_column_lists_the_columns(ctl: Ctl) -> None:
    output = ctl("list", "--columns", "nope", code=2).err
    assert (
        "error: unknown column: nope\n  cause: the columns are name, state, method, runs, best.value,"
        in output
    )


def test_csv_is_safe_for_spreadsheets_and_terminals_unless_raw_is_requested(
    ctl: Ctl, server: ScriptedServer
) -> None:
    server.sweeps.sweeps[NAME].spec.name = "=HYPERLINK(1)\x1b\n"
    server.metrics.series.append(v1.Series(run=f"{NAME}-1", key="=k\x1b[31m", attempt=1))
    columns = ("--columns", "displayName", "-o", "csv")
    assert ctl("list", *columns).out == "displayName\n'=HYPERLINK(1)\\x1b\\n\n"
    assert ctl("list", *columns, "--csv-raw").out == 'displayName\n"=HYPERLINK(1)\x1b\n"\n'
    assert "metrics.=k\\x1b[31m" in ctl("export", NAME, "-o", "csv").out.splitlines()[0]
    assert "metrics.=k\x1b[31m" in ctl("export", NAME, "-o", "csv", "--csv-raw").out.splitlines()[0]


def test_best_of_a_sweep_whose_runs_all_failed_is_an_error_with_the_causes(
    ctl: Ctl, server: ScriptedServer
) -> None:
    for number, run in enumerate(server.sweeps.runs.values()):
        run.state, run.value = v1.RUN_STATE_FAILED, 0.5
        run.reason = "exited with code 1: ValueError: no data" if number else "ended by SIGKILL"
        ended = v1.Exit(cause=v1.EXIT_CAUSE_EXITED, code=1)
        run.attempts[0].exit.CopyFrom(ended if number else v1.Exit(cause=v1.EXIT_CAUSE_SIGNALED, signal=9))
    server.metrics.series.append(v1.Series(run=f"{NAME}-1", key="system/memory", attempt=1))
    server.sweeps.sweeps[NAME].run_counts.failed = 3
    for more in ((), ("-n", "5"), ("-o", "args")):
        done = ctl("best", NAME, *more, code=8)
        assert done.out == ""
        assert done.err.splitlines() == [
            f"error: all 3 runs of {NAME} failed",
            "  2 runs: exited with code 1: ValueError: no data",
            f"    sweepctl logs {NAME}-2",
            "  1 run: ended by SIGKILL",
            f"    {KILLED}; when last sampled, the run had 0 B",
            f"    sweepctl logs {NAME}-1",
            f"  next:  `sweepctl runs {NAME} --sort best` shows the values that they logged",
        ]
    error = json.loads(ctl("best", NAME, "-o", "json", code=8).err)["error"]
    assert (error["exitCode"], error["message"]) == (8, f"all 3 runs of {NAME} failed")
    assert "2 runs: exited with code 1: ValueError: no data; sweepctl logs" in error["cause"]
    assert "for lack of memory" in ctl("get", f"{NAME}-1").out
    assert "for lack of memory" not in ctl("get", f"{NAME}-2").out
    server.sweeps.sweeps[NAME].best_run, server.sweeps.sweeps[NAME].best_value = f"{NAME}-1", 0.5
    assert ctl("list", "--columns", "best").out == "BEST\nall failed\n"
    assert ctl("list", "--columns", "best", "-o", "csv").out == "best\n0.5\n"
    server.sweeps.sweeps[NAME].run_counts.running = 1
    assert ctl("best", NAME, "-o", "name").out


def test_list_reads_all_pages(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.sweeps["acme/x/other"] = a_sweep("acme/x/other")
    assert ctl("list", "-o", "name").out.splitlines() == [NAME, "acme/x/other"]
    assert [line["name"] for line in ctl("list", "acme", "-o", "jsonl").lines] == ["acme/x/other"]


def test_control_characters_in_a_name_never_reach_the_terminal(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.sweeps[NAME].spec.name = "\x1b]0;owned\x07"
    for command in (("list",), ("get", NAME)):
        shown = ctl(*command).out
        assert "\x1b" not in shown
        assert "owned" in shown


def test_runs_can_be_filtered_ordered_and_limited(ctl: Ctl) -> None:
    assert ctl("runs", NAME, "-o", "name").out.splitlines() == [f"{NAME}-{number}" for number in (1, 2, 3)]
    assert ctl("runs", NAME, "--sort", "value", "--limit", "1", "-o", "name").out == f"{NAME}-2\n"
    assert ctl("runs", NAME, "--state", "running", "-o", "name").out == f"{NAME}-3\n"
    assert ctl("runs", NAME, "--filter", "params.lr>=0.2", "--limit", "1", "-o", "name").out == f"{NAME}-2\n"


def test_runs_have_a_column_for_each_parameter(ctl: Ctl) -> None:
    heading, first, *_ = ctl("runs", NAME).out.splitlines()
    assert heading.split() == ["NUMBER", "STATE", "VALUE", "ITERATIONS", "ATTEMPT", "LR", "NAME"]
    assert first.split() == ["1", "finished", "0.5", "0", "1", "0.1", "a", "b"]


def test_runs_are_listed_with_the_names_set_by_their_scripts(ctl: Ctl, server: ScriptedServer) -> None:
    assert "displayName" in ctl("runs", NAME, "-o", "csv").out.splitlines()[0].split(",")
    server.sweeps.runs[f"{NAME}-2"].display_name = "base line"
    server.sweeps.runs[f"{NAME}-3"].display_name = "a"
    heading, first, second, _ = ctl("runs", NAME).out.splitlines()
    assert heading.split()[:3] == ["NUMBER", "NAME", "STATE"]
    assert (first.split()[:3], second.split()[:4]) == (
        ["1", "-", "finished"],
        ["2", "base", "line", "finished"],
    )
    assert ctl("runs", "--project", "train").out.split()[:3] == ["RUN", "NAME", "STATE"]
    assert ctl("runs", NAME, "--filter", "displayName=base line", "-o", "name").out == f"{NAME}-2\n"
    ordered = ctl("runs", NAME, "--sort", "displayName", "--columns", "displayName", "-o", "jsonl").lines
    assert [row["displayName"] for row in ordered] == ["a", "base line", None]
    exported = list(csv.DictReader(io.StringIO(ctl("export", NAME, "-o", "csv").out)))
    assert [row["displayName"] for row in exported] == ["", "base line", "a"]


def test_runs_of_a_project_have_one_column_per_value(ctl: Ctl) -> None:
    heading = ctl("runs", "--project", "train", "-o", "csv").out.splitlines()[0].split(",")
    assert len(heading) == len(set(heading))
    assert "run" in heading
    assert ctl("runs", "--project", "train").out.splitlines()[1].split()[0] == "k3x9v2ab-1"


def test_the_flag_columns_applies_to_every_format(ctl: Ctl) -> None:
    columns = ("--columns", "number,params.lr")
    assert ctl("runs", NAME, *columns).out.splitlines()[1].split() == ["1", "0.1"]
    assert ctl("runs", NAME, *columns, "-o", "csv").out.splitlines()[:2] == ["number,params.lr", "1,0.1"]
    assert ctl("runs", NAME, *columns, "-o", "jsonl").lines[0] == {"number": 1, "params.lr": 0.1}


@pytest.mark.parametrize(
    ("flags", "near"),
    [
        (("--sort", "-valeu"), "value"),
        (("--columns", "number,lrr"), "params.lr"),
        (("--filter", "sate=failed"), "state"),
        (("--columns", "params.lrr"), "params.lr"),
    ],
)
def test_an_unknown_column_is_a_usage_error(ctl: Ctl, flags: tuple[str, str], near: str) -> None:
    done = ctl("runs", NAME, *flags, code=2)
    assert done.out == ""
    assert f"did you mean `{near}`?" in done.err


def test_a_known_column_without_any_value_is_allowed(ctl: Ctl) -> None:
    assert ctl("list", "--columns", "best.run,reason", "-o", "csv").out == "best.run,reason\n,\n"
    assert ctl("list", "--sort", "best.value", "-o", "name").out == f"{NAME}\n"
