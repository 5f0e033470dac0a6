"""Reading one sweep, one run, the best runs and the agents from the command line."""

from __future__ import annotations

import json

import pytest

from component.cli.conftest import Ctl
from component.cli.scripted_servicers import ScriptedServer
from sweepd import v1
from sweepd.codec.spec import spec_message
from sweepd.spec.parse import parse_mapping, parse_text
from unit.cli.messages import NAME, a_run, a_time

pytestmark = pytest.mark.usefixtures("three_runs")


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


def test_get_shows_a_run_as_a_table(ctl: Ctl) -> None:
    shown = ctl("get", "k3x9v2ab:1").out
    assert "value:" in shown
    assert "lr=0.1" in shown
    assert "agent-1" in shown


def test_an_unknown_name_is_not_found(ctl: Ctl) -> None:
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


@pytest.mark.parametrize("command", ["history", "logs"])
def test_a_sweep_in_place_of_a_run_is_recognised_as_a_sweep(ctl: Ctl, command: str) -> None:
    for name in (NAME, "k3x9v2ab"):
        output = ctl(command, name, code=2).err
        assert f"{name} is a sweep" in output
        assert f"{NAME}-1; `sweepctl runs {NAME}`" in output


def test_the_error_about_an_unknown_run_number_names_the_command_that_lists_runs(ctl: Ctl) -> None:
    for words in (("history", f"{NAME}:99"), ("logs", "k3x9v2ab-99"), ("get", f"{NAME}-99")):
        output = ctl(*words, code=3).err
        assert f"{NAME} has no run 99" in output
        assert f"`sweepctl runs {NAME}`" in output


def test_reasons_are_shown_when_a_run_has_failed(ctl: Ctl, server: ScriptedServer) -> None:
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


def test_best_without_a_value_lists_the_keys_that_were_logged(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.runs.clear()
    missing = v1.ObjectiveMissing(consecutive_runs=1, logged_keys=["acc"])
    server.sweeps.sweeps[NAME].objective_missing.CopyFrom(missing)
    done = ctl("best", NAME, code=3)
    assert "your script logged `acc`; the sweep optimises `val_loss`" in done.err
    assert "your script logged `acc`" in ctl("get", NAME).out


def test_a_sweep_that_has_ended_does_not_suggest_starting_an_agent(ctl: Ctl, server: ScriptedServer) -> None:
    server.sweeps.runs.clear()
    assert "sweep-agent --sweep" in ctl("runs", NAME).err
    server.sweeps.sweeps[NAME].state = v1.SWEEP_STATE_CANCELLED
    for command in ("runs", "agents"):
        output = ctl(command, NAME).err
        assert "the sweep has ended: cancelled" in output
        assert "sweep-agent" not in output


def test_agents_are_listed_and_an_empty_list_shows_how_to_start_one(ctl: Ctl, server: ScriptedServer) -> None:
    assert f"sweep-agent --sweep {NAME}" in ctl("agents", "k3x9v2ab").err
    server.agents.agents.append(
        v1.Agent(id="a1", host="box", connected=True, slots=2, runs=[f"{NAME}-3"], last_seen_time=a_time(0))
    )
    assert ctl("agents", "-o", "jsonl").lines[0]["state"] == "connected"
    assert ctl("agents").out.splitlines()[1].split()[:5] == ["a1", "connected", "box", "2", "k3x9v2ab-3"]


def test_the_output_variable_chooses_yaml(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"name: {NAME}\n" in ctl("get", NAME, "-o", "yaml").out
    monkeypatch.setenv("SWEEPD_OUTPUT", "json")
    assert json.loads(ctl("get", NAME).out)["name"] == NAME
    assert ctl("get", NAME, "-o", "name").out == f"{NAME}\n"
    monkeypatch.setenv("SWEEPD_OUTPUT", "args")  # a format of another command
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
        assert "--spec requires one sweep" in ctl(*wrong, code=2).err


def test_get_shows_parameters_and_rules(ctl: Ctl, server: ScriptedServer) -> None:
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
