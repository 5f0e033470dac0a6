"""Reading sweeps and runs from the command line."""

from __future__ import annotations

import csv
import io
import json

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from sweepd import v1
from sweepd.codec import spec_message
from sweepd.spec import parse_mapping, parse_text
from unit.cli.messages import NAME, a_run, a_sweep, a_time

pytestmark = pytest.mark.usefixtures("three_runs")


def test_list_shows_a_table_and_is_empty_with_a_lesson(ctl: Ctl, server: ScriptedServer) -> None:
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


def test_an_empty_list_teaches_only_where_there_is_no_sweep_at_all(ctl: Ctl) -> None:
    assert ctl("list", "other").err == "No sweep of `other`.\n"
    assert ctl("list", "--filter", "state=failed").err == "No such sweep.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("get", NAME, "--watch", "-o", "csv"), "--watch shows changes"),
        (("get", NAME, "--watch", "--columns", "state"), "--watch shows changes"),
        (("list", "--projects", "--watch"), "--watch is for sweeps"),
        (("runs", NAME, "--by-hand"), "--by-hand goes with --project"),
        (("runs", "--project", "train", "--prior"), "--prior goes with a sweep"),
        (("runs", NAME, "--project", "train"), "name either a sweep or a project"),
        (("runs", "--project", "a/b/c"), "write PROJECT or ENTITY/PROJECT"),
    ],
)
def test_flags_that_do_not_go_together_are_a_wrong_call(ctl: Ctl, words: tuple[str, ...], told: str) -> None:
    assert told in ctl(*words, code=2).err


def test_csv_has_no_column_that_is_made_for_the_eye(ctl: Ctl) -> None:
    heading, row = csv.reader(io.StringIO(ctl("list", "-o", "csv").out))
    assert "progress" not in heading
    assert (heading[0], row[0]) == ("name", NAME)


