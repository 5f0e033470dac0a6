"""`sweepctl wait`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output import note
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepd import v1
    from sweepd.cli.condition import Condition
    from sweepd.client import Client


@click.command(
    cls=Verb, examples=("sweepctl wait k3x9v2ab --timeout 10m", "sweepctl wait k3x9v2ab --for 'best<0.1'")
)
@click.argument("name", metavar="ID")
@click.option(
    "--for",
    "wanted",
    default="finished",
    metavar="WHAT",
    help="finished (the end), another state, or best<0.1.",
)
@click.option("--timeout", metavar="DURATION", help="Wait so long at most, as 90s or 1h30m; 0 only looks.")
def command(name: str, wanted: str, timeout: str | None) -> int:
    """Wait until a sweep or a run has ended.

    Exit code 0: finished or stopped; 8: it ended otherwise; 7: not yet. Restarts of the server are waited
    for.
    """
    from sweepd.cli.condition import parse_condition
    from sweepd.cli.connection import connect
    from sweepd.cli.problem import usage_problem
    from sweepd.durations import parse_duration

    try:
        seconds = None if timeout is None else parse_duration(timeout)
    except ValueError as error:
        raise usage_problem(str(error)) from error
    condition = parse_condition(wanted)
    with connect(current_settings()) as client:
        named = client.any_name(name)
        if named.is_run:
            run = client.get_run(named.name)
            if condition.comparison is not None and not run.sweep:
                raise usage_problem(
                    f"{run.name} is a run by hand, which has no objective to wait for",
                    next_step="wait for its end, or for a state",
                )
            return _wait(client, run.sweep, run.name, condition, seconds)
        return _wait(client, named.name, None, condition, seconds)


def _wait(client: Client, sweep: str, run: str | None, condition: Condition, seconds: float | None) -> int:
    """Look once, then follow."""
    from sweepd.cli.shapes import run_state, sweep_state
    from sweepd.errors import NotYetError

    if run is None:
        found = client.get_sweep(sweep)
        code = _judge(condition, sweep_state(found), _best(found))
    else:
        live = client.get_run(run)
        code = _judge(condition, run_state(live), live.value if live.HasField("value") else None)
    if code is not None:
        return code
    if seconds == 0:
        return ExitCode.NOT_YET
    try:
        for code in _codes(client, sweep, run, condition, seconds):
            if code is not None:
                return code
    except NotYetError:
        pass
    note("Not yet.")
    return ExitCode.NOT_YET


def _codes(
    client: Client, sweep: str, run: str | None, condition: Condition, seconds: float | None
) -> Iterator[int | None]:
    """Yield what each change means: an exit code, or None while it goes on."""
    from sweepd.cli.following_run import tell_gap
    from sweepd.cli.shapes import run_state

    if run is not None and not sweep:
        for found in client.follow_run(run, seconds=seconds, on_gap=tell_gap):
            yield _judge(condition, run_state(found), None)
        return
    for message in client.follow_sweep(sweep, seconds=seconds):
        yield _judge_message(message, run, condition)


def _judge_message(message: v1.WatchSweepResponse, run: str | None, condition: Condition) -> int | None:
    from sweepd.cli.shapes import run_state, sweep_state

    if run is None:
        return (
            _judge(condition, sweep_state(message.sweep), _best(message.sweep))
            if message.HasField("sweep")
            else None
        )
    for changed in message.runs:
        if changed.name == run:
            best = changed.value if changed.HasField("value") else None
            return _judge(condition, run_state(changed), best)
    return None


def _best(sweep: v1.Sweep) -> float | None:
    return sweep.best_value if sweep.HasField("best_value") else None


def _judge(condition: Condition, state: str, best: float | None) -> int | None:
    """Return the exit code once there is something to tell; None while it goes on."""
    from sweepd.cli.states import FINAL_RUN, FINAL_SWEEP
    from sweepd.cli.watching import end_code

    if condition.holds(state, best):
        return ExitCode.OK
    if state not in FINAL_SWEEP and state not in FINAL_RUN:
        return None
    if condition.is_end:
        return end_code(state)
    note(f"It ended as {state} before that.")
    return ExitCode.ENDED_BADLY
