"""Arguments too large for the system: reported at creation, in a preview, and at the start of a run."""

from __future__ import annotations

import pytest

from sweepd.spec.command import expand_command
from sweepd.spec.limits import DEFAULT_ROOM_BYTES, MAX_ARGUMENT_BYTES
from sweepd.spec.macros import CommandError, MacroValues, check_room
from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json
from sweepd.spec.preview import preview

LONG = "x" * 500_000
JUST = "x" * (MAX_ARGUMENT_BYTES - len("--blob="))
REMEDY = "; use ${args_json_file}, or read the parameters with `sweepd.config`"


def refusal(*items: str, params: dict[str, Json], environ: dict[str, str] | None = None) -> str:
    values = MacroValues(program="t.py", params=params, args_json_file="/a.json")
    with pytest.raises(CommandError) as raised:
        expand_command(items, values, environ or {})
    return str(raised.value)


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ("${args}", "500,007"),
        ("${args_no_equals}", "500,000"),
        ("${args_no_hyphens}", "500,005"),
        ("${args_flat}", "500,007"),
        ("${args_json}", "500,020"),
        ("${blob}", "500,000"),
        ("-${blob}", "500,001"),
    ],
)
def test_a_value_that_is_too_long_for_an_argument_is_named_with_the_remedy(item: str, size: str) -> None:
    message = refusal("x", item, params={"a": 1, "blob": LONG})
    assert message == (
        f'"{item}" expands to an argument of {size} bytes, most of it from the parameter "blob", more than '
        f"the 131,071 that the system allows{REMEDY}"
    )


def test_the_value_within_a_group_is_named() -> None:
    assert 'most of it from the parameter "opt.blob"' in refusal(
        "x", "${args}", params={"opt": {"a": 1, "blob": LONG}}
    )
    assert 'most of it from the parameter "opt"' in refusal(
        "x", "${args}", params={"opt": {"blob": "'\n" * 90_000}}
    )


def test_a_long_literal_argument_is_named_by_its_item() -> None:
    message = refusal("x", "${envvar:LONG}", params={"a": 1}, environ={"LONG": LONG})
    assert message.startswith('"${envvar:LONG}" expands to an argument of 500,000 bytes, more than')
    message = refusal("x", "\x1b[2J" + LONG, params={"a": 1})
    assert message.isprintable()
    assert len(message) < 300


def test_the_longest_argument_that_linux_passes_is_passed() -> None:
    params: dict[str, Json] = {"blob": JUST}
    assert expand_command(["x", "${args}"], MacroValues(program=None, params=params), {}) == [
        "x",
        f"--blob={JUST}",
    ]
    assert "131,072 bytes" in refusal("x", "${args}", params={"blob": f"{JUST}x"})
    # Bytes count, not characters.
    assert "131,075 bytes" in refusal("x", "${args}", params={"blob": "ü" * 65_534})


def test_a_parameters_file_may_have_any_length() -> None:
    values = MacroValues(program=None, params={"b": LONG}, args_json_file="/a.json")
    made = expand_command(["x", "${args_json_file}"], values, {})
    assert made == ["x", "/a.json"]


def test_all_arguments_together_have_a_limit() -> None:
    arguments = ["x" * 9] * 10
    check_room(arguments, {"A": "b"}, 11 * 18 + 4 + 8)
    with pytest.raises(
        CommandError, match="the arguments and the environment take 210 bytes, more than the 209"
    ):
        check_room(arguments, {"A": "b"}, 11 * 18 + 4 + 8 - 1)
    with pytest.raises(CommandError, match=r"the arguments take 2,100,\d+ bytes, more than the 2,097,152"):
        check_room(["x" * 100_000] * 20, None, DEFAULT_ROOM_BYTES)


def warnings(**document: object) -> list[tuple[str, str]]:
    parsed = parse_mapping({"method": "grid", "program": "t.py", **document})
    assert parsed.spec is not None, parsed.diagnostics
    return [(found.path, found.message) for found in parsed.diagnostics if found.code == "long-argument"]


@pytest.mark.parametrize(
    "command", [[], ["x", "${args_json}"], ["x", "${args_flat}"], ["x", "${blob}"], ["x", "-${blob}"]]
)
def test_a_value_too_long_for_an_argument_causes_a_warning_at_its_place(command: list[str]) -> None:
    parameters = {"a": {"value": 1}, "blob": {"values": ["short", LONG]}}
    assert warnings(parameters=parameters, command=command) == [
        (
            "parameters.blob.values[1]",
            f"an argument of 500,000 bytes, more than the 131,071 that Linux allows{REMEDY}",
        )
    ]


@pytest.mark.parametrize("command", [["x", "${args_json_file}"], ["x", "${program}"], ["x", "${a}", "-${a}"]])
def test_a_long_value_that_is_not_an_argument_causes_no_warning(command: list[str]) -> None:
    assert not warnings(parameters={"a": {"value": 1}, "blob": {"value": LONG}}, command=command)


def test_groups_and_listed_points_are_measured_too() -> None:
    part = {"value": "y" * 100_000}
    group = {"opt": {"parameters": {"a": part, "deep": {"parameters": {"b": part}}}}}
    assert [path for path, _ in warnings(parameters=group)] == ["parameters.opt"]
    assert not warnings(parameters=group, command=["x", "${args_flat}"])
    listed = warnings(method="list", runs=[{"a": 1}, {"a": LONG}])
    assert [path for path, _ in listed] == ["runs[1].a"]


def test_a_preview_shows_which_run_cannot_start() -> None:
    parsed = parse_mapping(
        {"method": "grid", "program": "t.py", "parameters": {"blob": {"values": ["short", LONG]}}}
    )
    assert parsed.spec is not None
    good, bad = preview(parsed.spec, 2).runs
    assert (good.argv[-1], good.problem) == ("--blob=short", "")
    assert bad.argv == ()
    assert 'the parameter "blob"' in bad.problem
    many = {f"p{number}": {"value": "x" * 20_000} for number in range(20)}
    parsed = parse_mapping(
        {"method": "grid", "program": "t.py", "parameters": many, "command": ["x", *["${args}"] * 6]}
    )
    assert parsed.spec is not None
    (run,) = preview(parsed.spec, 1).runs
    assert run.argv == ()
    assert run.problem.startswith("the arguments take 2,40")


def test_characters_that_no_argument_can_contain_are_refused() -> None:
    for document in (
        {"parameters": {"a": {"value": "x\0y"}}},
        {"parameters": {"a": {"values": [["x\0y"]]}}},
        {"parameters": {"a": {"value": 1}}, "command": ["x\0y"]},
        {"parameters": {"a": {"value": 1}}, "program": "x\0y"},
        {"method": "list", "runs": [{"a": {"b": "\0"}}]},
    ):
        parsed = parse_mapping({"method": "grid", **document})
        assert [found.code for found in parsed.diagnostics if found.severity == "error"] == ["nul-character"]
    assert "NUL" in refusal("x", "${args}", params={"a": "x\0y"})