def test_list_pages_through_everything(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.sweeps["acme/x/other"] = a_sweep("acme/x/other")
    assert ctl("list", "-o", "name").out.splitlines() == [NAME, "acme/x/other"]
    assert [line["name"] for line in ctl("list", "acme", "-o", "jsonl").lines] == ["acme/x/other"]


def test_control_characters_of_a_name_never_reach_the_terminal(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.sweeps[NAME].spec.name = "\x1b]0;owned\x07"
    for command in (("list",), ("get", NAME)):
        shown = ctl(*command).out
        assert "\x1b" not in shown
        assert "owned" in shown


@pytest.mark.parametrize("words", [("k3x9v2ab",), ("train/k3x9v2ab",), (NAME,), ("sweep", "k3x9v2ab")])
def test_get_finds_a_sweep_by_each_of_its_names(ctl: Ctl, words: tuple[str, ...]) -> None:
    document = ctl("get", *words, "-o", "json").json
    assert isinstance(document, dict)
    assert document["name"] == NAME


@pytest.mark.parametrize(
    "words", [("k3x9v2ab-2",), ("k3x9v2ab:2",), (f"{NAME}:2",), (f"{NAME}-2",), ("run", "k3x9v2ab:2")]
)
def test_get_finds_a_run_by_each_of_its_names(ctl: Ctl, words: tuple[str, ...]) -> None:
    document = ctl("get", *words, "-o", "json").json
    assert isinstance(document, dict)
    assert document["run"] == f"{NAME}-2"
    assert document["params"] == {"lr": 0.2, "name": "a b"}


def test_get_shows_a_run_to_people(ctl: Ctl) -> None:
    shown = ctl("get", "k3x9v2ab:1").out
    assert "value:" in shown
    assert "lr=0.1" in shown
    assert "agent-1" in shown


def test_what_does_not_exist_is_not_found(ctl: Ctl) -> None:
    for words in (
        ("get", "nope"),
        ("get", "local/train/nope"),
        ("runs", "nope"),
        ("logs", "nope-1"),
        ("best", "e/p/nope"),
    ):
        done = ctl(*words, code=3)
        assert done.err.startswith("error: ")
        assert "Traceback" not in done.err


@pytest.mark.parametrize("verb", ["history", "logs"])
def test_a_sweep_in_place_of_a_run_is_said_to_be_one(ctl: Ctl, verb: str) -> None:
    for name in (NAME, "k3x9v2ab"):
        told = ctl(verb, name, code=2).err
        assert f"{name} is a sweep" in told
        assert f"{NAME}-1; `sweepctl runs {NAME}`" in told


def test_a_run_number_that_does_not_exist_points_at_the_runs(ctl: Ctl) -> None:
    for words in (("history", f"{NAME}:99"), ("logs", "k3x9v2ab-99"), ("get", f"{NAME}-99")):
        told = ctl(*words, code=3).err
        assert f"{NAME} has no run 99" in told
        assert f"`sweepctl runs {NAME}`" in told


def test_runs_are_filtered_ordered_and_cut(ctl: Ctl) -> None:
    assert ctl("runs", NAME, "-o", "name").out.splitlines() == [f"{NAME}-{number}" for number in (1, 2, 3)]
    assert ctl("runs", NAME, "--sort", "value", "--limit", "1", "-o", "name").out == f"{NAME}-2\n"
    assert ctl("runs", NAME, "--state", "running", "-o", "name").out == f"{NAME}-3\n"
    assert ctl("runs", NAME, "--filter", "params.lr>=0.2", "--limit", "1", "-o", "name").out == f"{NAME}-2\n"


def test_runs_have_a_column_for_each_parameter(ctl: Ctl) -> None:
    heading, first, *_ = ctl("runs", NAME).out.splitlines()
    assert heading.split() == ["NUMBER", "STATE", "VALUE", "ITERATIONS", "ATTEMPT", "LR", "NAME"]
    assert first.split() == ["1", "finished", "0.5", "0", "1", "0.1", "a", "b"]


def test_runs_are_known_by_the_names_that_scripts_gave(ctl: Ctl, server: ScriptedServer) -> None:
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


def test_runs_of_a_project_are_listed_with_each_value_once(ctl: Ctl) -> None:
    heading = ctl("runs", "--project", "train", "-o", "csv").out.splitlines()[0].split(",")
    assert len(heading) == len(set(heading))
    assert "run" in heading
    assert ctl("runs", "--project", "train").out.splitlines()[1].split()[0] == "k3x9v2ab-1"


def test_columns_choose_what_is_shown_in_every_format(ctl: Ctl) -> None:
    columns = ("--columns", "number,params.lr")
    assert ctl("runs", NAME, *columns).out.splitlines()[1].split() == ["1", "0.1"]
    assert ctl("runs", NAME, *columns, "-o", "csv").out.splitlines()[:2] == ["number,params.lr", "1,0.1"]
    assert ctl("runs", NAME, *columns, "-o", "jsonl").lines[0] == {"number": 1, "params.lr": 0.1}


@pytest.mark.parametrize(
    ("flags", "near"),
    [
        (("--sort", "-valeu"), "value"),
        (("--columns", "number,lr"), "params.lr"),
        (("--filter", "sate=failed"), "state"),
        (("--columns", "params.lrr"), "params.lr"),
    ],
)
def test_a_column_that_nothing_has_is_a_wrong_call(ctl: Ctl, flags: tuple[str, str], near: str) -> None:
    done = ctl("runs", NAME, *flags, code=2)
    assert done.out == ""
    assert f"did you mean `{near}`?" in done.err


def test_a_column_that_is_only_empty_is_legal(ctl: Ctl) -> None:
    assert ctl("list", "--columns", "best.run,reason", "-o", "csv").out == "best.run,reason\n,\n"
    assert ctl("list", "--sort", "best.value", "-o", "name").out == f"{NAME}\n"


def test_reasons_are_shown_where_a_run_failed(ctl: Ctl, server: ScriptedServer) -> None:
    assert "REASON" not in ctl("runs", NAME).out
    failed = a_run(4, state=v1.RUN_STATE_FAILED)
    failed.reason = "exited with code 3"
    server.sweeps.runs[failed.name] = failed
    heading, *rows = ctl("runs", NAME).out.splitlines()
    assert heading.split()[-1] == "REASON"
    assert rows[-1].endswith("exited with code 3")
    assert "REASON" not in ctl("runs", NAME, "--filter", "state!=failed").out


def test_best_is_one_run_or_several(ctl: Ctl) -> None:
    best = ctl("best", NAME, "-o", "json").json
    assert isinstance(best, dict)
    assert best["run"] == f"{NAME}-2"
    assert ctl("best", NAME, "-n", "5", "-o", "name").out.splitlines() == [f"{NAME}-2", f"{NAME}-1"]


def test_best_gives_the_arguments_as_the_agent_passed_them(ctl: Ctl) -> None:
    assert ctl("best", NAME, "-o", "args").out == "--lr=0.2 '--name=a b'\n"


def test_best_without_a_value_tells_what_was_logged_instead(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.runs.clear()
    missing = v1.ObjectiveMissing(consecutive_runs=1, logged_keys=["acc"])
    server.sweeps.sweeps[NAME].objective_missing.CopyFrom(missing)
    done = ctl("best", NAME, code=3)
    assert "your script logged `acc`; the sweep optimises `val_loss`" in done.err
    assert "your script logged `acc`" in ctl("get", NAME).out


def test_a_sweep_that_has_ended_asks_for_no_agents(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.runs.clear()
    assert "sweep-agent --sweep" in ctl("runs", NAME).err
    server.sweeps.sweeps[NAME].state = v1.SWEEP_STATE_CANCELLED
    for verb in ("runs", "agents"):
        told = ctl(verb, NAME).err
        assert "the sweep has ended: cancelled" in told
        assert "sweep-agent" not in told


def test_agents_are_listed_or_the_line_that_starts_one(ctl: Ctl, server: ScriptedServer) -> None:
    assert f"sweep-agent --sweep {NAME}" in ctl("agents", "k3x9v2ab").err
    server.agents.agents.append(
        v1.Agent(id="a1", host="box", connected=True, slots=2, runs=[f"{NAME}-3"], last_seen_time=a_time(0))
    )
    assert ctl("agents", "-o", "jsonl").lines[0]["state"] == "connected"
    assert ctl("agents").out.splitlines()[1].split()[:5] == ["a1", "connected", "box", "2", "k3x9v2ab-3"]


def test_yaml_and_the_output_variable(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"name: {NAME}\n" in ctl("get", NAME, "-o", "yaml").out
    monkeypatch.setenv("SWEEPD_OUTPUT", "json")
    assert json.loads(ctl("get", NAME).out)["name"] == NAME
    assert ctl("get", NAME, "-o", "name").out == f"{NAME}\n"
    monkeypatch.setenv("SWEEPD_OUTPUT", "args")  # a format of another verb
    assert "state:" in ctl("get", NAME).out
    assert ctl("best", NAME).out == "--lr=0.2 '--name=a b'\n"


def test_the_file_of_a_sweep_can_be_created_again(ctl: Ctl, server: ScriptedServer) -> None:
    parsed = parse_mapping({"method": "random", "program": "t.py", "parameters": {"x": {"min": 0, "max": 9}}})
    assert parsed.spec is not None
    server.sweeps.sweeps[NAME].spec.CopyFrom(spec_message(parsed.spec))
    again = parse_text(ctl("get", NAME, "--spec").out.encode(), file="sweep.yaml")
    assert again.diagnostics == ()
    assert again.spec is not None
    assert again.spec.parameters == parsed.spec.parameters
    document = ctl("get", NAME, "--spec", "-o", "json").json
    assert isinstance(document, dict)
    assert (document["entity"], document["project"]) == ("local", "train")
    assert document["parameters"] == {"x": {"distribution": "int_uniform", "min": 0, "max": 9}}
    for wrong in (["get", f"{NAME}-1", "--spec"], ["get", NAME, "--spec", "--watch"]):
        assert "--spec shows the file of one sweep" in ctl(*wrong, code=2).err


def test_get_tells_of_parameters_and_rules(ctl: Ctl, server: ScriptedServer) -> None:
    ruled = {
        "method": "grid",
        "zip": [["a", "b"]],
        "shuffle": True,
        "initial": [{"a": 2}],
        "parameters": {
            "a": {"values": [1, 2]},
            "b": {"values": ["x", "y"]},
            "c": {"value": 1},
            "g": {"when": "a > 1", "parameters": {"d": {"values": [3, 4]}, "e": {"values": [5, 6]}}},
        },
        "constraints": ["a < 2 or g.d > 3"],
    }
    parsed = parse_mapping(ruled)
    assert parsed.spec is not None, parsed.diagnostics
    server.sweeps.sweeps[NAME].spec.CopyFrom(spec_message(parsed.spec))
    shown = ctl("get", NAME).out
    assert "parameters:  a, b, g.d (when a > 1), g.e (when a > 1)\n" in shown
    assert "initial:     1 point first\nconstraints: a < 2 or g.d > 3\nzip:         a, b\n" in shown
    document = ctl("get", NAME, "-o", "json").json
    assert isinstance(document, dict)
    assert document["parameters"] == ruled["parameters"]
    assert document["initial"] == [{"a": 2}]
