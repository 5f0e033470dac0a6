"""Tests of the argument vector."""

import json

import pytest

from sweepd.spec.command import (
    CommandError,
    args_json,
    default_command,
    expand_command,
    uses_args_json_file,
    uses_program,
)
from sweepd.spec.point import Json

PARAMS: dict[str, Json] = {"lr": 0.1, "flag": True, "off": False, "opt": {"k": 1}, "s": "a b", "n": None}
JSON_TEXT = '{"flag": true, "lr": 0.1, "n": null, "off": false, "opt": {"k": 1}, "s": "a b"}'


def expand(
    *command: str,
    params: dict[str, Json] = PARAMS,
    program: str | None = "train me.py",
    environ: dict[str, str] | None = None,
    run: dict[str, str] | None = None,
) -> list[str]:
    return expand_command(
        command,
        program=program,
        params=params,
        environ=environ or {},
        run=run,
        args_json_file="/run/args.json",
    )


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
def test_a_macro_becomes(macro: str, arguments: list[str]) -> None:
    assert expand("x", f"${{{macro}}}") == ["x", *arguments]


def test_the_default_command_starts_the_program_with_its_arguments() -> None:
    expected = ["/usr/bin/env", "python", "train me.py", "--a=1"]
    assert expand(params={"a": 1}) == expected
    assert expand(*default_command(), params={"a": 1}) == expected


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


def test_an_unknown_whole_macro_disappears_and_repeated_ones_repeat() -> None:
    assert expand("x", "${nothing}", "${lr}", "${lr}") == ["x", "0.1", "0.1"]


def test_the_environment_comes_first_and_its_values_take_part_in_the_second_pass() -> None:
    environ = {"A": "${args}", "B": "b", "C_2": "${lr}"}
    assert expand("${envvar:A}", params={"p": 1}, environ=environ) == ["--p=1"]
    assert expand("${envvar:B}-${envvar:B}:${envvar:C_2}", environ=environ) == ["b-b:0.1"]
    assert expand("${envvar:B}", environ=environ, run={"B": "run"}) == ["run"]


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


def test_what_a_macro_needs_must_be_there() -> None:
    with pytest.raises(CommandError, match="program"):
        expand(program=None)
    with pytest.raises(CommandError, match="args_json_file"):
        expand_command(["${args_json_file}"], program=None, params={}, environ={})


def test_a_command_tells_what_it_needs() -> None:
    assert uses_args_json_file(["a", "${args_json_file}"])
    assert not uses_args_json_file(["${args_json}"])
    assert uses_program([])
    assert not uses_program(["make"])


def test_json_arguments_are_sorted_escaped_and_read_back() -> None:
    params: dict[str, Json] = {"b": "ü", "a": [1, 2.0]}
    assert args_json(params) == '{"a": [1, 2.0], "b": "\\u00fc"}'
    assert json.loads(args_json(params)) == params
