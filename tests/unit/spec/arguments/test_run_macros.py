"""Tests of the macros of a run and its agent, and of the warnings about misused macros."""

import pytest

from sweepd.spec.check_command import shadowed_macros, unknown_macros
from sweepd.spec.macros import AgentFacts, CommandError
from sweepd.spec.parse import parse_text
from sweepd.spec.point import Json
from unit.spec.arguments.expanding import expand

AGENT = AgentFacts(slot=3, gpus="6,7", labels={"site": "a b", "zone.name": "z", "empty": ""})


@pytest.mark.parametrize(
    ("item", "argument"),
    [
        ("${agent.slot}", "3"),
        ("--gpu=${agent.slot}", "--gpu=3"),
        ("${agent.gpus}", "6,7"),
        ("--devices=${agent.gpus};", "--devices=6,7;"),
        ("${agent.labels.site}", "a b"),
        ("/data/${agent.labels.zone.name}/${agent.slot}", "/data/z/3"),
        ("${agent.labels.empty}", ""),
        ("${repeat}", "2"),
        ("--seed=${repeat}${repeat}", "--seed=22"),
        ("${envvar:WHERE}", "3"),
    ],
)
def test_a_run_gets_its_location_and_repeat_as_arguments(item: str, argument: str) -> None:
    environ = {"WHERE": "${agent.slot}"}
    assert expand("x", item, agent=AGENT, repeat=2, environ=environ) == ["x", argument]


def test_the_only_run_of_a_point_is_repeat_0() -> None:
    assert expand("x", "${repeat}", "-${repeat}") == ["x", "0", "-0"]


def test_without_an_agent_its_macros_stay_unexpanded() -> None:
    items = ["x", "${agent.slot}", "--g=${agent.gpus}", "${agent.labels.site}"]
    assert expand(*items) == items


@pytest.mark.parametrize("item", ["{}", "--x={}"])
def test_a_macro_that_the_agent_lacks_is_a_one_line_start_error(item: str) -> None:
    bare = AgentFacts(slot=0)
    with pytest.raises(CommandError, match=r"label site, which this agent lacks: --label site=VALUE sets it"):
        expand("x", item.format("${agent.labels.site}"), agent=bare)
    with pytest.raises(CommandError, match=r"agent\.gpus.*--gpus-per-run"):
        expand("x", item.format("${agent.gpus}"), agent=bare)
    with pytest.raises(CommandError) as raised:
        expand("x", item.format("${agent.labels.a\nb}"), agent=bare)
    assert "\n" not in str(raised.value)
    no_devices = AgentFacts(slot=0, gpus="")
    assert expand("x", item.format("${agent.gpus}"), agent=no_devices) == ["x", item.format("")]


def test_a_parameter_takes_precedence_over_a_macro_with_a_warning() -> None:
    params: dict[str, Json] = {"repeat": 7, "agent": {"slot": "mine"}}
    items = ["x", "${repeat}", "${agent.slot}", "-${repeat}", "${agent.labels.site}"]
    assert expand(*items, params=params, agent=AGENT, repeat=2) == ["x", "7", "mine", "-7", "a b"]
    assert list(shadowed_macros(items, params)) == [
        (1, "${repeat}"),
        (2, "${agent.slot}"),
        (3, "${repeat}"),
        (4, "${agent.labels.site}"),
    ]
    assert not list(shadowed_macros(items, {"lr": 1}))
    assert not list(shadowed_macros(["${args}", "x"], params))


@pytest.mark.parametrize(
    ("macro", "near"),
    [
        ("${agent.slots}", "${agent.slot}"),
        ("${agent.gpu}", "${agent.gpus}"),
        ("${agent.label.site}", "${agent.labels.site}"),
        ("${agents.labels.site}", "${agent.labels.site}"),
        ("${repeats}", "${repeat}"),
        ("${arg}", "${args}"),
        ("${learning_rat}", "${learning_rate}"),
        ("${agent.labels.}", None),
        ("${HOME}", None),
    ],
)
def test_an_unknown_macro_is_reported_with_the_nearest_known_one(macro: str, near: str | None) -> None:
    found = list(unknown_macros(["x", f"-{macro}"], {"learning_rate": None}))
    if near is None:
        assert [(index, text) for index, text, _ in found] == [(1, macro)]
    else:
        assert found == [(1, macro, near)]


def test_known_macros_cause_no_warning() -> None:
    known = ["${env}", "--${args}", "${agent.slot}${agent.gpus}", "${agent.labels.a.b}", "${repeat}", "${lr}"]
    assert not list(unknown_macros([*known, "${opt.k}", "${envvar:HOME}"], {"lr": 1, "opt": {}}))


def test_a_parameter_named_like_a_macro_causes_a_warning() -> None:
    file = (
        b"method: grid\nparameters: {repeat: {values: [1, 2]}}\n"
        b"command: [python, train.py, '--repeat=${repeat}', '${agent.slot}', '${agent.slots}']\n"
    )
    result = parse_text(file, file="s.yaml")
    assert result.spec is not None
    assert [(found.line, found.path, found.code) for found in result.diagnostics] == [
        (3, "command[2]", "shadowed-macro"),
        (3, "command[4]", "unknown-macro"),
    ]
    assert str(result.diagnostics[0]) == (
        's.yaml:3:29: command[2]: "${repeat}": the parameter `repeat` shadows the macro of the run; '
        "rename the parameter"
    )
