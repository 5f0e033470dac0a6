"""`sweepctl agents`."""

from __future__ import annotations

import click

from sweepd.cli.output import output_of, output_option, row_options, write_rows
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb


@click.command(cls=Verb, examples=("sweepctl agents", "sweepctl agents k3x9v2ab -o wide"))
@click.argument("sweep", metavar="[ID]", required=False)
@row_options
@output_option()
def command(
    sweep: str | None,
    columns: str | None,
    sort: str | None,
    filters: tuple[str, ...],
    limit: int | None,
    output_format: str,
) -> None:
    """List agents: the connected ones, and those that hold a run; with ID those of one sweep."""
    from sweepd.cli.columns import AGENTS
    from sweepd.cli.connection import connect
    from sweepd.cli.creation import agent_command
    from sweepd.cli.names import sweep_name
    from sweepd.cli.progress import FINAL_SWEEP
    from sweepd.cli.shapes import agent_shape, sweep_state

    settings = current_settings()
    with connect(settings) as client:
        name = sweep_name(client, sweep) if sweep else ""
        rows = [agent_shape(agent) for agent in client.list_agents(name)]
        empty = f"No agent. Start one:  {agent_command(name or 'ID', client.address, settings)}"
        if name and not rows and (state := sweep_state(client.get_sweep(name))) in FINAL_SWEEP:
            empty = f"No agent; the sweep has ended: {state}."
    output = output_of(output_format, columns=columns, sort=sort, filters=filters, limit=limit)
    write_rows(rows, output, AGENTS, name="agent", empty=empty)
