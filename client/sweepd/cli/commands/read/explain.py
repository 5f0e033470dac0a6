"""`sweepctl explain`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import output_option, page, terminal_width, write_document
from sweepd.cli.settings import current_settings

if TYPE_CHECKING:
    from sweepd.client import Client


@click.command(cls=Command, examples=("sweepctl explain k3x9v2ab:7", "sweepctl explain k3x9v2ab -o json"))
@click.argument("name", metavar="RUN | ID")
@output_option(("table", "json", "jsonl", "yaml"))
def command(name: str, output_format: str) -> None:
    """Tell the story of a run, or what holds a sweep back.

    Of a run: why this point, why it was stopped, what each attempt died of and with which arguments, why it
    waits, and the record of it. Of a sweep: why it hands out nothing at the moment, and the remedy.
    """
    with connect(current_settings()) as client:
        named = client.any_name(name)
        if named.is_run:
            _run(client, named.name, output_format)
        else:
            _sweep(client, named.name, output_format)


def _run(client: Client, name: str, output_format: str) -> None:
    from sweepd.cli.show.explanation import run_explanation
    from sweepd.views.run import event_shape, run_shape
    from sweepd.views.sweep import obstacle_shape

    answer = client.explain_run(name)
    run = run_shape(answer.run)
    events = [event_shape(event) for event in answer.events]
    obstacles = [obstacle_shape(obstacle) for obstacle in answer.obstacles]
    if output_format == "table":
        colored = current_settings().colored(sys.stdout)
        page(run_explanation(run, events, obstacles, colored=colored, width=terminal_width()))
    else:
        write_document({**run, "events": [*events], "obstacles": [*obstacles]}, output_format)


def _sweep(client: Client, name: str, output_format: str) -> None:
    from sweepd.cli.show.explanation import sweep_explanation
    from sweepd.views.sweep import obstacle_shape, sweep_shape

    answer = client.explain_sweep(name)
    sweep = sweep_shape(answer.sweep)
    obstacles = [obstacle_shape(obstacle) for obstacle in answer.obstacles]
    if output_format == "table":
        colored = current_settings().colored(sys.stdout)
        page(sweep_explanation(sweep, obstacles, colored=colored, width=terminal_width()))
    else:
        write_document({**sweep, "obstacles": [*obstacles]}, output_format)
