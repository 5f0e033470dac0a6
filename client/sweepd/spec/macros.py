"""Macros of `command`, and limits on the arguments of a process."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sweepd.spec.limits import DEFAULT_ROOM_BYTES, MAX_ARGUMENT_BYTES
from sweepd.spec.point import Json
from sweepd.spec.wording import nearest, printable, shown

LABEL_PREFIX: Final = "agent.labels."
"""Prefix of the macros for agent labels."""


class CommandError(Exception):
    """Error in the expansion of a command; the message gives the reason in one line."""


class MissingFactError(CommandError):
    """Error raised if the agent lacks a fact or variable that the command needs; others may have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """Facts about the agent that starts a run, for use in commands."""

    # The agent's slot that the run occupies, counted from 0.
    slot: int
    # The devices visible to the run, as in CUDA_VISIBLE_DEVICES; None if the agent assigns none.
    gpus: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroValues:
    """Values of the macros in the command of one run.

    Args:
        program: value of `${program}`.
        params: the point of the run.
        interpreter: value of `${interpreter}`.
        args_json_file: value of `${args_json_file}`, the path of a file that the caller writes.
        agent: values of `${agent.…}`; None, if no agent is known yet, leaves these macros unexpanded.
        repeat: value of `${repeat}`, the index of the run among the runs of its point.
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
            yield name, str(self.params[name])

    def flat(self) -> Iterator[tuple[str, str]]:
        """Yield the dotted name and text of each value, with mappings flattened, sorted by dotted name."""
        found = (pair for name, value in self.params.items() for pair in flattened(name, value))
        yield from sorted(found, key=lambda pair: pair[0])

    def has_parameter(self, name: str) -> bool:
        """Return True if the point has a value with this name or dotted path."""
        return name in self.params or any(name == flat for flat, _ in self.flat())

    def value(self, name: str) -> str | None:
        """Return the value of the parameter, the repeat or the agent fact with this name, or None.

        A parameter called `repeat`, or a group called `agent`, takes precedence. `name` may be a dotted path.

        Raises:
            CommandError: the agent lacks this fact.
        """
        if name in self.params:
            return str(self.params[name])
        parameter = dict(self.flat()).get(name)
        if parameter is None and name == "repeat":
            return str(self.repeat)
        if parameter is None and self.agent is not None and is_agent_macro(name):
            return _fact(self.agent, name)
        return parameter


def flattened(name: str, value: Json) -> Iterator[tuple[str, str]]:
    """Yield the dotted name and text (Python's `str`) of each leaf value of a parameter."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flattened(f"{name}.{key}", inner)
    else:
        yield name, str(value)


def args_json(point: Mapping[str, Json]) -> str:
    """Return the JSON object for `${args_json}`, sorted by name, with non-ASCII characters escaped."""
    return json.dumps({name: point[name] for name in sorted(point)})


def is_agent_macro(name: str) -> bool:
    """Return True if `name` is an agent fact: the slot, the GPUs, or a label of any name."""
    return name in _AGENT_MACROS or (name.startswith(LABEL_PREFIX) and name != LABEL_PREFIX)


def is_run_macro(name: str) -> bool:
    """Return True if a macro has a value only once a run is assigned: the repeat, or an agent fact."""
    return name == "repeat" or is_agent_macro(name)


def nearest_macro(name: str, parameters: Mapping[str, object]) -> str | None:
    """Return the macro or parameter whose name is closest to an unknown name, or None if none is close."""
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
"""Macros that are expanded only as separate items, each to any number of arguments."""

FORMS: Final = frozenset(name for name in MACROS if name.startswith("args") and name != "args_json_file")
"""Macros that pass all parameters as arguments."""


REMEDY: Final = "use ${args_json_file}, or read the parameters with `sweepd.config`"

_POINTER: Final = 8
"""Bytes of the pointer to each argument and variable, in addition to its text and the terminating NUL."""


def check_argument(argument: str, item: str, values: MacroValues) -> None:
    """Raise CommandError if an argument cannot be passed to a process; the message names the cause.

    Args:
        argument: expanded argument.
        item: item of the command from which it was expanded.
        values: values of the macros.
    """
    if "\0" in argument:
        raise CommandError("an argument has a NUL character, which cannot be passed to a program")
    size = text_bytes(argument)
    if size <= MAX_ARGUMENT_BYTES:
        return
    limit = f"more than the {MAX_ARGUMENT_BYTES:,} that the system allows"
    name = _largest_parameter(argument, item, values)
    reason = f"most of it from the parameter {_quoted(name)}, " if name is not None else ""
    raise CommandError(f"{_quoted(item)} expands to an argument of {size:,} bytes, {reason}{limit}; {REMEDY}")


def check_room(
    arguments: Sequence[str], environ: Mapping[str, str] | None, room: int = DEFAULT_ROOM_BYTES
) -> None:
    """Raise CommandError if arguments and environment together are too large for a process.

    Args:
        arguments: all arguments of the process.
        environ: its environment, or None if not yet known.
        room: limit of the system for both, in bytes.
    """
    variables = [f"{name}={value}" for name, value in (environ or {}).items()]
    # Linux counts each text with its NUL and a pointer to it, and the program name twice.
    size = sum(text_bytes(text) + 1 + _POINTER for text in (*arguments, *variables))
    size += text_bytes(arguments[0]) + 1 + _POINTER
    if size > room:
        what = "the arguments take" if environ is None else "the arguments and the environment take"
        raise CommandError(f"{what} {size:,} bytes, more than the {room:,} that the system allows; {REMEDY}")


def text_bytes(text: str) -> int:
    """Return the size of a text as an argument, in bytes."""
    return len(text) if text.isascii() else len(text.encode(errors="surrogateescape"))


def _quoted(text: str) -> str:
    return printable(shown(text))


def _largest_parameter(argument: str, item: str, values: MacroValues) -> str | None:
    """Return the parameter whose value is more than half of an argument, if there is one."""
    least = text_bytes(argument) // 2
    for texts in (values.flat(), values.named()):
        for name, text in texts:
            # The JSON of a value may differ from its text.
            if text_bytes(text) > least and (item == "${args_json}" or text in argument):
                return name
    return None
