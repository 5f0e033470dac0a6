"""Parameters that are not active are not passed, in whatever form the command asks for them."""

from __future__ import annotations

import pytest

from sweepd.spec.command import active_command
from sweepd.spec.parse import parse_mapping
from sweepd.spec.preview import preview
from sweepd.spec.sweep_spec import SweepSpec

PARAMETERS = {
    "opt": {"values": ["sgd", "adam"]},
    "momentum": {"value": 0.9, "when": "opt == 'sgd'"},
    "adam": {"when": "opt == 'adam'", "parameters": {"beta": {"value": 0.99}}},
    "data": {"value": {"k": 1}},
}


def a_spec(*command: str, **document: object) -> SweepSpec:
    parsed = parse_mapping({"method": "grid", "parameters": PARAMETERS, "command": command, **document})
    assert parsed.spec is not None, parsed.diagnostics
    return parsed.spec


@pytest.mark.parametrize(
    ("item", "with_sgd", "with_adam"),
    [
        ("--momentum=${momentum}", ["--momentum=0.9"], []),
        ("--beta=${adam.beta}", [], ["--beta=0.99"]),
        ("${momentum}", ["0.9"], []),
        ("${adam.beta}", [], ["0.99"]),
        ("${opt}-${momentum}", ["sgd-0.9"], []),
        ("--k=${data.k}", ["--k=1"], ["--k=1"]),
        # Names that are not parameters stay, as in any command.
        ("--x=${nothing}", ["--x=${nothing}"], ["--x=${nothing}"]),
        ("--x=${args}", ["--x=${args}"], ["--x=${args}"]),
        ("--r=${repeat}", ["--r=0"], ["--r=0"]),
        ("--s=${agent.slot}", ["--s=${agent.slot}"], ["--s=${agent.slot}"]),
        ("${args}", ["--data={'k': 1}", "--momentum=0.9", "--opt=sgd"],
         ["--adam={'beta': 0.99}", "--data={'k': 1}", "--opt=adam"]),
        ("${args_flat}", ["--data.k=1", "--momentum=0.9", "--opt=sgd"],
         ["--adam.beta=0.99", "--data.k=1", "--opt=adam"]),
    ],
)  # fmt: skip
def test_an_inactive_parameter_is_not_passed(item: str, with_sgd: list[str], with_adam: list[str]) -> None:
    runs = preview(a_spec("x", item), 5).runs
    assert [list(run.argv) for run in runs] == [["x", *with_sgd], ["x", *with_adam]]


def test_a_listed_point_may_omit_a_parameter_of_another() -> None:
    parsed = parse_mapping(
        {
            "method": "list",
            "runs": [{"a": 1}, {"a": 2, "b": 3}],
            "command": ["x", "-a${a}", "-b${b}", "-c${c}"],
        }
    )
    assert parsed.spec is not None
    assert [run.argv for run in preview(parsed.spec, 5).runs] == [
        ("x", "-a1", "-c${c}"),
        ("x", "-a2", "-b3", "-c${c}"),
    ]


def test_a_command_without_arguments_does_not_become_the_default() -> None:
    spec = a_spec("-${momentum}")
    assert active_command(spec, {"opt": "adam", "data": {"k": 1}}) == ("-${momentum}",)


@pytest.mark.parametrize(
    ("macro", "warned"),
    [
        ("${adam.beta}", False),
        ("${adam.gamma}", True),
        ("${data.anything}", False),
        ("${adam}", False),
        ("${momentum.x}", False),
    ],
)
def test_a_macro_for_a_missing_member_of_a_group_causes_a_warning(macro: str, warned: bool) -> None:
    parsed = parse_mapping({"method": "grid", "parameters": PARAMETERS, "command": ["x", f"-{macro}"]})
    codes = [found.code for found in parsed.diagnostics]
    assert codes == (["unknown-macro"] if warned else [])


def test_a_parameter_hidden_by_a_macro_causes_a_warning() -> None:
    parsed = parse_mapping(
        {
            "method": "grid",
            "program": "t.py",
            "parameters": {"program": {"value": 1}, "args": {"value": 2}, "env": {"value": 3}},
            "command": ["x", "${program}", "${args_flat}"],
        }
    )
    assert [(found.path, found.message) for found in parsed.diagnostics] == [
        ("command[1]", '"${program}" is a macro, not the parameter of that name; rename the parameter'),
    ]
    assert parsed.spec is not None
    (run,) = preview(parsed.spec, 1).runs
    assert run.argv == ("x", "t.py", "--args=2", "--env=3", "--program=1")
