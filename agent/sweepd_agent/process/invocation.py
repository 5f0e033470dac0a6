"""Invocation of a trial: the arguments, environment and folders that it gets from its agent."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sweepd.regular_files import write_inside
from sweepd.spec.command import expand_arguments, uses_args_json_file
from sweepd.spec.macros import AgentFacts, CommandError, MacroValues, MissingFactError, args_json, check_room
from sweepd_agent.core.attempt import Assignment, Place
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.process.devices import VISIBLE
from sweepd_agent.process.program_check import missing_program

# What leads to the server; a trial has no business there.
_PRIVATE = ("SWEEPD_TOKEN", "SWEEPD_ADDRESS")
_ARGS_FILE = "args.json"
# However large the stack may become, Linux passes no more.
_MOST_ROOM = 6 * 2**20


class StartError(Exception):
    """This agent cannot start the process of a run; the message says why, in one line."""


class InvalidCommandError(Exception):
    """No agent can start the process of a run; the message says why, in one line."""


def environment(
    assignment: Assignment,
    place: Place,
    folder: AttemptFolder,
    checkpoints: Path,
    inherited: Mapping[str, str],
) -> dict[str, str]:
    """Return the environment of a trial: the agent's, less its secrets, what names the run, its devices."""
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
    """Return the argument vector of a trial, and write the file that it names if it names one.

    Args:
        assignment: what was handed out.
        agent: what `${agent.…}` stands for.
        folder: where that file goes.
        environ: the environment of the trial, from which `${envvar:NAME}` is taken.
        interpreter: what `${interpreter}` stands for; None: `python`, or our own where there is none.

    Raises:
        StartError: the program, or something that the command asks of this agent, is not there.
        InvalidCommandError: the parameters make a command that cannot be run anywhere, or name a program
            that is not there.
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
    _check_letters(made)
    missing = missing_program(made, environ)
    if missing is None:
        return made
    if missing.position is not None and expanded[missing.position].is_of_run:
        raise InvalidCommandError(missing.reason)  # else one such point would quarantine all agents
    raise StartError(missing.reason)


def facts(place: Place, labels: Mapping[str, str], environ: Mapping[str, str]) -> AgentFacts:
    """Return what commands may know of the agent; `environ` is that of the trial."""
    return AgentFacts(slot=place.slot, gpus=environ.get(VISIBLE), labels=labels)


def _default_interpreter(environ: Mapping[str, str]) -> str:
    return "python" if shutil.which("python", path=environ.get("PATH")) else sys.executable


def _room() -> int:
    """Return how many bytes of arguments and environment this system passes to a process."""
    return min(os.sysconf("SC_ARG_MAX"), _MOST_ROOM)


def _check_letters(arguments: Sequence[str]) -> None:
    try:
        for argument in arguments:
            os.fsencode(argument)
    except UnicodeEncodeError as error:
        letter = error.object[error.start].encode("unicode_escape").decode("ascii")
        raise StartError(
            f"an argument has the letter {letter}, which the locale of this agent ({error.encoding}) lacks; "
            "start the agent with LC_ALL=C.UTF-8"
        ) from error
