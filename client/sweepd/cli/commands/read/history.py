"""`sweepctl history`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import Output, note, row_output, write_rows
from sweepd.cli.output.readable import Readable
from sweepd.cli.problem import not_found
from sweepd.cli.settings import current_settings
from sweepd.views.rows import Column, Row
from sweepd.views.text import quoted_list, shown_time

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client


@click.command(
    cls=Command,
    examples=("sweepctl history k3x9v2ab:7 --key val_loss", "sweepctl history k3x9v2ab-7 -o csv > run7.csv"),
)
@click.argument("run", metavar="RUN")
@click.option("--key", "keys", multiple=True, help="Only this key. Repeatable.")
@click.option(
    "--max-points",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Thin each key to about N points, peaks kept.",
)
@click.option(
    "--system",
    is_flag=True,
    help="Instead: CPU, memory and GPUs, as its agent has sampled them.",
)
@click.option("--all-attempts", is_flag=True, help="Also what newer attempts have replaced.")
@row_output
def command(
    run: str,
    keys: tuple[str, ...],
    max_points: int,
    all_attempts: bool,
    system: bool,
    output: Output,
) -> None:
    """Show what a run has logged, one line a step. `sweepctl export` has each row of its log."""
    readable = Readable()
    with connect(current_settings()) as client:
        found = client.find_run(run)
        system = system or (bool(keys) and all(key.startswith("system/") for key in keys))
        series = client.history(
            found.name, keys=keys, max_points=max_points, all_attempts=all_attempts, system=system
        )
        rows, logged = _rows(found.name, readable.of(series), by_step=not system)
        if not system and (unknown := [key for key in keys if key not in logged]):
            _tell_unknown(client, found.name, unknown, nothing_else=not rows)
    empty = f"{found.name} has no samples" if system else f"{found.name} has logged nothing yet"
    write_rows(rows, output, _columns(logged), name="row", empty=f"{empty}.")
    readable.finish()


def _rows(run: str, series: Iterable[v1.Series], *, by_step: bool) -> tuple[list[Row], list[str]]:
    """Return the rows in order, and the keys."""
    from sweepd.objects.results import History
    from sweepd.views.values import json_row

    history = History(run, series, by_step=by_step)
    return [json_row(row) for row in history.to_dicts()], [*history]


def _tell_unknown(client: Client, run: str, unknown: list[str], *, nothing_else: bool) -> None:
    """Say which keys a run has logged instead of others, unless it has logged nothing yet.

    Raises:
        Problem: of the keys that were asked for, it has logged none.
    """
    known = sorted({summary.key for summary in client.summaries(runs=[run])})
    if not known:
        return
    message = f"{run} has logged no {quoted_list(unknown)}; it has logged {quoted_list(known)}"
    if nothing_else:
        raise not_found(message)
    note(f"warning: {message}")


def _columns(keys: list[str]) -> list[Column]:
    return [
        Column("step", "step"),
        *(Column(key, f"values.{key}", long=True) for key in keys),
        Column("attempt", "attempt", wide=True),
        Column("row", "row", wide=True),
        Column("time", "time", shown_time, wide=True),
    ]
