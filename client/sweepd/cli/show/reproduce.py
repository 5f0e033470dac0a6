"""Reproduce command: the arguments of a run as its agent passed them, ready for a shell."""

import re
import shlex
from collections.abc import Mapping, Sequence

from sweepd.cli.problem import Problem
from sweepd.spec.command import DEFAULT_COMMAND, expand_command
from sweepd.spec.macros import CommandError, MacroValues
from sweepd.spec.point import Json

_PROGRAM = "${program}"
_MACRO = re.compile(r"\$\{[^${}]*\}")
_VARIABLE = re.compile(r"\$\{envvar:([A-Z0-9_]+)\}")
_NOT_ARGUMENTS = ("${env}", "${interpreter}")


def reproduce_arguments(
    command: Sequence[str],
    *,
    program: str | None,
    params: Mapping[str, Json],
    argv: Sequence[str],
    environ: Mapping[str, str],
) -> list[str]:
    """Return what stands behind the program on the command line of a run.

    Args:
        command: the items of the sweep's command; empty means the default one.
        program: the sweep's program.
        params: the point.
        argv: the argument vector that the agent recorded; empty: none was.
        environ: for `${envvar:NAME}` where nothing was recorded.

    Raises:
        Problem: nothing was recorded, and the command cannot be expanded here.
    """
    items = list(command) or list(DEFAULT_COMMAND)
    if _PROGRAM in items:
        split = items.index(_PROGRAM) + 1
        head, tail = items[:split], items[split:]
        if argv:
            return list(argv[_length(head, program, params) :])
    else:
        tail = [item for item in items if _MACRO.fullmatch(item) and item not in _NOT_ARGUMENTS]
    try:
        # The program in front keeps a command without arguments from being empty.
        values = MacroValues(program=program or "-", params=params)
        return expand_command([_PROGRAM, *tail], values, environ)[1:]
    except CommandError as error:
        raise Problem(message="the arguments cannot be told from here", cause=str(error)) from error


def shell_line(arguments: Sequence[str]) -> str:
    """Return arguments on one line that a POSIX shell reads as just these."""
    return " ".join(_shell_word(argument) for argument in arguments)


def _shell_word(argument: str) -> str:
    if argument.isprintable() or not any(ord(sign) < 0x20 or ord(sign) == 0x7F for sign in argument):
        return shlex.quote(argument)
    # bash, zsh and ksh read this form; nothing else keeps a line feed on one line.
    escaped = "".join(
        f"\\x{ord(sign):02x}" if ord(sign) < 0x20 or ord(sign) == 0x7F else sign
        for sign in argument.replace("\\", "\\\\").replace("'", "\\'")
    )
    return f"$'{escaped}'"


def _length(head: Sequence[str], program: str | None, params: Mapping[str, Json]) -> int:
    """Return how many arguments the items up to the program became; a variable never adds one."""
    plain = [_VARIABLE.sub("x", item) for item in head]
    return len(expand_command(plain, MacroValues(program=program or "-", params=params), {}))
