"""Invocation of a trial: arguments, environment, and a check before the start that its program exists.

An interpreter reports a missing script only by exit code 2, so the script is checked before the start. A
command is refused only if it would certainly fail: the arguments of launchers, containers and the `-c` of
shells are not interpreted. Files are checked at each start, as they may be created later.
"""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweepd.regular_files import write_inside
from sweepd.spec.command import expand_arguments, uses_args_json_file
from sweepd.spec.macros import AgentFacts, CommandError, MacroValues, MissingFactError, args_json, check_room
from sweepd_agent.core.attempt import Assignment, Place
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.process.devices import VISIBLE

# Variables with the token and the address of the server, which a trial must not inherit.
_PRIVATE = ("SWEEPD_TOKEN", "SWEEPD_ADDRESS")
_ARGS_FILE = "args.json"
# Maximum bytes of arguments and environment on Linux, whatever the stack limit.
_MAX_ROOM = 6 * 2**20


class StartError(Exception):
    """This agent cannot start the process of a run; the one-line message states the reason."""


class InvalidCommandError(Exception):
    """No agent can start the process of a run; the one-line message states the reason."""


def environment(
    assignment: Assignment,
    place: Place,
    folder: AttemptFolder,
    checkpoints: Path,
    inherited: Mapping[str, str],
) -> dict[str, str]:
    """Return the environment of a trial: the agent's without its secrets, plus run variables and devices."""
    entity, project, _ = assignment.sweep.split("/", 2)
    kept = {name: value for name, value in inherited.items() if name not in _PRIVATE}
    devices = {} if place.gpus is None else {VISIBLE: ",".join(place.gpus)}
    return (
        kept
        | devices
        | {
            "SWEEPD_RUN_DIR": str(folder.path),
            "SWEEPD_METRICS_FILE": str(folder.metrics_file),
            "SWEEPD_PARAMS_FILE": str(folder.params_file),
            "SWEEPD_SWEEP_PARAM_PATH": str(folder.yaml_params_file),
            "SWEEPD_CHECKPOINT_DIR": str(checkpoints),
            "SWEEPD_RUN_ID": assignment.key.run,
            "SWEEPD_SWEEP_ID": assignment.sweep,
            "SWEEPD_ATTEMPT": str(assignment.key.attempt),
            "SWEEPD_REPEAT": str(assignment.repeat or 0),
            "SWEEPD_SLOT": str(place.slot),
            "SWEEPD_ENTITY": entity,
            "SWEEPD_PROJECT": project,
        }
    )


def arguments(
    assignment: Assignment,
    agent: AgentFacts,
    folder: AttemptFolder,
    environ: Mapping[str, str],
    interpreter: str | None,
) -> list[str]:
    """Return the argument vector of a trial; write the arguments file if the command uses it.

    Args:
        assignment: assignment of the run.
        agent: values of `${agent.…}`.
        folder: folder of the arguments file.
        environ: environment of the trial, in which `${envvar:NAME}` is looked up.
        interpreter: value of `${interpreter}`; None: `python` if in PATH, else the agent's own.

    Raises:
        StartError: the program or a required fact is missing here, or an argument cannot be encoded.
        InvalidCommandError: with these parameters, the command cannot be run anywhere, or names a program
            that does not exist.
    """
    args_file: str | None = None
    if uses_args_json_file(assignment.command):
        write_inside(folder.path, _ARGS_FILE, f"{args_json(assignment.params)}\n".encode())
        args_file = str(folder.path / _ARGS_FILE)
    try:
        values = MacroValues(
            program=assignment.program or None,
            params=assignment.params,
            interpreter=interpreter or _default_interpreter(environ),
            args_json_file=args_file,
            agent=agent,
            repeat=assignment.repeat or 0,
            windows=os.name == "nt",
        )
        expanded = expand_arguments(assignment.command, values, environ)
        made = [argument.text for argument in expanded]
        check_room(made, environ, _room())
    except MissingFactError as error:
        raise StartError(str(error)) from error
    except CommandError as error:
        raise InvalidCommandError(str(error)) from error
    _check_encoding(made)
    missing = missing_program(made, environ)
    if missing is None:
        return made
    if missing.position is not None and expanded[missing.position].is_of_run:
        # A StartError would count against each agent that tries this run, and so quarantine all agents.
        raise InvalidCommandError(missing.reason)
    raise StartError(missing.reason)


def facts(place: Place, labels: Mapping[str, str], environ: Mapping[str, str]) -> AgentFacts:
    """Return the facts of the agent that commands may use; `environ` is the environment of the trial."""
    return AgentFacts(slot=place.slot, gpus=environ.get(VISIBLE), labels=labels)


def _default_interpreter(environ: Mapping[str, str]) -> str:
    return "python" if shutil.which("python", path=environ.get("PATH")) else sys.executable


def _room() -> int:
    """Return the maximum bytes of arguments and environment on this system."""
    return min(os.sysconf("SC_ARG_MAX"), _MAX_ROOM)


def _check_encoding(arguments: Sequence[str]) -> None:
    try:
        for argument in arguments:
            os.fsencode(argument)
    except UnicodeEncodeError as error:
        letter = error.object[error.start].encode("unicode_escape").decode("ascii")
        raise StartError(
            f"an argument contains the character {letter}, which the agent's locale encoding "
            f"({error.encoding}) cannot represent; start the agent with LC_ALL=C.UTF-8"
        ) from error


