"""One sweep or one run: `sweepctl get` and `explain`."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from sweepd.calls.names import Named
from sweepd.cli.command import command
from sweepd.cli.commands.define.creation import sweep_document, sweep_text
from sweepd.cli.failures import Readable, usage_problem
from sweepd.cli.output.formats import (
    DOCUMENTS,
    columns_option,
    note,
    output_of,
    output_option,
    page,
    put,
    terminal_width,
    write_document,
    write_rows,
)
from sweepd.cli.settings import connect, current_settings
from sweepd.cli.show.describe import describe_run, describe_sweep
from sweepd.cli.show.explanation import run_explanation, sweep_explanation
from sweepd.cli.show.outcome import memory_hint, was_killed
from sweepd.cli.show.watching import follow
from sweepd.errors import ClientError
from sweepd.views.rows import Row
from sweepd.views.run import event_shape, run_shape, runs_columns
from sweepd.views.summary import run_summary
from sweepd.views.sweep import SWEEPS, obstacle_shape, sweep_shape
from sweepd.views.values import plain_json

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client


@command("sweepctl get k3x9v2ab --spec > sweep.yaml", "sweepctl get run k3x9v2ab:7 -o json")
@click.argument("words", metavar="[sweep|run] ID", nargs=-1, required=True)
@click.option("--watch", is_flag=True, help="Keep watching: redraw on a terminal, append changes in a pipe.")
@click.option("--spec", is_flag=True, help="Print the sweep file of this sweep, as YAML or JSON.")
@columns_option
@output_option()
def get(
    words: tuple[str, ...], watch: bool, spec: bool, columns: str | None, output_format: str
) -> int | None:
    """Show a sweep, or a run with its attempts. `sweep` and `run` may be omitted: all ids are unique.

    `--spec` prints the sweep file, with its seed and later edits; `sweepctl create` accepts it.
    """
    with connect() as client:
        named = _named(client, words)
        if spec:
            if named.is_run or watch or columns:
                raise usage_problem("--spec requires one sweep", next_step="sweepctl get ID --spec")
            _write_spec(client.get_sweep(named.name), output_format)
        elif watch:
            if columns or output_format not in ("table", "json", "jsonl"):
                raise usage_problem(
                    "--watch takes neither --columns nor formats other than table, json and jsonl",
                    next_step="sweepctl get ID --watch -o jsonl",
                )
            return follow(client, named, output_format)
        else:
            _show(client, named, output_format, columns)
    return None


def _write_spec(sweep: v1.Sweep, output_format: str) -> None:
    if output_format in ("json", "jsonl"):
        write_document(sweep_document(sweep), output_format)
    else:
        put(sweep_text(sweep))


def _named(client: Client, words: tuple[str, ...]) -> Named:
    match words:
        case ("run", text):
            return Named(client.run_name(text), is_run=True)
        case ("sweep", text):
            return Named(client.sweep_name(text), is_run=False)
        case (text,):
            return client.any_name(text)
        case _:
            raise usage_problem("get takes one ID", next_step="sweepctl get [sweep|run] ID")


def _describe(client: Client, run: v1.Run, shape: Row, *, colored: bool) -> str:
    readable = Readable()
    summary: dict[str, object] = {}
    try:
        summary = run_summary(readable.of(client.summaries(runs=[run.name])), run.details)
        readable.finish()
    except ClientError as error:  # show the rest even if the metric store is unavailable
        if error.code == "DATA_LOSS":
            note(f"warning: {error}")
    hint = memory_hint(client, run.name) if was_killed(shape) else ""
    plain = plain_json(summary)
    return describe_run(shape, colored=colored, summary=plain, hint=hint, width=terminal_width())


def _show(client: Client, named: Named, output_format: str, columns: str | None) -> None:
    run = client.get_run(named.name) if named.is_run else None
    shape = sweep_shape(client.get_sweep(named.name)) if run is None else run_shape(run)
    output = output_of(output_format, columns=columns)
    if output_format in DOCUMENTS and not columns:
        write_document(shape, output_format)
    elif output_format in ("csv", "name") or columns:
        listed = SWEEPS if run is None else runs_columns([shape])
        write_rows([shape], output, listed, name="name" if run is None else "run")
    else:
        colored = current_settings().colored(sys.stdout)
        if run is None:
            put(describe_sweep(shape, colored=colored, width=terminal_width()))
        else:
            put(_describe(client, run, shape, colored=colored))


@command("sweepctl explain k3x9v2ab:7", "sweepctl explain k3x9v2ab -o json")
@click.argument("name", metavar="RUN | ID")
@output_option(("table", *DOCUMENTS))
def explain(name: str, output_format: str) -> None:
    """Explain why a run is in its state, or why a sweep waits.

    For a run: why it has this point, why it was stopped, the arguments and the end of each attempt, why it
    waits, and its events. For a sweep: why it hands out no runs at the moment, and the remedy.
    """
    with connect() as client:
        named = client.any_name(name)
        if named.is_run:
            of_run = client.explain_run(named.name)
            run, events = run_shape(of_run.run), [event_shape(event) for event in of_run.events]
            obstacles = [obstacle_shape(obstacle) for obstacle in of_run.obstacles]
            document: Row = {**run, "events": [*events]}
            explanation = partial(run_explanation, run, events)
        else:
            of_sweep = client.explain_sweep(named.name)
            obstacles = [obstacle_shape(obstacle) for obstacle in of_sweep.obstacles]
            document = sweep_shape(of_sweep.sweep)
            explanation = partial(sweep_explanation, document)
    if output_format == "table":
        colored = current_settings().colored(sys.stdout)
        page(explanation(obstacles, colored=colored, width=terminal_width()))
    else:
        write_document({**document, "obstacles": [*obstacles]}, output_format)
