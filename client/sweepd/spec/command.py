"""The argument vector of a run: how the macros of `command` expand. No shell is involved anywhere."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sweepd.spec.diagnostic import nearest
from sweepd.spec.limits import MAX_ARGUMENT_BYTES
from sweepd.spec.point import Json

_ENVIRONMENT: Final = re.compile(r"\$\{envvar:([A-Z0-9_]+)\}")
_MACRO: Final = re.compile(r"\$\{([^${}]*)\}")
DEFAULT_COMMAND: Final = ("${env}", "${interpreter}", "${program}", "${args}")


class CommandError(Exception):
    """The command of a run cannot be made; the message says why, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What macros take their values from."""

    program: str | None
    params: Mapping[str, Json]
    interpreter: str
    args_json_file: str | None

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield the name and text of each top-level parameter, sorted by name."""
        for name in sorted(self.params):
            yield name, python_text(self.params[name])

    def flat(self) -> Iterator[tuple[str, str]]:
        """Yield the dotted name and text of each value, going into mappings."""
        for name in sorted(self.params):
            yield from _flattened(name, self.params[name])

    def value(self, name: str) -> str | None:
        """Return the text of a parameter by its name, or by its dotted path through groups."""
        if name in self.params:
            return python_text(self.params[name])
        return dict(self.flat()).get(name)


def default_command() -> tuple[str, ...]:
    """Return the command of a sweep that has none."""
    return DEFAULT_COMMAND


def expand_command(
    command: Sequence[str],
    *,
    program: str | None,
    params: Mapping[str, Json],
    environ: Mapping[str, str],
    run: Mapping[str, str] | None = None,
    interpreter: str = "python",
    args_json_file: str | None = None,
) -> list[str]:
    """Return the argument vector of one run.

    Args:
        command: the items of the sweep's command; empty means the default one.
        program: what `${program}` stands for.
        params: the point of the run.
        environ: the environment of the agent, for `${envvar:NAME}`.
        run: variables that the agent adds for this run; they win over `environ`.
        interpreter: what `${interpreter}` stands for.
        args_json_file: path of the file that `${args_json_file}` stands for, which the caller writes.

    Raises:
        CommandError: a variable is not set, what a macro needs is missing, or an argument cannot be passed.
    """
    source = _Run(program=program, params=params, interpreter=interpreter, args_json_file=args_json_file)
    variables = {**environ, **(run or {})}
    arguments: list[str] = []
    for item in command or DEFAULT_COMMAND:
        arguments.extend(_expanded(_with_environment(item, variables), source))
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


def python_text(value: Json) -> str:
    """Return a value as the flag forms write it: Python's `str`."""
    return str(value)


def args_json(point: Mapping[str, Json]) -> str:
    """Return the JSON object of `${args_json}`: sorted by name, non-ASCII escaped."""
    return json.dumps({name: point[name] for name in sorted(point)})


def unknown_macros(
    command: Sequence[str], parameters: Mapping[str, object]
) -> Iterator[tuple[int, str, str | None]]:
    """Yield the item number, text and nearest legal form of each macro that nothing stands for.

    A dotted name counts as known if its first parts are a parameter: what is inside is seen at expansion.
    """
    known = (*_MACROS, *parameters)
    for index, item in enumerate(command):
        for match in _MACRO.finditer(_ENVIRONMENT.sub("", item)):
            name = match[1]
            first = name.partition(".")[0]
            if name not in known and first not in parameters:
                near = nearest(name, known)
                yield index, match[0], f"${{{near}}}" if near else None


def _with_environment(item: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in variables:
            raise CommandError(f"the command needs the environment variable {name}, which is not set")
        return variables[name]

    return _ENVIRONMENT.sub(value, item)


def _expanded(item: str, source: _Run) -> list[str]:
    whole = _MACRO.fullmatch(item)
    if whole is None:
        return [_MACRO.sub(lambda match: _embedded(match, source), item)]
    name = whole[1]
    if name in _MACROS:
        return _MACROS[name](source)
    value = source.value(name)
    return [] if value is None else [value]


def _embedded(match: re.Match[str], source: _Run) -> str:
    """Return the value of a parameter; within longer text macros, and what is a shell's own, stay."""
    value = None if match[1] in _MACROS else source.value(match[1])
    return match[0] if value is None else value


def _flattened(name: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flattened(f"{name}.{key}", inner)
    else:
        yield name, python_text(value)


def _program(source: _Run) -> list[str]:
    if source.program is None:
        raise CommandError("the command needs ${program}, but the sweep has no `program`")
    return [source.program]


def _boolean_flags(source: _Run) -> list[str]:
    flags: list[str] = []
    for name, text in source.named():
        value = source.params[name]
        if value is True:
            flags.append(f"--{name}")
        elif value is not False:
            flags.append(f"--{name}={text}")
    return flags


def _json_file(source: _Run) -> list[str]:
    if source.args_json_file is None:
        raise CommandError("the command needs ${args_json_file}, but no such file was written")
    return [source.args_json_file]


def _check_argument(argument: str) -> None:
    if "\0" in argument:
        raise CommandError("an argument has a NUL character, which no program can be given")
    size = len(argument.encode(errors="surrogateescape"))
    if size > MAX_ARGUMENT_BYTES:
        limit = f"more than the {MAX_ARGUMENT_BYTES:,} that the system passes"
        raise CommandError(f"an argument has {size:,} bytes, {limit}; use ${{args_json_file}}")


_MACROS: Final[Mapping[str, Callable[[_Run], list[str]]]] = {
    "env": lambda _: ["/usr/bin/env"],
    "interpreter": lambda source: [source.interpreter],
    "program": _program,
    "args": lambda source: [f"--{name}={text}" for name, text in source.named()],
    "args_no_equals": lambda source: [part for name, text in source.named() for part in (f"--{name}", text)],
    "args_no_hyphens": lambda source: [f"{name}={text}" for name, text in source.named()],
    "args_no_boolean_flags": _boolean_flags,
    "args_append_hydra": lambda source: [f"+{name}={text}" for name, text in source.named()],
    "args_override_hydra": lambda source: [f"++{name}={text}" for name, text in source.named()],
    "args_flat": lambda source: [f"--{name}={text}" for name, text in source.flat()],
    "args_flat_no_hyphens": lambda source: [f"{name}={text}" for name, text in source.flat()],
    "args_json": lambda source: [args_json(source.params)],
    "args_json_file": _json_file,
}
