"""What a trial gets from its agent: arguments, environment, folders."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from sweepd.spec.command import (
    AgentFacts,
    CommandError,
    args_json,
    expand_command,
    uses_args_json_file,
    uses_program,
)
from sweepd_agent.attempt_folder import AttemptFolder
from sweepd_agent.core.attempt import Assignment, Place
from sweepd_agent.devices import VISIBLE

# What leads to the server; a trial has no business there.
_PRIVATE = ("SWEEPD_TOKEN", "SWEEPD_ADDRESS")
_ARGS_FILE = "args.json"


class StartError(Exception):
    """The process of a run cannot be started; the message says why, in one line."""


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
        StartError: it cannot be made, or the program is not there.
    """
    args_file: str | None = None
    if uses_args_json_file(assignment.command):
        path = folder.path / _ARGS_FILE
        path.write_text(args_json(assignment.params) + "\n")
        args_file = str(path)
    _check_program(assignment)
    try:
        return expand_command(
            assignment.command,
            program=assignment.program or None,
            params=assignment.params,
            environ=environ,
            interpreter=interpreter or _default_interpreter(environ),
            args_json_file=args_file,
            agent=agent,
            repeat=assignment.repeat or 0,
        )
    except CommandError as error:
        raise StartError(str(error)) from error


def facts(place: Place, labels: Mapping[str, str], environ: Mapping[str, str]) -> AgentFacts:
    """Return what commands may know of the agent; `environ` is that of the trial."""
    return AgentFacts(slot=place.slot, gpus=environ.get(VISIBLE), labels=labels)


def _default_interpreter(environ: Mapping[str, str]) -> str:
    return "python" if shutil.which("python", path=environ.get("PATH")) else sys.executable


def _check_program(assignment: Assignment) -> None:
    """Say in words what an interpreter would say in a log: the file is not there."""
    command, program = assignment.command, assignment.program
    interpreted = not command or "${interpreter}" in command
    if program and interpreted and uses_program(command) and not Path(program).is_file():
        raise StartError(f"the program {program} is not there (working directory {Path.cwd()})")