_PYTHON = re.compile(r"(python|pypy)[0-9.]*")
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
# Interpreters whose first argument is the script, unless it is an option.
_OTHERS = frozenset({"Rscript", "julia", "perl", "ruby"})
# Programs that run the command in their arguments, if they have no options.
_WRAPPERS = frozenset({"nice", "nohup", "setsid"})
# Letters of options with a value, and of options after which there is no script.
_PYTHON_VALUES, _PYTHON_ENDS = "WX", "cm"
_SHELL_VALUES, _SHELL_ENDS = "oO", "cs"
_LONG_VALUES = frozenset({"--check-hash-based-pycs", "--rcfile", "--init-file"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_SYSTEM_PATH = "/bin:/usr/bin"
_LONGEST_SHEBANG = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Reason why a command cannot start a program on this host."""

    # One sentence.
    reason: str
    # Index of the argument that cannot be started or read; None: not due to an argument.
    position: int | None


def missing_program(arguments: Sequence[str], environ: Mapping[str, str]) -> Missing | None:
    """Return the reason why a command cannot start here; None if no reason is found.

    Args:
        arguments: complete argument vector, with macros expanded.
        environ: environment of the process.
    """
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        return Missing(reason="the working directory of the agent no longer exists", position=None)
    path = environ.get("PATH", _SYSTEM_PATH)
    trouble = _not_executable(arguments[0], path)
    if trouble is not None:
        return Missing(reason=trouble, position=0)
    command = _behind_wrappers(arguments)
    if not command:
        return None
    position = len(arguments) - len(command)
    trouble = _not_executable(command[0], path)
    if trouble is not None:
        return Missing(reason=trouble, position=position)
    script = _script_of(command)
    trouble = None if script is None else _no_script(command, command[script], folder, path)
    return None if script is None or trouble is None else Missing(reason=trouble, position=position + script)


def _behind_wrappers(arguments: Sequence[str]) -> Sequence[str]:
    """Return the command that `env` and similar wrappers run; empty if that is unclear."""
    rest = list(arguments)
    while rest and (Path(rest[0]).name == "env" or Path(rest[0]).name in _WRAPPERS):
        assigns = Path(rest.pop(0)).name == "env"
        while assigns and rest and _ASSIGNMENT.fullmatch(rest[0]):
            if rest.pop(0).startswith("PATH="):
                return []
        # Give up at an option: it may change the folder or the path, or take a value; few commands use one.
        if rest and rest[0].startswith("-"):
            return []
    return rest


def _not_executable(name: str, path: str) -> str | None:
    """Return the reason why a program cannot be executed; None if it can."""
    if "/" not in name:
        if shutil.which(name, path=path) is None:
            return f"program {shlex.quote(name)} not found on the PATH"
        return None
    if not os.path.exists(name):  # noqa: PTH110 -- also False for an invalid path
        return f"program {shlex.quote(name)} does not exist (working directory {Path.cwd()})"
    if not os.path.isfile(name) or not os.access(name, os.X_OK):  # noqa: PTH113
        return f"program {shlex.quote(name)} is not executable"
    interpreter = _shebang(name)
    if interpreter is not None and not os.path.exists(interpreter):  # noqa: PTH110
        return f"the interpreter {interpreter} of program {shlex.quote(name)} does not exist"
    return None


def _shebang(name: str) -> str | None:
    """Return the absolute path of the interpreter in the shebang line of a file; None if there is none."""
    try:
        with Path(name).open("rb") as file:
            first = file.read(_LONGEST_SHEBANG)
    except OSError:  # the file may be executable but not readable
        return None
    if not first.startswith(b"#!") or b"\n" not in first:
        return None
    words = first[2:].partition(b"\n")[0].split()
    return os.fsdecode(words[0]) if words and words[0].startswith(b"/") else None


def _script_of(command: Sequence[str]) -> int | None:
    """Return the index of the script in the command of an interpreter; None if unknown."""
    name, rest = Path(command[0]).name, command[1:]
    if _PYTHON.fullmatch(name):
        found = _script(rest, _PYTHON_VALUES, _PYTHON_ENDS)
    elif name in _SHELLS:
        found = _script(rest, _SHELL_VALUES, _SHELL_ENDS)
    elif name in _OTHERS:
        found = 0 if rest and not rest[0].startswith("-") else None
    else:
        return None
    return None if found is None else found + 1


def _no_script(command: Sequence[str], script: str, folder: Path, path: str) -> str | None:
    """Return the reason why an interpreter would not find its script; None if it would."""
    in_path = Path(command[0]).name in _SHELLS  # shells also search PATH
    if in_path and shutil.which(script, mode=os.R_OK, path=path) is not None:
        return None
    if not os.path.exists(script):  # noqa: PTH110
        return f"program {shlex.quote(script)} does not exist (working directory {folder})"
    if not os.access(script, os.R_OK):
        return f"program {shlex.quote(script)} is not readable"
    return None


def _script(words: Sequence[str], with_value: str, without_script: str) -> int | None:
    """Return the index of the script among an interpreter's arguments; None if it runs no script.

    Args:
        words: arguments after the interpreter.
        with_value: letters of options whose value follows, in the same argument or the next one.
        without_script: letters of options after which there is no script.
    """
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            return at if at < len(words) else None
        if word == "-" or not word.startswith(("-", "+")):
            return None if word == "-" else at - 1
        if word in _LONG_VALUES:
            at += 1
        elif not word.startswith("--"):
            letter = next((each for each in word[1:] if each in with_value + without_script), "")
            if letter and letter in without_script:
                return None
            if letter and word.endswith(letter):
                at += 1
    return None
