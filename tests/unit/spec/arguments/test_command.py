"""Tests of the argument vector."""

import json

import pytest

from sweepd.spec.command import (
    DEFAULT_COMMAND,
    expand_arguments,
    expand_command,
    uses_args_json_file,
    uses_program,
)
from sweepd.spec.macros import AgentFacts, CommandError, MacroValues, args_json
from sweepd.spec.parse import parse_text
from sweepd.spec.point import Json
from unit.spec.arguments.expanding import PARAMS, expand

JSON_TEXT = '{"flag": true, "lr": 0.1, "n": null, "off": false, "opt": {"k": 1}, "s": "a b"}'


@pytest.mark.parametrize(
    ("name", "is_known"),
    [
        ("lr", True),
        ("n", True),
        ("opt", True),
        ("opt.k", True),
        ("k", False),
        ("opt.z", False),
        ("repeat", False),
    ],
)
def test_parameters_groups_and_their_members_are_known_names(name: str, is_known: bool) -> None:
    assert MacroValues(params=PARAMS, program=None).has_parameter(name) is is_known


@pytest.mark.parametrize(
    ("command", "of_run"),
    [
        (["python", "${program}"], [False, False]),
        (["python", "${lr}", "-v"], [False, True, False]),
        (["python", "--lr=${lr}", "--slot=${agent.slot}"], [False, True, False]),
        (["python", "${args_no_hyphens}"], [False, *[True] * len(PARAMS)]),
        (["python", "${repeat}"], [False, True]),
        (["python", "$HOME/${home}"], [False, False]),
        # A parameter missing from the point shifts the arguments after it.
        (["${absent}", "python", "${program}"], [True, True]),
        (["python", "${absent}", "train.py"], [False, True]),
    ],
)
def test_arguments_that_depend_on_the_point_are_recognised(command: list[str], of_run: list[bool]) -> None:
    values = MacroValues(
        program="train.py", params=PARAMS, args_json_file="/a.json", agent=AgentFacts(slot=0)
    )
    assert [argument.is_of_run for argument in expand_arguments(command, values, {})] == of_run


@pytest.mark.parametrize(
    ("macro", "arguments"),
    [
        ("env", ["/usr/bin/env"]),
        ("interpreter", ["python"]),
        ("program", ["train me.py"]),
        ("args", ["--flag=True", "--lr=0.1", "--n=None", "--off=False", "--opt={'k': 1}", "--s=a b"]),
        (
            "args_no_equals",
            [
                "--flag",
                "True",
                "--lr",
                "0.1",
                "--n",
                "None",
                "--off",
                "False",
                "--opt",
                "{'k': 1}",
                "--s",
                "a b",
            ],
        ),
        ("args_no_hyphens", ["flag=True", "lr=0.1", "n=None", "off=False", "opt={'k': 1}", "s=a b"]),
        ("args_no_boolean_flags", ["--flag", "--lr=0.1", "--n=None", "--opt={'k': 1}", "--s=a b"]),
        ("args_append_hydra", ["+flag=True", "+lr=0.1", "+n=None", "+off=False", "+opt={'k': 1}", "+s=a b"]),
        (
            "args_override_hydra",
            ["++flag=True", "++lr=0.1", "++n=None", "++off=False", "++opt={'k': 1}", "++s=a b"],
        ),
        ("args_flat", ["--flag=True", "--lr=0.1", "--n=None", "--off=False", "--opt.k=1", "--s=a b"]),
        ("args_flat_no_hyphens", ["flag=True", "lr=0.1", "n=None", "off=False", "opt.k=1", "s=a b"]),
        ("args_json", [JSON_TEXT]),
        ("args_json_file", ["/run/args.json"]),
        ("lr", ["0.1"]),
        ("opt", ["{'k': 1}"]),
        ("opt.k", ["1"]),
        ("n", ["None"]),
    ],
)
def test_a_macro_is_expanded_to(macro: str, arguments: list[str]) -> None:
    assert expand("x", f"${{{macro}}}") == ["x", *arguments]


