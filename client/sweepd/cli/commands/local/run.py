"""`sweepctl run`."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweepd.calls.sweep_file import Overrides, parent_of, placing, read_sweep
from sweepd.cli.command import command
from sweepd.cli.commands.define.creation import label_flags, note_unbounded, source_of
from sweepd.cli.commands.define.validate import checked_spec, definition_options
from sweepd.cli.commands.local.console import Outcome, SweepConsole, start_agent, with_retries
from sweepd.cli.commands.local.processes import SignalBox, find_or_start
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.failures import Problem
from sweepd.cli.output.formats import note, output_option, put, write_document
from sweepd.cli.settings import Settings, current_settings, target
from sweepd.cli.show.outcome import all_failed, best_lines, best_run, next_command, trouble_lines, worked
from sweepd.cli.show.progress import view_on
from sweepd.codec.spec import spec_message
from sweepd.spec.command import uses_program
from sweepd.states import state_of
from sweepd.views.run import run_shape
from sweepd.views.sweep import sweep_shape

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client
    from sweepd.spec.sweep_spec import SweepSpec


@command("sweepctl run sweep.yaml", "sweepctl run sweep.yaml --slots 4 --name 'first try'")
@click.argument("file", metavar="FILE")
@click.option(
    "--slots", type=click.IntRange(min=1), default=1, metavar="N", help="Number of concurrent runs."
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="K=V",
    callback=lambda _context, _option, values: dict(map(label, values)),
    help="Label of the local agent, for sweeps with `requires`. Repeatable.",
)
@definition_options
@output_option(("table", "json", "yaml"))
def run(
    file: str, slots: int, labels: dict[str, str], overrides: Overrides, error_format: str, output_format: str
) -> int:
    """Run a sweep on this machine: find or start a server, create the sweep, run an agent, show progress.

    Runs work in the current folder, or in FILE's folder if only that contains the program. The first Ctrl-C
    lets live runs end, the second terminates them, the third kills them. A server started here keeps running.
    Exit code 8: the sweep failed, was cancelled or paused itself, or no run succeeded; 130: interrupted.
    """
    settings = current_settings()
    text = read_sweep(file, placing=placing(overrides, settings.environ))
    spec = checked_spec(text, error_format=error_format, overrides=overrides)
    parent = parent_of(spec, overrides, settings.environ, settings.context_default)
    folder = _folder(spec, file)
    _check_labels(spec, labels)

    with find_or_start(settings) as client:
        sweep = client.begin_sweep(parent, spec_message(spec), source=source_of(text)).sweep
        note(f"Sweep {sweep.name}")
        note_unbounded(sweep)
        outcome = _run_agent(client, sweep, slots, folder, settings, label_flags(labels))
        return _finish(client, sweep.name, outcome, settings, output_format)


def _folder(spec: SweepSpec, file: str) -> Path:
    """Return the working folder of the runs.

    Raises:
        Problem: the sweep has no program, or the program cannot be found.
    """
    here = Path.cwd()
    if not uses_program(spec.command):
        return here
    if spec.program is None:
        raise Problem(
            message="the file names no program to run",
            next_step="add `program: train.py` to it, or pass --program",
            exit_code=ExitCode.INVALID,
            status="INVALID_ARGUMENT",
        )
    candidates = [here] if file == "-" else [here, Path(file).resolve().parent]
    for folder in candidates:
        if (folder / spec.program).exists():
            return folder
    raise Problem(
        message=f"program {spec.program} does not exist",
        cause="looked in " + " and ".join(dict.fromkeys(str(folder) for folder in candidates)),
        next_step="correct `program` in the file, or pass --program",
        exit_code=ExitCode.INVALID,
        status="INVALID_ARGUMENT",
    )


def label(text: str) -> tuple[str, str]:
    """Return the name and the value of a label.

    Raises:
        BadParameter: the text is not NAME=VALUE.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{text!r} is not a label; write NAME=VALUE")
    return name, value


def _check_labels(spec: SweepSpec, labels: Mapping[str, str]) -> None:
    """Reject a sweep whose runs the local agent cannot get.

    Raises:
        Problem: the sweep requires labels that the agent lacks.
    """
    lacking = {name: value for name, value in spec.requires.items() if labels.get(name) != value}
    if lacking:
        needed = ", ".join(f"{name}={value}" for name, value in sorted(lacking.items()))
        raise Problem(
            message=f"the sweep requires {needed}, which the local agent does not have",
            next_step=f"if this machine meets the requirement, pass {shlex.join(label_flags(lacking))}; else "
            "create the sweep with `sweepctl create`, and start an agent on a machine that does",
            exit_code=ExitCode.USAGE,
            status="FAILED_PRECONDITION",
        )


def _run_agent(
    client: Client, sweep: v1.Sweep, slots: int, folder: Path, settings: Settings, flags: Sequence[str]
) -> Outcome:
    environ = dict(_with_python(settings.environ))
    token = target(settings).token
    if token is not None:
        environ["SWEEPD_TOKEN"] = token
    with SignalBox() as box:
        agent = start_agent(
            sweep.name, slots=slots, address=client.address, folder=folder, environ=environ, flags=flags
        )
        with view_on(sys.stderr, settings) as view:
            outcome = SweepConsole(client, sweep.name, agent, view).run(box)
    if outcome.agent_exit != 0 and not outcome.interrupted and not outcome.stalled:
        for line in agent.lines:
            note(f"agent: {line}")
    return outcome


def _with_python(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment for the agent, with this interpreter in PATH if there is no `python`."""
    path = environ.get("PATH", "")
    if shutil.which("python", path=path) is not None:
        return environ
    return {**environ, "PATH": f"{path}:{Path(sys.executable).parent}".lstrip(":")}


def _finish(client: Client, name: str, outcome: Outcome, settings: Settings, output_format: str) -> int:
    sweep = with_retries(lambda: client.get_sweep(name))
    best = None if all_failed(sweep) else best_run(client, sweep)
    if output_format != "table":
        run = run_shape(best) if best is not None else None
        write_document({**sweep_shape(sweep), "bestRun": run}, output_format)
    elif best is not None:
        put("\n".join(best_lines(sweep, best, settings.environ)) + "\n")
    else:
        for line in trouble_lines(client, sweep):
            note(line)
    for line in _next_steps(client, sweep, best, outcome):
        note(line)
    return _exit_code(sweep, outcome)


def _next_steps(client: Client, sweep: v1.Sweep, best: v1.Run | None, outcome: Outcome) -> list[str]:
    lines = ["Next:"]
    if best is None:
        lines.append(f"  {next_command(client, sweep)}")
    else:
        lines.append(f"  sweepctl runs {sweep.name} --sort best")
        lines.append(f"  sweepctl best {sweep.name} -o args")
        lines.append(f"  sweepctl history {best.name}")
    if outcome.stalled:
        lines.append(f"  sweepctl resume {sweep.name}      # once the cause is fixed")
    if not outcome.progress.ended:
        lines.append(f"  sweep-agent --sweep {sweep.name}      # continues")
        lines.append(f"  sweepctl stop {sweep.name}      # ends it")
    return lines


def _exit_code(sweep: v1.Sweep, outcome: Outcome) -> int:
    if outcome.interrupted:
        return ExitCode.INTERRUPTED
    if outcome.stalled or state_of(sweep) in ("failed", "cancelled"):
        return ExitCode.ENDED_BADLY
    if not outcome.progress.ended and outcome.agent_exit != 0:
        return outcome.agent_exit if outcome.agent_exit > 0 else ExitCode.FAILURE
    return ExitCode.OK if worked(sweep) else ExitCode.ENDED_BADLY
