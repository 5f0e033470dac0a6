"""`sweepctl stop`."""

from __future__ import annotations

import click

from sweepd.cli.output import note, output_option, put, write_document
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb


@click.command(cls=Verb, examples=("sweepctl stop k3x9v2ab", "sweepctl stop k3x9v2ab:7"))
@click.argument("name", metavar="ID | RUN")
@output_option(("name", "json", "jsonl", "yaml"), "name")
def command(name: str, output_format: str) -> None:
    """Stop a sweep, or one run.

    Of a sweep, no new run starts any more; live ones end by themselves. A run is ended: SIGTERM to its
    process group, SIGKILL after the stop grace, and its agent takes the next; one that waits never starts.
    Of a run by hand, the script gets SIGTERM alone. When it returns, this holds: committed, over restarts of
    the server.
    """
    from sweepd.calls.states import run_state
    from sweepd.cli.connection import connect
    from sweepd.cli.control import tell_sweep
    from sweepd.cli.shapes import run_shape

    with connect(current_settings()) as client:
        named = client.any_name(name)
        if not named.is_run:
            tell_sweep(client.stop_sweep(named.name), output_format, "Stopped")
            return
        run = client.stop_run(named.name)
    if output_format != "name":
        write_document(run_shape(run), output_format)
        return
    put(f"{run.name}\n")
    state = run_state(run)
    note("Stopped." if state == "stopped" else f"Stopping; it is {state} until its process has ended.")