def test_the_default_command_starts_the_program_with_its_arguments() -> None:
    expected = ["/usr/bin/env", "python", "train me.py", "--a=1"]
    assert expand(params={"a": 1}) == expected
    assert expand(*DEFAULT_COMMAND, params={"a": 1}) == expected


def test_windows_has_no_env() -> None:
    assert expand(params={"a": 1}, windows=True) == ["python", "train me.py", "--a=1"]
    assert expand("${env}", "x", windows=True) == ["x"]
    assert expand("x", "-${env}", windows=True) == ["x", "-${env}"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-05, "1e-05"),
        (1e22, "1e+22"),
        (100000.0, "100000.0"),
        (2.0, "2.0"),
        (3, "3"),
        ([1, "x", 2.5], "[1, 'x', 2.5]"),
        ({"lr": 0.01, "b": None}, "{'lr': 0.01, 'b': None}"),
        ("--x", "--x"),
        ("$HOME\n;", "$HOME\n;"),
        ("${lr}", "${lr}"),
        ("007", "007"),
        ("ü", "ü"),
    ],
)
def test_a_value_is_written_as_python_writes_it(value: Json, text: str) -> None:
    assert expand("${args}", params={"s": value}) == [f"--s={text}"]


def test_macros_within_text_stay_but_parameters_are_put_in() -> None:
    assert expand("--x=${args}", "--y=${lr}/${opt.k}", "echo ${HOME} ${}") == [
        "--x=${args}",
        "--y=0.1/1",
        "echo ${HOME} ${}",
    ]


def test_an_item_that_is_an_unknown_macro_disappears_and_repeated_macros_are_repeated() -> None:
    assert expand("x", "${nothing}", "${lr}", "${lr}") == ["x", "0.1", "0.1"]


