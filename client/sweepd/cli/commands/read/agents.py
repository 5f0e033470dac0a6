"""`sweepctl agents`."""

from __future__ import annotations

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import (
    Output,
    note,
    put,
    row_output,
    write_document,
    write_rows,
)
from sweepd.cli.problem import usage_problem
from sweepd.cli.settings import current_settings
from sweepd.states import has_ended, state_of


@click.command(
    cls=Command,
    examples=("sweepctl agents k3x9v2ab -o wide", "sweepctl agents release 01J9ZQ6XKBAHFV5T8Y2M3N4P5Q"),
)
@click.argument("words", metavar="[ID] | release AGENT", nargs=-1)
@click.option("--sweep", metavar="ID", help="With release: only for this sweep, not all that quarantine it.")
@row_output
def command(
    words: tuple[str, ...],
    sweep: str | None,
    output: Output,
) -> None:
    """List agents, or release one.

    The list has the connected ones and those that hold a run; with ID those of one sweep. `agents release`
    lets an agent take runs again that a guard has quarantined after too many failures in a row, and
    prints the sweeps of which it does.
    """
    if words[:1] == ("release",):
        _release(words[1:], sweep, output.format)
        return
    if len(words) > 1:
        raise usage_problem("agents takes one ID", next_step="sweepctl agents [ID] | release AGENT")
    if sweep is not None:
        raise usage_problem("--sweep goes with release", next_step=f"sweepctl agents {sweep}")
    _list(words[0] if words else "", output)


def _list(sweep: str, output: Output) -> None:
    from sweepd.cli.commands.define.creation import agent_command
    from sweepd.views.agent import AGENTS, agent_shape

    settings = current_settings()
    ended = ""
    with connect(settings) as client:
        name = client.sweep_name(sweep) if sweep else ""
        rows = [agent_shape(agent) for agent in client.list_agents(name)]
        line = agent_command(name or "ID", client.address, settings)
        if name and not rows:
            one = client.get_sweep(name)
            line = agent_command(name, client.address, settings, requires=one.spec.requires)
            ended = state_of(one) if has_ended(one) else ""
        empty = f"No agent; the sweep has ended: {ended}." if ended else f"No agent. Start one:  {line}"
    write_rows(rows, output, AGENTS, name="agent", empty=empty)


def _release(agents: tuple[str, ...], sweep: str | None, output_format: str) -> None:
    if len(agents) != 1:
        raise usage_problem("agents release takes one AGENT", next_step="`sweepctl agents` shows their ids")
    (agent,) = agents
    with connect(current_settings()) as client:
        released = client.release_agent(agent, sweep=client.sweep_name(sweep) if sweep else "")
    if output_format in ("json", "jsonl", "yaml"):
        write_document({"agent": agent, "sweeps": [*released]}, output_format)
        return
    put("".join(f"{name}\n" for name in released))
    note("Released; it takes runs again.")
