"""`sweepctl list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sweepd.cli.output import Output, output_of, output_option, row_options, write_rows
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb

if TYPE_CHECKING:
    from sweepd.client import Client
    from sweepd.spec.point import Json

_EMPTY = """No sweep yet. The smallest sweep file:

    program: train.py
    method: random
    metric: {name: val_loss}
    parameters:
      learning_rate: {min: 0.001, max: 0.1}

Then: sweepctl run sweep.yaml"""


@click.command(
    cls=Verb, examples=("sweepctl list", "sweepctl list acme/mnist --filter state=running -o json")
)
@click.argument("parent", metavar="[ENTITY[/PROJECT]]", default="")
@click.option("--watch", is_flag=True, help="Go on: redraw on a terminal, append what changed in a pipe.")
@row_options
@output_option()
def command(
    parent: str,
    watch: bool,
    columns: str | None,
    sort: str | None,
    filters: tuple[str, ...],
    limit: int | None,
    output_format: str,
) -> None:
    """List sweeps, newest first."""
    from sweepd.cli.connection import connect
    from sweepd.cli.watching import repeat_rows

    output = output_of(output_format, columns=columns, sort=sort, filters=filters, limit=limit)
    with connect(current_settings()) as client:
        if watch:
            repeat_rows(lambda: _rows(client, parent), lambda rows: _write(rows, output), key="name")
        else:
            _write(_rows(client, parent), output)


def _rows(client: Client, parent: str) -> list[dict[str, Json]]:
    from sweepd.cli.shapes import sweep_shape

    return [sweep_shape(sweep) for sweep in client.list_sweeps(parent)]


def _write(rows: list[dict[str, Json]], output: Output) -> None:
    from sweepd.cli.columns import SWEEPS, with_progress

    shown = rows if output.structured else [with_progress(row) for row in rows]
    write_rows(shown, output, SWEEPS, name="name", empty=_EMPTY)
