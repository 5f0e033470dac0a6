"""`sweepctl export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import output_of, output_option, write_rows
from sweepd.cli.output.readable import Readable
from sweepd.cli.settings import current_settings
from sweepd.views.rows import Column, Row
from sweepd.views.text import json_text

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.calls.names import Named
    from sweepd.client import Client

# States in which what a run has shown counts for the search as its value.
_OBSERVED = ("finished", "stopped")


@click.command(
    cls=Command,
    examples=("sweepctl export k3x9v2ab > sweep.jsonl", "sweepctl export k3x9v2ab:7 -o csv > run.csv"),
)
@click.argument("name", metavar="ID | RUN")
@output_option(("jsonl", "csv"), "jsonl")
def command(name: str, output_format: str) -> None:
    """Write out everything that is known of a sweep, or of one run.

    `jsonl`: a line for each run, each observation of the search, each run that it began with (`prior`) and
    each point of every attempt. `csv`: a line for each run with its parameters and the last value of each
    metric; those that it began with have the state `prior`. What is damaged in the server's database is left
    out and named; the exit code is 1 then.
    """
    with connect(current_settings()) as client:
        named = client.any_name(name)
        write = _write_csv if output_format == "csv" else _write_lines
        write(client, named)


def _write_lines(client: Client, named: Named) -> None:
    from sweepd.views.values import point_shapes

    for row in _runs(client, named):
        _write_line({"type": "run", **row})
        if row["state"] in _OBSERVED and row["value"] is not None:
            _write_line({"type": "observation", "run": row["run"], "value": row["value"]})
    for row in _prior_runs(client, named):
        _write_line({"type": "prior", **row})
    for series in _points(client, named):
        for point in point_shapes(series):
            _write_line({"type": "point", **point})
    sys.stdout.flush()


def _write_line(row: Row) -> None:
    sys.stdout.write(json_text(row) + "\n")


def _write_csv(client: Client, named: Named) -> None:
    from sweepd.views.run import FRAME_KINDS, run_rows
    from sweepd.views.values import json_row

    runs = [client.get_run(named.name)] if named.is_run else list(client.list_runs(named.name))
    prior = [] if named.is_run else list(client.list_prior_runs(named.name))
    readable = Readable()
    rows = run_rows(runs, readable.of(_summaries(client, named)), prior)
    columns = [Column(column, column) for column in (rows[0] if rows else FRAME_KINDS)]
    write_rows([json_row(row) for row in rows], output_of("csv"), columns, name="run")
    readable.finish()


def _runs(client: Client, named: Named) -> Iterator[Row]:
    from sweepd.views.run import run_shape

    runs = iter((client.get_run(named.name),)) if named.is_run else client.list_runs(named.name)
    yield from map(run_shape, runs)


def _prior_runs(client: Client, named: Named) -> Iterator[Row]:
    from sweepd.views.run import prior_run_shape

    if not named.is_run:
        yield from map(prior_run_shape, client.list_prior_runs(named.name))


def _points(client: Client, named: Named) -> Iterator[v1.Series]:
    if named.is_run:
        return client.history(_full(named), all_attempts=True)
    return client.export_points(named.name)


def _summaries(client: Client, named: Named) -> Iterator[v1.KeySummary]:
    return client.summaries(runs=[_full(named)]) if named.is_run else client.summaries(sweep=named.name)


def _full(named: Named) -> str:
    """Return the name of a run without the alias of its number."""
    return named.name.replace(":", "-")
