"""`sweepctl watch` and `wait`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sweepd.calls.following import Condition, holds, parse_condition
from sweepd.cli.command import command
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.failures import usage_problem
from sweepd.cli.output.formats import note, output_option
from sweepd.cli.settings import connect
from sweepd.cli.show.watching import end_code, follow, warn_of_gap
from sweepd.durations import parse_duration
from sweepd.errors import InvalidError, NotYetError
from sweepd.states import state_of

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.calls.names import Named
    from sweepd.client import Client


@command("sweepctl watch k3x9v2ab", "sweepctl watch k3x9v2ab -o jsonl | jq .state")
@click.argument("name", metavar="ID")
@output_option(("table", "jsonl", "json"))
def watch(name: str, output_format: str) -> int:
    """Follow a sweep or a run until it ends, even across server restarts.

    Redraws on a terminal, appends lines in a pipe. The exit code shows how it ended: 0 finished or stopped,
    8 otherwise.
    """
    with connect() as client:
        return follow(client, client.any_name(name), output_format)


@command("sweepctl wait k3x9v2ab --timeout 10m", "sweepctl wait k3x9v2ab --for 'best<0.1'")
@click.argument("name", metavar="ID")
@click.option(
    "--for",
    "wanted",
    default="finished",
    metavar="WHAT",
    help="Condition: finished (any final state), another state, or best<0.1.",
)
@click.option(
    "--timeout", metavar="DURATION", help="Maximum time to wait, such as 90s or 1h30m; 0: check once."
)
def wait(name: str, wanted: str, timeout: str | None) -> int:
    """Wait until a sweep or a run has ended, even across server restarts.

    Exit code 0: finished or stopped, or --for is fulfilled; 8: ended otherwise; 7: the time limit has passed.
    """
    try:
        seconds = None if timeout is None else parse_duration(timeout)
        condition = parse_condition(wanted)
    except InvalidError as error:
        forms = "--for finished, --for paused or --for 'best<0.1'"
        raise usage_problem(error.message, next_step=forms) from error
    except ValueError as error:
        raise usage_problem(str(error)) from error
    with connect() as client:
        named = client.any_name(name)
        try:
            return _code(client, named, condition, seconds)
        except NotYetError:
            if seconds:
                note("Not yet.")
            return ExitCode.NOT_YET


def _code(client: Client, named: Named, condition: Condition, seconds: float | None) -> int:
    """Wait for the condition; return the exit code."""
    found: v1.Sweep | v1.Run
    if named.is_run:
        found = client.run_until(named.name, condition, seconds=seconds, on_gap=warn_of_gap)
    else:
        found = client.sweep_until(named.name, condition, seconds=seconds)
    if holds(condition, found):
        return ExitCode.OK
    if condition.is_end:
        return end_code(state_of(found))
    note(f"It ended as {state_of(found)}, without fulfilling the condition.")
    return ExitCode.ENDED_BADLY
