"""Limits of what a system passes to a process: one argument, and all of them with the environment."""

from collections.abc import Mapping, Sequence
from typing import Final

from sweepd.spec.arguments.macros import CommandError, Source
from sweepd.spec.limits import DEFAULT_ROOM_BYTES, MAX_ARGUMENT_BYTES
from sweepd.spec.wording import printable, shown

REMEDY: Final = "use ${args_json_file}, or read the parameters with `sweepd.config`"

_POINTER: Final = 8
"""Bytes that each argument and variable takes beside its text and the NUL behind it."""


def check_argument(argument: str, item: str, source: Source) -> None:
    """Raise CommandError if no process can be given an argument; the message says what made it so long.

    Args:
        argument: what a process would get.
        item: the item of the command that it comes from.
        source: what its macros took their values from.
    """
    if "\0" in argument:
        raise CommandError("an argument has a NUL character, which no program can be given")
    size = text_bytes(argument)
    if size <= MAX_ARGUMENT_BYTES:
        return
    limit = f"more than the {MAX_ARGUMENT_BYTES:,} that the system passes in one"
    name = _longest_within(argument, item, source)
    reason = f"most of it the parameter {_said(name)}, " if name is not None else ""
    raise CommandError(f"{_said(item)} makes an argument of {size:,} bytes, {reason}{limit}; {REMEDY}")


def check_room(
    arguments: Sequence[str], environ: Mapping[str, str] | None, room: int = DEFAULT_ROOM_BYTES
) -> None:
    """Raise CommandError if arguments and environment together are more than a process can be given.

    Args:
        arguments: all that a process would get.
        environ: its environment; None: not known yet, so that it is left out.
        room: how many bytes the system has for both.
    """
    variables = [f"{name}={value}" for name, value in (environ or {}).items()]
    # As Linux counts: each text with its end and a pointer to it, and the name of the program once more.
    size = sum(text_bytes(text) + 1 + _POINTER for text in (*arguments, *variables))
    size += text_bytes(arguments[0]) + 1 + _POINTER
    if size > room:
        what = "the arguments take" if environ is None else "the arguments and the environment take"
        raise CommandError(f"{what} {size:,} bytes, more than the {room:,} that the system passes; {REMEDY}")


def text_bytes(text: str) -> int:
    """Return how many bytes a text has as an argument."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogateescape"))


def _said(text: str) -> str:
    return printable(shown(text))


def _longest_within(argument: str, item: str, source: Source) -> str | None:
    """Return the parameter that takes most of an argument, if one does."""
    least = text_bytes(argument) // 2
    for texts in (source.flat(), source.named()):
        for name, text in texts:
            # A group, and JSON, may write a value otherwise than it is written alone.
            if text_bytes(text) > least and (item == "${args_json}" or text in argument):
                return name
    return None
