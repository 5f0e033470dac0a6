"""`sweepctl propose-config`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from sweepd import v1
from sweepd.calls.sweep_file import project_name
from sweepd.cli.command import command
from sweepd.cli.commands.define.proposal import (
    SourceRun,
    SourceRuns,
    create_line,
    parents_of,
    prior_options_of,
    suitable_runs,
    without_script_parameters,
)
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.failures import Problem, not_found, usage_problem
from sweepd.cli.output.formats import note
from sweepd.cli.settings import connect, current_settings
from sweepd.spec.parse import parse_text
from sweepd.spec.point import Json, Point
from sweepd.spec.propose import Proposal, proposal_text, propose
from sweepd.views.run import params_shape
from sweepd.views.text import counted

if TYPE_CHECKING:
    from sweepd.client import Client

_STATES = ("running", "finished", "failed", "crashed", "stopped", "killed")
_METHODS = ("grid", "random", "bayes", "sobol")


@command(
    "sweepctl propose-config --project mnist > sweep.yaml",
    "sweepctl propose-config --sweep k3x9v2ab --sweep m2c4t8qz --state finished --state stopped",
    name="propose-config",
)
@click.option("--project", metavar="[ENTITY/]PROJECT", help="Runs of this project.")
@click.option("--sweep", "sweeps", multiple=True, metavar="ID", help="Runs of this sweep. Repeatable.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(_STATES),
    default=("finished",),
    help="Runs in this state; finished by default. Repeatable.",
)
@click.option("--metric", metavar="NAME", help="Objective; default: that of most runs.")
@click.option(
    "--method", type=click.Choice(_METHODS), help="Method; default: bayes with an objective, random without."
)
def propose_config(
    project: str | None,
    sweeps: tuple[str, ...],
    states: tuple[str, ...],
    metric: str | None,
    method: str | None,
) -> None:
    """Propose a sweep file whose space covers earlier runs.

    Each parameter becomes a constant, a list of values or a range, with a comment that says why; conditions
    are added where the value of a text or boolean parameter determines whether another parameter is present.
    Program, command and objective are those of most runs. The file goes to stdout: review it, then create the
    sweep with the command on stderr, which uses the suitable runs as prior runs.
    """
    if not (project or "").strip("/") and not sweeps:
        raise usage_problem("no runs selected", next_step="pass --project PROJECT or --sweep ID")
    with connect() as client:
        standalone = [] if project is None or sweeps else _standalone_runs(client, project, states)
        names = _sweeps(client, project, sweeps, any_run=bool(standalone))
        swept = _tried(client, names, states, any_run=bool(standalone))
        points, dropped = without_script_parameters(
            [tried.point for tried in standalone], [tried.point for tried in swept]
        )
        standalone = [replace(tried, point=point) for tried, point in zip(standalone, points, strict=True)]
        source = SourceRuns([*swept, *standalone])
        text = _proposed(source, parents_of(names, project), metric, method)
        prior = prior_options_of(project, names, states, by_sweep=bool(sweeps))
        seeded = suitable_runs(client, text(), prior, len(source.tried))
    of = f" of {counted(len(names), 'sweep')}" if names else ""
    runs = f"{counted(len(source.tried), 'run')} ({', '.join(states)}){of}"
    create = create_line(prior if seeded else None)
    comments = [f"Proposed from {runs} by sweepctl propose-config."]
    if seeded:
        comments.append(f"To start from {seeded}: {create}")
    sys.stdout.write(text(comments=comments))
    sys.stdout.flush()
    if dropped:
        source.notes.append(
            f"parameters left to the script, because all standalone runs agree on them: {', '.join(dropped)}"
        )
    for remark in source.notes:
        note(f"note: {remark}")
    note(f"Create it, seeded with {seeded}:  {create}" if seeded else f"Create it:  {create}")


def _standalone_runs(client: Client, project: str, states: tuple[str, ...]) -> list[SourceRun]:
    """Return the standalone runs of a project; their specifications contain only the program."""
    name = project_name(project, current_settings().default("entity"))
    listed = client.list_runs(project=name, states=states, standalone=True)
    return [SourceRun(v1.SweepSpec(program=_program(run)), params_shape(run), None) for run in listed]


def _program(run: v1.Run) -> str:
    words = run.attempts[-1].argv if run.attempts else ()
    return next((word for word in words if word.endswith((".py", ".sh"))), "")


def _sweeps(client: Client, project: str | None, sweeps: tuple[str, ...], *, any_run: bool) -> list[str]:
    """Return the full names of `sweeps`, or of all sweeps of the project if `sweeps` is empty.

    Raises:
        Problem: a sweep belongs to another project; or there is no sweep, and `any_run` (True if there is a
            standalone run) is false.
    """
    if sweeps:
        names = list(dict.fromkeys(client.sweep_name(sweep) for sweep in sweeps))
    else:
        names = [sweep.name for sweep in client.list_sweeps()]
    if project is not None:
        within = f"/{project.strip('/')}/"
        outside = [name for name in names if not f"/{name}".rpartition("/")[0].endswith(within[:-1])]
        if sweeps and outside:
            raise usage_problem(f"{outside[0]} does not belong to the project {project}")
        names = [name for name in names if name not in outside]
    if not names and not any_run:
        raise not_found(f"no sweep in the project {project}", next_step="`sweepctl list` lists the sweeps")
    return names


def _tried(client: Client, names: list[str], states: tuple[str, ...], *, any_run: bool) -> list[SourceRun]:
    tried: list[SourceRun] = []
    for name in names:
        spec = client.get_sweep(name).spec
        for run in client.list_runs(name, states=states):
            value = run.value if run.HasField("value") else None
            tried.append(SourceRun(spec, params_shape(run), value))
    if not tried and not any_run:
        shown = names[0] if len(names) == 1 else f"{len(names)} sweeps"
        raise not_found(
            f"{shown} has no run that is {' or '.join(states)}",
            next_step="--state chooses runs in another state",
        )
    return tried


def _proposed(
    source: SourceRuns, parents: set[str], metric: str | None, method: str | None
) -> Callable[..., str]:
    """Check the proposed file, add remarks to the notes, and return a function that builds its text."""
    points = [tried.point for tried in source.tried]
    objective = source.objective(metric)
    proposal = propose(points, best=source.best(objective), listed=method == "grid")
    text = partial(proposal_text, _head(source, parents, objective, proposal, method), proposal)
    _check(text(), points, source.notes)
    source.notes += [
        (f"{name}: some runs lack it, and no condition explains which") for name in proposal.unexplained
    ]
    return text


def _head(
    source: SourceRuns, parents: set[str], objective: tuple[str, int], proposal: Proposal, method: str | None
) -> dict[str, Json]:
    name, goal = objective
    if method is None:
        method = "bayes" if name and proposal.searches else "random"
    if not proposal.searches:
        source.notes.append("every parameter has only one value: there is nothing to search")
    head: dict[str, Json] = {}
    if len(parents) == 1:
        entity, _, project = next(iter(parents)).partition("/")
        head = {"project": project} if entity == "local" else {"entity": entity, "project": project}
    head["method"] = method
    if program := source.program():
        head["program"] = program
    if command := source.command():
        head["command"] = [*command]
    if name:
        head["metric"] = {"name": name, "goal": "maximize" if goal == v1.GOAL_MAXIMIZE else "minimize"}
    return {**head, **source.metric_sources()}


def _check(text: str, points: list[Point], notes: list[str]) -> None:
    """Parse the file as the server does; add a note on the number of runs outside its space."""
    parsed = parse_text(text.encode(), file="sweep.yaml")
    if parsed.spec is None:
        raise Problem(
            message="no valid sweep can be proposed from these runs",
            cause=next(str(found) for found in parsed.diagnostics if found.severity == "error"),
            next_step="choose other runs with --sweep and --state, or another --method",
            exit_code=ExitCode.INVALID,
            status="INVALID_ARGUMENT",
        )
    space = parsed.spec.search_space
    if parsed.spec.method.on_grid:
        size = space.grid.count()
        notes.append(f"the grid has {'about ' if size.is_estimate else ''}{size.value or 0:,} points")
    outside = sum(bool(space.violations(point)) for point in points)
    if outside:
        notes.append(f"{counted(outside, 'run')} do{'es' if outside == 1 else ''} not lie in this space")
