"""Lists of sweeps, projects and agents: `sweepctl list` and `agents`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sweepd.cli.command import command
from sweepd.cli.commands.define.creation import agent_command
from sweepd.cli.failures import PROJECTS_STEP, not_found, usage_problem
from sweepd.cli.output.formats import (
    Output,
    chosen_rows,
    note,
    row_output,
    write_change,
    write_chosen,
    write_rows,
)
from sweepd.cli.settings import connect
from sweepd.spec.wording import close
from sweepd.states import has_ended, state_of
from sweepd.views.entities import AGENTS, PROJECTS, agent_shape, project_shape
from sweepd.views.rows import Row
from sweepd.views.sweep import SWEEPS, sweep_shape
from sweepd.views.text import clean

if TYPE_CHECKING:
    from sweepd.client import Client


_EMPTY = """No sweep yet. The smallest sweep file:

    program: train.py
    method: random
    metric: {name: val_loss}
    parameters:
      learning_rate: {min: 0.001, max: 0.1}

Then: sweepctl run sweep.yaml"""


@command("sweepctl list", "sweepctl list acme/mnist --filter state=running -o json")
@click.argument("parent", metavar="[ENTITY[/PROJECT]]", default="")
@click.option(
    "--projects", is_flag=True, help="List projects instead, with their numbers of sweeps and runs."
)
@click.option("--watch", is_flag=True, help="Keep watching: redraw on a terminal, append changes in a pipe.")
@row_output
def list_(parent: str, projects: bool, watch: bool, output: Output) -> None:
    """List sweeps, newest first; or projects by name."""
    if projects and watch:
        raise usage_problem("--watch cannot be used with --projects", next_step="sweepctl list --watch")
    with connect() as client:
        if projects:
            _write_projects(client, parent, output)
            return
        if watch:
            from sweepd.cli.show.watching import repeat_rows  # imported here, because it is slow

            check_parent(client, parent)
            repeat_rows(lambda: _sweep_rows(client, parent, output), output, lambda rows: SWEEPS, key="name")
            return
        rows = _sweep_rows(client, parent, output)
        empty = "" if rows else _empty(client, parent)
    write_chosen(rows, output, SWEEPS, name="name", empty=empty)


def _write_projects(client: Client, parent: str, output: Output) -> None:
    """Write the projects, or only those of the entity `parent` if it is not empty."""
    rows = [project_shape(project) for project in client.list_projects(parent)]
    if not rows:
        check_parent(client, parent)
    write_rows(rows, output, PROJECTS, name="project", empty="No project yet.")


def _sweep_rows(client: Client, parent: str, output: Output) -> list[Row]:
    """Return the rows of the selected sweeps."""
    return chosen_rows([sweep_shape(sweep) for sweep in client.list_sweeps(parent)], output, SWEEPS)


def _empty(client: Client, parent: str) -> str:
    """Return the message for an empty list; a new user without any sweep gets an example."""
    if next(client.list_sweeps(parent), None) is not None:
        return "No such sweep."
    check_parent(client, parent)
    return f"No sweep of `{clean(parent)}`." if parent else _EMPTY


def check_parent(client: Client, parent: str) -> None:
    """Check that an entity or project of this name exists, even if it has no sweeps.

    Raises:
        Problem: there is no such entity or project.
    """
    if not parent:
        return
    projects = [project.name for project in client.list_projects()]
    entities = [] if "/" in parent else [entity.name for entity in client.list_entities()]
    if parent in (*projects, *entities):
        return
    near = next((name for name in projects if name.partition("/")[2] == parent), None)
    near = near or close(parent, [*projects, *entities])
    raise not_found(
        f"no {'project' if '/' in parent else 'entity'} named {clean(parent)}"
        + (f"; did you mean `{near}`?" if near else ""),
        name=parent,
        next_step=PROJECTS_STEP,
    )


@command("sweepctl agents k3x9v2ab -o wide", "sweepctl agents release 01J9ZQ6XKBAHFV5T8Y2M3N4P5Q")
@click.argument("words", metavar="[ID] | release AGENT", nargs=-1)
@click.option(
    "--sweep", metavar="ID", help="With release: only for this sweep, not for all that quarantine the agent."
)
@row_output
def agents(words: tuple[str, ...], sweep: str | None, output: Output) -> None:
    """List agents, or release one.

    Lists the connected agents and those that have a run; with ID, those of one sweep. `agents release` ends
    the quarantine of an agent that had too many failures in a row, and prints the sweeps in which it was
    quarantined.
    """
    if words[:1] == ("release",):
        _release_agent(words[1:], sweep, output.format)
        return
    if len(words) > 1:
        raise usage_problem("agents takes one ID", next_step="sweepctl agents [ID] | release AGENT")
    if sweep is not None:
        raise usage_problem("--sweep requires `release`", next_step=f"sweepctl agents {sweep}")
    _write_agents(words[0] if words else "", output)


def _write_agents(sweep: str, output: Output) -> None:
    ended = ""
    with connect() as client:
        name = client.sweep_name(sweep) if sweep else ""
        rows = [agent_shape(agent) for agent in client.list_agents(name)]
        line = agent_command(name or "ID", client.address)
        if name and not rows:
            one = client.get_sweep(name)
            line = agent_command(name, client.address, requires=one.spec.requires)
            ended = state_of(one) if has_ended(one) else ""
        empty = f"No agent; the sweep has ended: {ended}." if ended else f"No agent. Start one:  {line}"
    write_rows(rows, output, AGENTS, name="agent", empty=empty)


def _release_agent(agents: tuple[str, ...], sweep: str | None, output_format: str) -> None:
    if len(agents) != 1:
        raise usage_problem("agents release takes one AGENT", next_step="`sweepctl agents` lists their ids")
    (agent,) = agents
    with connect() as client:
        released = client.release_agent(agent, sweep=client.sweep_name(sweep) if sweep else "")
    if write_change(released, {"agent": agent, "sweeps": [*released]}, output_format):
        note("Released: the agent is eligible for runs.")
