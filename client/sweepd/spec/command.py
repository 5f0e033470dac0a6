"""The argument vector of a run: how the macros of `command` expand. No shell is involved anywhere."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sweepd.spec.limits import MAX_ARGUMENT_BYTES
from sweepd.spec.macros import (
    MACROS,
    AgentFacts,
    CommandError,
    Source,
    args_json,
    is_agent_macro,
    is_run_macro,
    nearest_macro,
    python_text,
)
from sweepd.spec.point import Json

__all__ = [
    "DEFAULT_COMMAND",
    "AgentFacts",
    "CommandError",
    "args_json",
    "default_command",
    "expand_command",
    "python_text",
    "shadowed_macros",
    "unknown_macros",
    "uses_args_json_file",
    "uses_program",
]

_ENVIRONMENT: Final = re.compile(r"\$\{envvar:([A-Z0-9_]+)\}")
_MACRO: Final = re.compile(r"\$\{([^${}]*)\}")
DEFAULT_COMMAND: Final = ("${env}", "${interpreter}", "${program}", "${args}")


def default_command() -> tuple[str, ...]:
    """Return the command of a sweep that has none."""
    return DEFAULT_COMMAND


def expand_command(
    command: Sequence[str],
    *,
    program: str | None,
    params: Mapping[str, Json],
    environ: Mapping[str, str] | None,
    run: Mapping[str, str] | None = None,
    interpreter: str = "python",
    args_json_file: str | None = None,
    agent: AgentFacts | None = None,
    repeat: int = 0,
) -> list[str]:
    """Return the argument vector of one run.

    Args:
        command: the items of the sweep's command; empty means the default one.
        program: what `${program}` stands for.
        params: the point of the run.
        environ: the environment of the agent, for `${envvar:NAME}`; None, if none is known yet: these stay.
        run: variables that the agent adds for this run; they win over `environ`.
        interpreter: what `${interpreter}` stands for.
        args_json_file: path of the file that `${args_json_file}` stands for, which the caller writes.
        agent: what `${agent.…}` stands for; None, where no agent is known yet: these stay as they are.
        repeat: what `${repeat}` stands for: which run of its point it is; 0 where each has one.

    Raises:
        CommandError: a variable or label is not set, what a macro needs is missing, or an argument cannot be
            passed.
    """
    source = Source(
        program=program,
        params=params,
        interpreter=interpreter,
        args_json_file=args_json_file,
        agent=agent,
        repeat=repeat,
    )
    arguments: list[str] = []
    for item in command or DEFAULT_COMMAND:
        known = item if environ is None else _with_environment(item, {**environ, **(run or {})})
        arguments.extend(_expanded(known, source))
    if not arguments:
        raise CommandError("the command is empty after its macros are expanded")
    for argument in arguments:
        _check_argument(argument)
    return arguments


def uses_args_json_file(command: Sequence[str]) -> bool:
    """Tell whether the agent has to write the file of `${args_json_file}`."""
    return "${args_json_file}" in command


def uses_program(command: Sequence[str]) -> bool:
    """Tell whether a command needs `program`."""
    return "${program}" in (command or DEFAULT_COMMAND)


def unknown_macros(
    command: Sequence[str], parameters: Mapping[str, object]
) -> Iterator[tuple[int, str, str | None]]:
    """Yield the item number, text and nearest legal form of each macro that nothing stands for.

    A dotted name counts as known if its first parts are a parameter: what is inside is seen at expansion.
    """
    for index, text, name in _macros(command):
        known = name in MACROS or is_run_macro(name) or name in parameters
        if not known and name.partition(".")[0] not in parameters:
            near = nearest_macro(name, parameters)
            yield index, text, f"${{{near}}}" if near else None


def shadowed_macros(command: Sequence[str], parameters: Mapping[str, object]) -> Iterator[tuple[int, str]]:
    """Yield the item number and text of each macro of ours whose name a parameter takes.

    It stands for the parameter. The environment has what it would have stood for: SWEEPD_REPEAT, SWEEPD_SLOT.
    """
    for index, text, name in _macros(command):
        if is_run_macro(name) and (name in parameters or name.partition(".")[0] in parameters):
            yield index, text


def _macros(command: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield the item number, text and name of each macro; variables of the environment are none."""
    for index, item in enumerate(command):
        for match in _MACRO.finditer(_ENVIRONMENT.sub("", item)):
            yield index, match[0], match[1]


def _with_environment(item: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in variables:
            raise CommandError(f"the command needs the environment variable {name}, which is not set")
        return variables[name]

    return _ENVIRONMENT.sub(value, item)


def _expanded(item: str, source: Source) -> list[str]:
    whole = _MACRO.fullmatch(item)
    if whole is None:
        return [_MACRO.sub(lambda match: _embedded(match, source), item)]
    name = whole[1]
    if name in MACROS:
        return MACROS[name](source)
    value = source.value(name)
    if value is None:
        return [item] if is_agent_macro(name) or _ENVIRONMENT.fullmatch(item) else []
    return [value]


def _embedded(match: re.Match[str], source: Source) -> str:
    """Return one value within longer text, where other macros, and what is a shell's own, stay."""
    value = None if match[1] in MACROS else source.value(match[1])
    return match[0] if value is None else value


def _check_argument(argument: str) -> None:
    if "\0" in argument:
        raise CommandError("an argument has a NUL character, which no program can be given")
    size = len(argument.encode(errors="surrogateescape"))
    if size > MAX_ARGUMENT_BYTES:
        limit = f"more than the {MAX_ARGUMENT_BYTES:,} that the system passes"
        raise CommandError(f"an argument has {size:,} bytes, {limit}; use ${{args_json_file}}")
