"""`sweepctl retry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import note, output_option, put, write_document
from sweepd.cli.problem import usage_problem
from sweepd.cli.settings import current_settings
from sweepd.errors import ClientError
from sweepd.views.text import counted

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client

_STATES = ("failed", "crashed", "stopped", "killed")


@click.command(
    cls=Command,
    examples=(
        "sweepctl retry k3x9v2ab:7 k3x9v2ab:9",
        "sweepctl retry k3x9v2ab --state failed --state crashed",
    ),
)
@click.argument("names", metavar="RUN... | ID", nargs=-1, required=True)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(_STATES),
    help="Of the sweep ID, the runs in this state. Repeatable.",
)
@click.option("--request-id", default="", metavar="TEXT", help="The same text again retries once, for a day.")
@output_option(("name", "json", "jsonl", "yaml"), "name")
def command(names: tuple[str, ...], states: tuple[str, ...], request_id: str, output_format: str) -> None:
    """Hand ended runs out again: the same runs, each with a new attempt.

    They do not count again for run_cap, and a sweep that has ended continues with them, unless it was
    cancelled. All of them or none: a run that cannot be retried is named. Prints the names of those that
    wait again.
    """
    from sweepd.cli.commands.define.creation import note_standstill

    settings = current_settings()
    with connect(settings) as client:
        answer = _retried(client, names, states, request_id)
        if output_format == "name":
            put("".join(f"{name}\n" for name in answer.names))
            _tell(answer, states)
            for sweep in dict.fromkeys(name.rpartition("-")[0] for name in answer.names):
                note_standstill(client, sweep, settings)
    if output_format != "name":
        write_document({"runs": list(answer.names), "total": answer.total}, output_format)


def _retried(
    client: Client, names: tuple[str, ...], states: tuple[str, ...], request_id: str
) -> v1.RetryRunsResponse:
    from sweepd.cli.failures import problem_of

    if states:
        if len(names) > 1:
            raise usage_problem(
                "--state takes one sweep", next_step="sweepctl retry ID --state " + " --state ".join(states)
            )
        return client.retry_runs(sweep=client.sweep_name(names[0]), states=states, request_id=request_id)
    named = [client.any_name(name) for name in names]
    for found in named:
        if not found.is_run:
            raise usage_problem(
                f"{found.name} is a sweep; which of its runs are meant?",
                next_step=f"sweepctl retry {found.name} --state failed",
            )
    try:
        return client.retry_runs([found.name for found in named], request_id=request_id)
    except ClientError as error:
        problem = problem_of(error)
        if error.reason == "invalid-field":  # without the name of the field, which nobody typed
            problem.message = "; ".join(why for _, why in error.violations) or problem.message
            problem.cause = ""
        raise problem from error


def _tell(answer: v1.RetryRunsResponse, states: tuple[str, ...]) -> None:
    if not answer.total:
        note(f"No {' or '.join(states)} run: nothing to retry.")
        return
    more = "" if answer.total == len(answer.names) else f"; the first {len(answer.names)} are named"
    note(f"{counted(answer.total, 'run')} wait{'s' if answer.total == 1 else ''} again{more}.")
