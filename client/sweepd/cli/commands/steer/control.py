"""State changes of sweeps and runs: `sweepctl pause`, `resume`, `stop`, `cancel` and `retry`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import command
from sweepd.cli.commands.define.creation import note_standstill
from sweepd.cli.failures import Problem, problem_of, usage_problem
from sweepd.cli.output.formats import change_output_option, note, write_change
from sweepd.cli.settings import connect
from sweepd.errors import ClientError
from sweepd.spec.point import Json
from sweepd.states import state_of
from sweepd.views.run import run_shape
from sweepd.views.sweep import sweep_shape
from sweepd.views.text import clean, counted, live_runs_continue

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client


@command("sweepctl pause k3x9v2ab", "sweepctl pause acme/mnist/k3x9v2ab -o json")
@click.argument("sweep", metavar="ID")
@change_output_option
def pause(sweep: str, output_format: str) -> None:
    """Pause a sweep: start no new runs until it is resumed; live runs continue.

    The change is committed when the command returns, and survives restarts of the server.
    """
    _change(sweep, output_format, lambda client, name: client.pause_sweep(name), "Paused")


@command("sweepctl resume k3x9v2ab", "sweepctl resume acme/mnist/k3x9v2ab -o json")
@click.argument("sweep", metavar="ID")
@change_output_option
def resume(sweep: str, output_format: str) -> None:
    """Resume a paused sweep: start new runs again.

    The change is committed when the command returns, and survives restarts of the server.
    """
    _change(sweep, output_format, lambda client, name: client.resume_sweep(name), "Resumed")


@command("sweepctl stop k3x9v2ab", "sweepctl stop k3x9v2ab:7")
@click.argument("name", metavar="ID | RUN")
@change_output_option
def stop(name: str, output_format: str) -> None:
    """Stop a sweep, or one run.

    A stopped sweep starts no new runs; its live runs continue to their end. To stop a run, its process group
    gets SIGTERM, and SIGKILL after the stop grace; a waiting run never starts. The script of a standalone run
    gets only SIGTERM. The change is committed when the command returns, and survives restarts of the server.
    """
    with connect() as client:
        named = client.any_name(name)
        if named.is_run:
            _show_run(client.stop_run(named.name), output_format)
        else:
            _show_sweep(client.stop_sweep(named.name), output_format, "Stopped")


@command("sweepctl cancel k3x9v2ab", "sweepctl cancel acme/mnist/k3x9v2ab --yes")
@click.argument("sweep", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@change_output_option
def cancel(sweep: str, yes: bool, output_format: str) -> None:
    """Cancel a sweep: start no new runs, and kill the live ones at once.

    Asks for confirmation on a terminal; without a terminal, --yes is required. Waits up to 10 s for the
    connected agents, and names the runs whose agents have not answered.
    """
    with connect() as client:
        name = client.sweep_name(sweep)
        if not yes:
            _confirm(name)
        answer = client.cancel_sweep(name)
    document: Json = {**sweep_shape(answer.sweep), "unconfirmedRuns": [*answer.unconfirmed_runs]}
    if write_change([answer.sweep.name], document, output_format):
        note("Cancelled.")
    for run in answer.unconfirmed_runs:
        note(f"warning: {clean(run)}: its agent is disconnected, and kills the run when it reconnects")


def _change(text: str, output_format: str, action: Callable[[Client, str], v1.Sweep], done: str) -> None:
    """Apply `action` to the sweep that `text` names, and show its new state."""
    with connect() as client:
        _show_sweep(action(client, client.sweep_name(text)), output_format, done)


def _show_sweep(sweep: v1.Sweep, output_format: str, done: str) -> None:
    """Write a changed sweep: its name or its JSON to stdout, a note on its state to stderr."""
    if not write_change([sweep.name], sweep_shape(sweep), output_format):
        return
    live = sweep.run_counts.running + sweep.run_counts.assigned
    state = state_of(sweep)
    parts = [done]
    if state != done.lower() and not sweep.ending:
        parts.append(f"it is {state}")
    if live:
        parts.append(live_runs_continue(live))
    note("; ".join(parts) + ".")


def _show_run(run: v1.Run, output_format: str) -> None:
    state = state_of(run)
    if write_change([run.name], run_shape(run), output_format):
        note("Stopped." if state == "stopped" else f"Stopping; it is {state} until its process has ended.")


def _confirm(name: str) -> None:
    """Ask whether to cancel a sweep.

    Raises:
        Problem: the user declined, or stdin or stderr is not a terminal.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise usage_problem(
            f"cancel kills the live runs of {name}, and there is no terminal to ask for confirmation",
            next_step="pass --yes",
        )
    if not click.confirm(f"Cancel {name} and kill its live runs?", err=True):
        raise Problem(message="nothing was cancelled")


_STATES = ("failed", "crashed", "stopped", "killed")


@command("sweepctl retry k3x9v2ab:7 k3x9v2ab:9", "sweepctl retry k3x9v2ab --state failed --state crashed")
@click.argument("names", metavar="RUN... | ID", nargs=-1, required=True)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(_STATES),
    help="Retry the runs of sweep ID in this state. Repeatable.",
)
@click.option(
    "--request-id",
    default="",
    metavar="TEXT",
    help="Idempotency key: repeating it within a day retries only once.",
)
@change_output_option
def retry(names: tuple[str, ...], states: tuple[str, ...], request_id: str, output_format: str) -> None:
    """Retry ended runs: each gets a new attempt.

    They do not count again towards run_cap, and an ended sweep continues with them, unless it was cancelled.
    If one run cannot be retried, the command names it and retries none. Prints the names of the retried runs.
    """
    with connect() as client:
        answer = _retried(client, names, states, request_id)
        if write_change(answer.names, {"runs": [*answer.names], "total": answer.total}, output_format):
            _note_retried(answer, states)
            for sweep in dict.fromkeys(name.rpartition("-")[0] for name in answer.names):
                note_standstill(client, sweep)


def _retried(
    client: Client, names: tuple[str, ...], states: tuple[str, ...], request_id: str
) -> v1.RetryRunsResponse:
    if states:
        if len(names) > 1:
            raise usage_problem(
                "--state requires one sweep",
                next_step="sweepctl retry ID --state " + " --state ".join(states),
            )
        return client.retry_runs(sweep=client.sweep_name(names[0]), states=states, request_id=request_id)
    named = [client.any_name(name) for name in names]
    for found in named:
        if not found.is_run:
            raise usage_problem(
                f"{found.name} is a sweep; expected runs, or --state to select them",
                next_step=f"sweepctl retry {found.name} --state failed",
            )
    try:
        return client.retry_runs([found.name for found in named], request_id=request_id)
    except ClientError as error:
        problem = problem_of(error)
        if error.reason == "invalid-field":  # omit the field name: the user did not type it
            problem.message = "; ".join(why for _, why in error.violations) or problem.message
            problem.cause = ""
        raise problem from error


def _note_retried(answer: v1.RetryRunsResponse, states: tuple[str, ...]) -> None:
    if not answer.total:
        note(f"No {' or '.join(states)} run: nothing to retry.")
        return
    more = "" if answer.total == len(answer.names) else f"; the first {len(answer.names)} are named"
    note(f"Retrying {counted(answer.total, 'run')}{more}.")