def test_environment_macros_are_expanded_first_and_their_values_then_like_any_text() -> None:
    environ = {"A": "${args}", "B": "b", "C_2": "${lr}"}
    assert expand("${envvar:A}", params={"p": 1}, environ=environ) == ["--p=1"]
    assert expand("${envvar:B}-${envvar:B}:${envvar:C_2}", environ=environ) == ["b-b:0.1"]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("${envvar:MISSING}", "MISSING"),
        ("${nothing}", "empty"),
        ("a\0b", "NUL"),
        ("x" * 131072, "args_json_file"),
    ],
)
def test_a_command_that_cannot_be_started_is_an_error(item: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        expand(item)


def test_a_macro_without_its_value_is_an_error() -> None:
    with pytest.raises(CommandError, match="program"):
        expand(program=None)
    with pytest.raises(CommandError, match="args_json_file"):
        expand_command(["${args_json_file}"], MacroValues(program=None, params={}), {})


def test_a_command_lists_what_it_needs() -> None:
    assert uses_args_json_file(["a", "${args_json_file}"])
    assert not uses_args_json_file(["${args_json}"])
    assert uses_program([])
    assert not uses_program(["make"])


def test_json_arguments_are_sorted_escaped_and_read_back() -> None:
    params: dict[str, Json] = {"b": "ü", "a": [1, 2.0]}
    assert args_json(params) == '{"a": [1, 2.0], "b": "\\u00fc"}'
    assert json.loads(args_json(params)) == params


def test_every_form_of_the_arguments_equals_the_specification() -> None:
    """Section 9, the table: all values, in the order of their names."""
    nested: Json = {"lr": 0.01, "deep": {"on": True, "list": [1, "x", 2.5]}, "empty": {}}
    params: dict[str, Json] = {
        "z": 1e-05,
        "opt": nested,
        "flag": True,
        "off": False,
        "dash-ed": "ü",
        "n": None,
    }
    group = "{'lr': 0.01, 'deep': {'on': True, 'list': [1, 'x', 2.5]}, 'empty': {}}"
    named = [
        ("dash-ed", "ü"),
        ("flag", "True"),
        ("n", "None"),
        ("off", "False"),
        ("opt", group),
        ("z", "1e-05"),
    ]
    forms = {
        "${args}": [f"--{name}={text}" for name, text in named],
        "${args_no_equals}": [part for name, text in named for part in (f"--{name}", text)],
        "${args_no_hyphens}": [f"{name}={text}" for name, text in named],
        "${args_no_boolean_flags}": [
            "--dash-ed=ü",
            "--flag",
            "--n=None",
            f"--opt={group}",
            "--z=1e-05",
        ],
        "${args_append_hydra}": [f"+{name}={text}" for name, text in named],
        "${args_override_hydra}": [f"++{name}={text}" for name, text in named],
        "${args_flat}": [
            "--dash-ed=ü",
            "--flag=True",
            "--n=None",
            "--off=False",
            "--opt.deep.list=[1, 'x', 2.5]",
            "--opt.deep.on=True",
            "--opt.empty={}",
            "--opt.lr=0.01",
            "--z=1e-05",
        ],
        "${args_json}": [
            (
                '{"dash-ed": "\\u00fc", "flag": true, "n": null, "off": false, "opt": {"lr": 0.01, '
                '"deep": {"on": true, "list": [1, "x", 2.5]}, "empty": {}}, "z": 1e-05}'
            )
        ],
    }
    for form, expected in forms.items():
        assert expand("x", form, params=params) == ["x", *expected], form
    hyphenless = [argument.removeprefix("--") for argument in forms["${args_flat}"]]
    assert expand("x", "${args_flat_no_hyphens}", params=params) == ["x", *hyphenless]


def test_no_argument_is_split_quoted_or_expanded_again() -> None:
    """Section 9: each item is one argument of the process."""
    environ = {"TWO": "a b", "GLOB": "*", "INNER": "${envvar:TWO}"}
    assert expand("a b", "*", "$HOME", "~", "${envvar:TWO}", "x${envvar:GLOB}", environ=environ) == [
        "a b",
        "*",
        "$HOME",
        "~",
        "a b",
        "x*",
    ]
    assert expand("x", "--name=${s}", params={"s": "${lr} ${envvar:TWO}", "lr": 1}, environ=environ) == [
        "x",
        "--name=${lr} ${envvar:TWO}",
    ]
    assert expand("x", "-${envvar:INNER}", environ=environ) == ["x", "-${envvar:TWO}"]


def test_a_command_without_a_macro_of_arguments_passes_none() -> None:
    assert expand("${env}", "${interpreter}", "${program}") == ["/usr/bin/env", "python", "train me.py"]
    assert expand("make", "${args}", "${args}", params={"a": 1}) == ["make", "--a=1", "--a=1"]


def test_only_names_of_upper_case_letters_digits_and_underscores_are_of_the_environment() -> None:
    environ = {"home": "x", "A_1": "y"}
    assert expand("x", "a${envvar:home}", "${envvar:A_1}", environ=environ) == ["x", "a${envvar:home}", "y"]


def test_items_are_numbers_booleans_or_text_and_a_command_of_one_text_is_refused() -> None:
    """Section 9: an item becomes its Python text; `command` as a string is refused."""
    result = parse_text(
        b"method: grid\nparameters: {a: {value: 1}}\ncommand: [x, 1, 2.50, true, 1e-5]\n", file="s"
    )
    assert result.spec is not None
    assert expand(*result.spec.command) == ["x", "1", "2.5", "True", "1e-05"]
    for file in (b"command: []\n", b""):
        result = parse_text(b"method: grid\nprogram: t.py\nparameters: {a: {value: 1}}\n" + file, file="s")
        assert result.spec is not None
        assert expand(*result.spec.command, program="t.py", params={"a": 1}) == [
            "/usr/bin/env",
            "python",
            "t.py",
            "--a=1",
        ]
    result = parse_text(b"method: grid\nparameters: {a: {value: 1}}\ncommand: python train.py\n", file="s")
    assert result.spec is None
    assert [found.path for found in result.diagnostics if found.severity == "error"] == ["command"]
