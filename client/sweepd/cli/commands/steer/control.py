"""`sweepctl pause`, `resume`, `stop` and `cancel`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import DOCUMENTS, note, output_option, put, write_document
from sweepd.cli.problem import Problem, usage_problem
from sweepd.cli.settings import current_settings
from sweepd.states import state_of
from sweepd.views.text import clean, live_runs_continue

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client

_changed = output_option(("name", *DOCUMENTS), "name")


@click.command(
    cls=Command, examples=("sweepctl pause k3x9v2ab", "sweepctl pause acme/mnist/k3x9v2ab -o json")
)
@click.argument("sweep", metavar="ID")
@_changed
def pause(sweep: str, output_format: str) -> None:
    """Start no new runs for now; live runs continue.

    When it returns, this holds: committed, over restarts of the server.
    """
    _change(sweep, output_format, lambda client, name: client.pause_sweep(name), "Paused")


@click.command(
    cls=Command, examples=("sweepctl resume k3x9v2ab", "sweepctl resume acme/mnist/k3x9v2ab -o json")
)
@click.argument("sweep", metavar="ID")
@_changed
def resume(sweep: str, output_format: str) -> None:
    """Start new runs again.

    When it returns, this holds: committed, over restarts of the server.
    """
    _change(sweep, output_format, lambda client, name: client.resume_sweep(name), "Resumed")


@click.command(cls=Command, examples=("sweepctl stop k3x9v2ab", "sweepctl stop k3x9v2ab:7"))
@click.argument("name", metavar="ID | RUN")
@_changed
def stop(name: str, output_format: str) -> None:
    """Stop a sweep, or one run.

    Of a sweep, no new run starts any more; live ones end by themselves. A run is ended: SIGTERM to its
    process group, SIGKILL after the stop grace, and its agent takes the next; one that waits never starts.
    Of a standalone run, the script gets SIGTERM alone. When it returns, this holds: committed, over restarts
    of the server.
    """
    with connect(current_settings()) as client:
        named = client.any_name(name)
        if named.is_run:
            _show_run(client.stop_run(named.name), output_format)
        else:
            _show_sweep(client.stop_sweep(named.name), output_format, "Stopped")


@click.command(
    cls=Command, examples=("sweepctl cancel k3x9v2ab", "sweepctl cancel acme/mnist/k3x9v2ab --yes")
)
@click.argument("sweep", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_changed
def cancel(sweep: str, yes: bool, output_format: str) -> None:
    """Start no new runs any more, and kill the live ones at once.

    Asks on a terminal; without one, --yes is needed. Waits up to 10 s for the connected agents and names the
    runs whose agents have not answered.
    """
    from sweepd.views.sweep import sweep_shape

    with connect(current_settings()) as client:
        name = client.sweep_name(sweep)
        if not yes:
            _confirm(name)
        answer = client.cancel_sweep(name)
    if output_format == "name":
        put(f"{answer.sweep.name}\n")
        note("Cancelled.")
    else:
        unconfirmed = list(answer.unconfirmed_runs)
        write_document({**sweep_shape(answer.sweep), "unconfirmedRuns": [*unconfirmed]}, output_format)
    for run in answer.unconfirmed_runs:
        note(f"warning: {clean(run)}: its agent is disconnected; it gets the kill when it reconnects")


def _change(text: str, output_format: str, action: Callable[[Client, str], v1.Sweep], done: str) -> None:
    """Carry out `action` on the sweep that `text` names, and show its new state."""
    with connect(current_settings()) as client:
        _show_sweep(action(client, client.sweep_name(text)), output_format, done)


def _show_sweep(sweep: v1.Sweep, output_format: str, done: str) -> None:
    """Write a changed sweep: its name or its JSON to stdout, a sentence about it to stderr."""
    from sweepd.views.sweep import sweep_shape

    if output_format in DOCUMENTS:
        write_document(sweep_shape(sweep), output_format)
        return
    put(f"{sweep.name}\n")
    live = sweep.run_counts.running + sweep.run_counts.assigned
    state = state_of(sweep)
    parts = [done]
    if state != done.lower() and not sweep.ending:
        parts.append(f"it is {state}")
    if live:
        parts.append(live_runs_continue(live))
    note("; ".join(parts) + ".")


def _show_run(run: v1.Run, output_format: str) -> None:
    from sweepd.views.run import run_shape

    if output_format in DOCUMENTS:
        write_document(run_shape(run), output_format)
        return
    put(f"{run.name}\n")
    state = state_of(run)
    note("Stopped." if state == "stopped" else f"Stopping; it is {state} until its process has ended.")


def _confirm(name: str) -> None:
    """Ask whether to cancel a sweep.

    Raises:
        Problem: the answer is no, or there is no terminal to ask on.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise usage_problem(
            f"cancel kills the live runs of {name}, and there is no terminal to ask on",
            next_step="say --yes",
        )
    if not click.confirm(f"Cancel {name} and kill its live runs?", err=True):
        raise Problem(message="nothing was cancelled")
