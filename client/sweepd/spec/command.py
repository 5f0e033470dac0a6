"""Expansion of the macros of `command` into the arguments of a run. No shell is involved."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sweepd.spec.macros import (
    FORMS,
    MACROS,
    CommandError,
    MacroValues,
    MissingFactError,
    check_argument,
    flattened,
    is_agent_macro,
    is_run_macro,
)
from sweepd.spec.point import Point, has_parameter

if TYPE_CHECKING:
    from sweepd.spec.sweep_spec import SweepSpec  # large, and agents do not need it


_ENVIRONMENT: Final = re.compile(r"\$\{envvar:([A-Z0-9_]+)\}")
_MACRO: Final = re.compile(r"\$\{([^${}]*)\}")
DEFAULT_COMMAND: Final = ("${env}", "${interpreter}", "${program}", "${args}")
"""Command of a sweep without `command`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of a process."""

    text: str
    # True if the argument may differ between runs: its item depends on the point or the repeat, or an earlier
    # item that depends on them expanded to no argument.
    is_of_run: bool


def expand_command(
    command: Sequence[str], values: MacroValues, environ: Mapping[str, str] | None
) -> list[str]:
    """Expand a command like `expand_arguments`, but return only the texts of the arguments."""
    return [argument.text for argument in expand_arguments(command, values, environ)]


def expand_arguments(
    command: Sequence[str], values: MacroValues, environ: Mapping[str, str] | None
) -> list[Argument]:
    """Return the argument vector of one run.

    Args:
        command: the items of the sweep's command; the default command if empty.
        values: values of the macros.
        environ: the environment for `${envvar:NAME}`; None leaves these macros unexpanded.

    Raises:
        CommandError: a variable, label or other needed value is missing, the command expands to nothing, or
            an argument cannot be passed.
    """
    arguments: list[Argument] = []
    is_moved = False
    for item in command or DEFAULT_COMMAND:
        filled = item if environ is None else _with_environment(item, environ)
        made, is_of_run = _expanded(filled, values), _is_of_run(filled, values)
        is_moved = is_moved or (is_of_run and not made)
        for text in made:
            check_argument(text, item, values)
            arguments.append(Argument(text=text, is_of_run=is_of_run or is_moved))
    if not arguments:
        raise CommandError("the command is empty after its macros are expanded")
    return arguments


def uses_args_json_file(command: Sequence[str]) -> bool:
    """Return True if a command needs the file of `${args_json_file}`, which the agent writes."""
    return "${args_json_file}" in command


def uses_program(command: Sequence[str]) -> bool:
    """Return True if a command needs `program`."""
    return "${program}" in (command or DEFAULT_COMMAND)


def macro_names(command: Sequence[str]) -> frozenset[str]:
    """Return the names of all macros in a command, known or not, except `${envvar:NAME}`."""
    return frozenset(name for _, _, name in macros_of(command))


def embedded_names(item: str) -> frozenset[str]:
    """Return the names of macros embedded in an item, except `MACROS`; none if the item is one macro."""
    embedded = () if _MACRO.fullmatch(item) else macros_of([item])
    return frozenset(name for _, _, name in embedded if name not in MACROS)


def macros_of(command: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield the item index, text and name of each macro, except `${envvar:NAME}`."""
    for index, item in enumerate(command):
        for match in _MACRO.finditer(_ENVIRONMENT.sub("", item)):
            yield index, match[0], match[1]


def _with_environment(item: str, variables: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in variables:
            raise MissingFactError(f"the command needs the environment variable {name}, which is not set")
        return variables[name]

    return _ENVIRONMENT.sub(value, item)


def _expanded(item: str, values: MacroValues) -> list[str]:
    whole = _MACRO.fullmatch(item)
    if whole is None:
        return [_MACRO.sub(lambda match: _embedded(match, values), item)]
    name = whole[1]
    if name in MACROS:
        return MACROS[name](values)
    value = values.value(name)
    if value is None:
        return [item] if is_agent_macro(name) or _ENVIRONMENT.fullmatch(item) else []
    return [value]


def _is_of_run(item: str, values: MacroValues) -> bool:
    """Return True if the expansion of an item depends on the point or the repeat."""
    whole = _MACRO.fullmatch(item)
    if whole is not None and whole[1] in FORMS:
        return True
    names = {name for _, _, name in macros_of([item]) if name not in MACROS}
    # A macro that is a whole item, and not an agent fact, is a parameter, even if the point lacks it.
    absent = whole is not None and not is_agent_macro(whole[1])
    return any(absent or name == "repeat" or values.has_parameter(name) for name in names)


def _embedded(match: re.Match[str], values: MacroValues) -> str:
    """Return the value of an embedded macro, or its text if it has no value: it may be a shell variable."""
    value = None if match[1] in MACROS else values.value(match[1])
    return match[0] if value is None else value


def active_command(spec: "SweepSpec", point: Point) -> tuple[str, ...]:
    """Return the command of a sweep without the items that embed a parameter which the point lacks.

    For example, omit `--dropout=${dropout}` if `dropout` is inactive. Keep items with other macros, and
    an item that is only `${dropout}`, which expands to no argument.
    """
    embedding = {item: names for item in spec.command if (names := embedded_names(item))}
    if not embedding:
        return spec.command
    there = {*point, *(name for key, value in point.items() for name, _ in flattened(key, value))}
    absent = {item for item, names in embedding.items() if _any_absent(spec, names, there)}
    # Never return an empty command, which would mean the default command.
    return tuple(item for item in spec.command if item not in absent) or spec.command


def _any_absent(spec: "SweepSpec", names: Collection[str], there: Collection[str]) -> bool:
    return any(name not in there and _is_parameter(spec, name) and not is_run_macro(name) for name in names)


def _is_parameter(spec: "SweepSpec", name: str) -> bool:
    if spec.parameters:
        return has_parameter(spec.parameters, name)
    return any(has_parameter(run, name) for run in spec.runs)
