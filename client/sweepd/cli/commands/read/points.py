"""Points that runs have logged: `sweepctl history` and `export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import command
from sweepd.cli.failures import Readable, not_found
from sweepd.cli.output.formats import Output, note, output_of, output_option, row_output, write_rows
from sweepd.cli.settings import connect
from sweepd.objects.results import History
from sweepd.views.rows import Column, Row
from sweepd.views.run import FRAME_KINDS, prior_run_shape, run_rows, run_shape
from sweepd.views.text import json_text, quoted_list, shown_time
from sweepd.views.values import json_row, point_shapes

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.calls.names import Named
    from sweepd.client import Client


@command("sweepctl history k3x9v2ab:7 --key val_loss", "sweepctl history k3x9v2ab-7 -o csv > run7.csv")
@click.argument("run", metavar="RUN")
@click.option("--key", "keys", multiple=True, help="Show only this key. Repeatable.")
@click.option(
    "--max-points",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Downsample each key to about N points, keeping peaks.",
)
@click.option(
    "--system", is_flag=True, help="Show CPU, memory and GPU usage instead, as sampled by the agent."
)
@click.option("--all-attempts", is_flag=True, help="Include points that newer attempts have replaced.")
@row_output
def history(
    run: str, keys: tuple[str, ...], max_points: int, all_attempts: bool, system: bool, output: Output
) -> None:
    """Show the logged metrics of a run, one line per step. `sweepctl export` includes every logged row."""
    readable = Readable()
    with connect() as client:
        found = client.find_run(run)
        system = system or (bool(keys) and all(key.startswith("system/") for key in keys))
        series = client.history(
            found.name, keys=keys, max_points=max_points, all_attempts=all_attempts, system=system
        )
        logged = History(found.name, readable.of(series), by_step=not system)
        rows = [json_row(row) for row in logged.to_dicts()]
        if not system and (unknown := [key for key in keys if key not in logged]):
            _note_unknown(client, found.name, unknown, nothing_else=not rows)
    empty = f"{found.name} has no samples" if system else f"{found.name} has logged nothing yet"
    write_rows(rows, output, _columns([*logged]), name="row", empty=f"{empty}.")
    readable.finish()


def _note_unknown(client: Client, run: str, unknown: list[str], *, nothing_else: bool) -> None:
    """Warn that the run has not logged the keys in `unknown`, unless it has logged nothing yet.

    Raises:
        Problem: `nothing_else` is true: the run has logged none of the requested keys.
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


# States in which the value of a run is an observation of the search.
_OBSERVED = ("finished", "stopped")


@command("sweepctl export k3x9v2ab > sweep.jsonl", "sweepctl export k3x9v2ab:7 -o csv > run.csv")
@click.argument("name", metavar="ID | RUN")
@output_option(("jsonl", "csv"), "jsonl")
def export(name: str, output_format: str) -> None:
    """Export all data of a sweep, or of one run.

    `jsonl`: a line for each run, each observation of the search, each prior run (`prior`) and each point of
    every attempt. `csv`: a line for each run with its parameters and the last value of each metric; prior
    runs have the state `prior`. Data that is damaged in the server's database is left out and reported, and
    the exit code is 1.
    """
    with connect() as client:
        named = client.any_name(name)
        write = _write_csv if output_format == "csv" else _write_lines
        write(client, named)


def _write_lines(client: Client, named: Named) -> None:
    for row in map(run_shape, _runs(client, named)):
        _write_line({"type": "run", **row})
        if row["state"] in _OBSERVED and row["value"] is not None:
            _write_line({"type": "observation", "run": row["run"], "value": row["value"]})
    for row in map(prior_run_shape, _prior_runs(client, named)):
        _write_line({"type": "prior", **row})
    for series in _points(client, named):
        for point in point_shapes(series):
            _write_line({"type": "point", **point})
    sys.stdout.flush()


def _write_line(row: Row) -> None:
    sys.stdout.write(json_text(row) + "\n")


def _write_csv(client: Client, named: Named) -> None:
    runs, prior = list(_runs(client, named)), list(_prior_runs(client, named))
    readable = Readable()
    rows = run_rows(runs, readable.of(_summaries(client, named)), prior)
    columns = [Column(column, column) for column in (rows[0] if rows else FRAME_KINDS)]
    write_rows([json_row(row) for row in rows], output_of("csv"), columns, name="run")
    readable.finish()


def _runs(client: Client, named: Named) -> Iterator[v1.Run]:
    return iter([client.get_run(named.name)]) if named.is_run else client.list_runs(named.name)


def _prior_runs(client: Client, named: Named) -> Iterator[v1.PriorRun]:
    return iter(()) if named.is_run else client.list_prior_runs(named.name)


def _points(client: Client, named: Named) -> Iterator[v1.Series]:
    if named.is_run:
        return client.history(_full(named), all_attempts=True)
    return client.export_points(named.name)


def _summaries(client: Client, named: Named) -> Iterator[v1.KeySummary]:
    return client.summaries(runs=[_full(named)]) if named.is_run else client.summaries(sweep=named.name)


def _full(named: Named) -> str:
    """Return the full name of a run, with `-` before its number instead of the alias `:`."""
    return named.name.replace(":", "-")
