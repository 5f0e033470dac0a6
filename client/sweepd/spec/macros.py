"""Macros of `command`, and the limits of what a system passes to a process."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sweepd.spec.limits import DEFAULT_ROOM_BYTES, MAX_ARGUMENT_BYTES
from sweepd.spec.point import Json
from sweepd.spec.wording import nearest, printable, shown

LABEL_PREFIX: Final = "agent.labels."
"""Prefix of the name of a label."""


class CommandError(Exception):
    """The command of a run cannot be made; the message gives the reason, in one line."""


class MissingFactError(CommandError):
    """The agent lacks what the command asks of it; on another one the command may be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """Facts that commands may ask of the agent that starts a run."""

    # Which of the agent's slots the run has, counted from 0.
    slot: int
    # The devices that the run sees, as CUDA_VISIBLE_DEVICES names them; None: the agent knows of none.
    gpus: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroValues:
    """Values of the macros in the command of one run.

    Args:
        program: what `${program}` stands for.
        params: the point of the run.
        interpreter: what `${interpreter}` stands for.
        args_json_file: path of the file that `${args_json_file}` stands for, which the caller writes.
        agent: what `${agent.…}` stands for; None, where no agent is known yet: these stay as they are.
        repeat: what `${repeat}` stands for: which run of its point it is; 0 where each has one.
        windows: whether the process starts on Windows, which has no `/usr/bin/env`.
    """

    program: str | None
    params: Mapping[str, Json]
    interpreter: str = "python"
    args_json_file: str | None = None
    agent: AgentFacts | None = None
    repeat: int = 0
    windows: bool = False

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield the name and text of each top-level parameter, sorted by name."""
        for name in sorted(self.params):
            yield name, python_text(self.params[name])

    def flat(self) -> Iterator[tuple[str, str]]:
        """Yield the dotted name and text of each value, going into mappings, sorted by dotted name."""
        found = (pair for name, value in self.params.items() for pair in flattened(name, value))
        yield from sorted(found, key=lambda pair: pair[0])

    def has_parameter(self, name: str) -> bool:
        """Return True if the point has a value of this name or dotted path."""
        return name in self.params or any(name == flat for flat, _ in self.flat())

    def value(self, name: str) -> str | None:
        """Return the text of one value: a parameter by its name or dotted path, else a fact of the run.

        A parameter called `repeat`, or a group called `agent`, wins over what is ours.

        Raises:
            CommandError: the agent lacks what is asked for.
        """
        if name in self.params:
            return python_text(self.params[name])
        parameter = dict(self.flat()).get(name)
        if parameter is None and name == "repeat":
            return str(self.repeat)
        if parameter is None and self.agent is not None and is_agent_macro(name):
            return _fact(self.agent, name)
        return parameter


def python_text(value: Json) -> str:
    """Return a value as the flag forms write it: Python's `str`."""
    return str(value)


