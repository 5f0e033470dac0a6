"""`sweepctl create`."""

from __future__ import annotations

import click

from sweepd.calls.sweep_file import Overrides, parent_of, placing, read_sweep
from sweepd.cli.command import command
from sweepd.cli.commands.define.creation import agent_command, note_unbounded, source_of
from sweepd.cli.commands.define.prior_options import (
    PriorOptions,
    prior_options,
    selection_of,
    write_report,
)
from sweepd.cli.commands.define.validate import checked_spec, definition_options
from sweepd.cli.failures import usage_problem
from sweepd.cli.output.formats import change_output_option, note, put, write_document
from sweepd.cli.settings import connect, current_settings
from sweepd.codec.spec import spec_message
from sweepd.views.run import prior_report_shape


@command(
    "ID=$(sweepctl create sweep.yaml)",
    "sweepctl create sweep.yaml --id lr-search --prior-project mnist --filter state=finished",
)
@click.argument("file", metavar="FILE")
@definition_options
@prior_options
@click.option("--id", "sweep_id", default="", metavar="ID", help="Its id; else the server draws one.")
@click.option(
    "--request-id", default="", metavar="TEXT", help="The same text again gives the same sweep, for a day."
)
@click.option("-q", "--quiet", is_flag=True, help="Print the full ID alone.")
@change_output_option
def create(
    file: str,
    overrides: Overrides,
    error_format: str,
    prior: PriorOptions,
    sweep_id: str,
    request_id: str,
    quiet: bool,
    output_format: str,
) -> None:
    """Create a sweep from FILE (`-`: stdin); agents may start at once.

    Prints its full ID on stdout and the line that starts an agent on stderr. A sweep that begins with prior
    runs learns from them and does not repeat their points; runs that do not suit it are named and left out.
    """
    settings = current_settings()
    if "-" in prior.prior_runs and file == "-":
        raise usage_problem("FILE and --prior-run cannot both be read from stdin")
    text = read_sweep(file, placing=placing(overrides, settings.environ))
    spec = checked_spec(text, error_format=error_format, overrides=overrides)
    parent = parent_of(spec, overrides, settings.environ, settings.context_default)

    with connect(settings) as client:
        selection = selection_of(client, prior)
        answer = client.begin_sweep(
            parent,
            spec_message(spec),
            prior_runs=selection,
            source=source_of(text),
            sweep_id=sweep_id,
            request_id=request_id,
        )
        sweep = answer.sweep
        line = agent_command(sweep.name, client.address, requires=spec.requires)
    if output_format == "name":
        put(f"{sweep.name}\n")
    else:
        begun = {} if selection is None else {"priorRuns": prior_report_shape(answer.prior_runs)}
        planned = sweep.planned_runs if sweep.HasField("planned_runs") else None
        document = {"name": sweep.name, "url": None, "plannedRuns": planned, "agentCommand": line}
        write_document({**document, **begun}, output_format)
    if not quiet and output_format == "name":
        if selection is not None:
            write_report(answer.prior_runs)
        note(f"Start an agent:  {line}")
        note_unbounded(sweep)
