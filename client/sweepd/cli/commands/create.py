"""`sweepctl create`."""

from __future__ import annotations

import sys

import click

from sweepd.cli.output import note, output_option, write_document
from sweepd.cli.placement import parent_of, placing
from sweepd.cli.settings import current_settings
from sweepd.cli.sweep_file import Overrides, checked_spec, definition_options, read_sweep
from sweepd.cli.verb import Verb


@click.command(
    cls=Verb,
    examples=(
        "ID=$(sweepctl create sweep.yaml)",
        "sweepctl create - --id lr-search --project mnist < sweep.yaml",
    ),
)
@click.argument("file", metavar="FILE")
@definition_options
@click.option("--id", "sweep_id", default="", metavar="ID", help="Its id; else the server draws one.")
@click.option(
    "--request-id", default="", metavar="TEXT", help="The same text again gives the same sweep, for a day."
)
@click.option("-q", "--quiet", is_flag=True, help="Print the full ID alone.")
@output_option(("name", "json", "jsonl", "yaml"), "name")
def command(
    file: str,
    name: str | None,
    program: str | None,
    project: str | None,
    entity: str | None,
    error_format: str,
    sweep_id: str,
    request_id: str,
    quiet: bool,
    output_format: str,
) -> None:
    """Create a sweep from FILE (`-`: stdin); agents may start at once.

    Prints its full ID on stdout and the line that starts an agent on stderr.
    """
    overrides = Overrides(name=name, program=program, project=project, entity=entity)
    settings = current_settings()
    text = read_sweep(file, placing=placing(overrides, settings.environ))
    spec = checked_spec(text, error_format=error_format, overrides=overrides)
    parent = parent_of(spec, overrides, settings.environ)

    from sweepd.cli.connection import connect
    from sweepd.cli.creation import agent_command, create_sweep, note_unbounded

    with connect(settings) as client:
        sweep = create_sweep(client, text, spec, parent, sweep_id=sweep_id, request_id=request_id)
        line = agent_command(sweep.name, client.address, settings, requires=spec.requires)
    if output_format == "name":
        sys.stdout.write(f"{sweep.name}\n")
        sys.stdout.flush()
    else:
        write_document({"name": sweep.name, "url": None, "agentCommand": line}, output_format)
    if not quiet and output_format == "name":
        note(f"Start an agent:  {line}")
        note_unbounded(sweep)