def flattened(name: str, value: Json) -> Iterator[tuple[str, str]]:
    """Yield the dotted name and text of each value that a parameter consists of."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flattened(f"{name}.{key}", inner)
    else:
        yield name, python_text(value)


def args_json(point: Mapping[str, Json]) -> str:
    """Return the JSON object of `${args_json}`: sorted by name, non-ASCII escaped."""
    return json.dumps({name: point[name] for name in sorted(point)})


def is_agent_macro(name: str) -> bool:
    """Return True if `name` asks for a fact of the agent; labels may have any name."""
    return name in _AGENT_MACROS or (name.startswith(LABEL_PREFIX) and name != LABEL_PREFIX)


def is_run_macro(name: str) -> bool:
    """Return True if `name` asks for what only a run at its agent has: its repeat, or a fact of the agent."""
    return name == "repeat" or is_agent_macro(name)


def nearest_macro(name: str, parameters: Mapping[str, object]) -> str | None:
    """Return the macro or parameter whose name is closest to one that nothing stands for."""
    first, _, rest = name.partition(".")
    second, _, label = rest.partition(".")
    if label and nearest(f"{first}.{second}.", [LABEL_PREFIX]):
        return f"{LABEL_PREFIX}{label}"
    return nearest(name, (*MACROS, "repeat", *_AGENT_MACROS, *parameters))


def _fact(agent: AgentFacts, name: str) -> str:
    if name == "agent.slot":
        return str(agent.slot)
    if name == "agent.gpus":
        if agent.gpus is None:
            raise MissingFactError("the command needs ${agent.gpus}, but this agent has no --gpus-per-run")
        return agent.gpus
    label = name.removeprefix(LABEL_PREFIX)
    if label not in agent.labels:
        shown = printable(label)
        raise MissingFactError(
            f"the command needs the label {shown}, which this agent lacks: --label {shown}=VALUE sets it"
        )
    return agent.labels[label]


def _program(values: MacroValues) -> list[str]:
    if values.program is None:
        raise CommandError("the command needs ${program}, but the sweep has no `program`")
    return [values.program]


def _boolean_flags(values: MacroValues) -> list[str]:
    flags: list[str] = []
    for name, text in values.named():
        value = values.params[name]
        if value is True:
            flags.append(f"--{name}")
        elif value is not False:
            flags.append(f"--{name}={text}")
    return flags


def _json_file(values: MacroValues) -> list[str]:
    if values.args_json_file is None:
        raise CommandError("the command needs ${args_json_file}, but no such file was written")
    return [values.args_json_file]


_AGENT_MACROS: Final = ("agent.slot", "agent.gpus")
MACROS: Final[Mapping[str, Callable[[MacroValues], list[str]]]] = {
    "env": lambda values: [] if values.windows else ["/usr/bin/env"],
    "interpreter": lambda values: [values.interpreter],
    "program": _program,
    "args": lambda values: [f"--{name}={text}" for name, text in values.named()],
    "args_no_equals": lambda values: [part for name, text in values.named() for part in (f"--{name}", text)],
    "args_no_hyphens": lambda values: [f"{name}={text}" for name, text in values.named()],
    "args_no_boolean_flags": _boolean_flags,
    "args_append_hydra": lambda values: [f"+{name}={text}" for name, text in values.named()],
    "args_override_hydra": lambda values: [f"++{name}={text}" for name, text in values.named()],
    "args_flat": lambda values: [f"--{name}={text}" for name, text in values.flat()],
    "args_flat_no_hyphens": lambda values: [f"{name}={text}" for name, text in values.flat()],
    "args_json": lambda values: [args_json(values.params)],
    "args_json_file": _json_file,
}
"""Those that only stand as whole items, and may become any number of arguments."""

FORMS: Final = frozenset(name for name in MACROS if name.startswith("args") and name != "args_json_file")
"""Those that pass all parameters as arguments."""


REMEDY: Final = "use ${args_json_file}, or read the parameters with `sweepd.config`"

_POINTER: Final = 8
"""Bytes that each argument and variable takes beside its text and the NUL behind it."""


def check_argument(argument: str, item: str, values: MacroValues) -> None:
    """Raise CommandError if no process can be given an argument; the message names what made it so long.

    Args:
        argument: what a process would get.
        item: the item of the command that it comes from.
        values: those of its macros.
    """
    if "\0" in argument:
        raise CommandError("an argument has a NUL character, which no program can be given")
    size = text_bytes(argument)
    if size <= MAX_ARGUMENT_BYTES:
        return
    limit = f"more than the {MAX_ARGUMENT_BYTES:,} that the system passes in one"
    name = _longest_within(argument, item, values)
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


def _longest_within(argument: str, item: str, values: MacroValues) -> str | None:
    """Return the parameter that takes most of an argument, if one does."""
    least = text_bytes(argument) // 2
    for texts in (values.flat(), values.named()):
        for name, text in texts:
            # A group, and JSON, may write a value otherwise than it is written alone.
            if text_bytes(text) > least and (item == "${args_json}" or text in argument):
                return name
    return None
