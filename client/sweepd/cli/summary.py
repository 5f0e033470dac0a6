"""The end of `run` and `demo`: the best run, why there is none, and the commands that go on from here."""

from collections.abc import Mapping

from sweepd import v1
from sweepd.cli.describe import objective_notice
from sweepd.cli.shapes import params_shape, sweep_shape, sweep_state
from sweepd.cli.text import cell, clean, clean_lines, number
from sweepd.cli.winning import shell_line, winning_arguments
from sweepd.client import CallError, Client
from sweepd.codec import point_from_message

_LOG_TAIL_BYTES = 1500
_LOG_TAIL_LINES = 12


def best_lines(sweep: v1.Sweep, run: v1.Run, environ: Mapping[str, str]) -> list[str]:
    """Return the best run of a sweep: its value, its parameters, its arguments."""
    metric = clean(sweep.spec.metric.name)
    lines = [f"Best run: {run.name}   {metric} {number(run.best_value)}"]
    lines += [f"  {clean(name)} = {cell(value)}" for name, value in params_shape(run).items()]
    arguments = argument_line(sweep.spec, run, environ)
    if arguments:
        lines.append(f"  {clean(sweep.spec.program)} {arguments}")
    return lines


def argument_line(spec: v1.SweepSpec, run: v1.Run, environ: Mapping[str, str]) -> str:
    """Return the arguments of a run as its agent passed them, quoted for a shell."""
    recorded = next((list(attempt.argv) for attempt in reversed(run.attempts) if attempt.argv), [])
    return shell_line(
        winning_arguments(
            spec.command,
            program=spec.program or None,
            params=point_from_message(run.parameters),
            argv=recorded,
            environ=environ,
        )
    )


def best_run(client: Client, sweep: str) -> v1.Run | None:
    """Return the best run; None if no run has a value."""
    return next(client.list_runs(sweep, best_first=True, limit=1), None)


def trouble_lines(client: Client, sweep: v1.Sweep) -> list[str]:
    """Return why a sweep has no best run: the objective that was not logged, or the last words of a run."""
    lines = [f"No run of {sweep.name} has a value; it is {sweep_state(sweep)}."]
    if sweep.reason:
        lines.append(clean(sweep.reason))
    if missing := objective_notice(sweep_shape(sweep)):
        return [*lines, missing]
    failed = next(client.list_runs(sweep.name, states=[v1.RUN_STATE_FAILED], limit=1), None)
    if failed is None:
        return lines
    reasons = [failed.reason, *(attempt.reason or attempt.exit.message for attempt in failed.attempts)]
    lines.append(f"Run {failed.number} failed: {clean(next(filter(None, reasons), 'see its log'))}")
    return [*lines, *log_tail(client, failed.name)]


def log_tail(client: Client, run: str) -> list[str]:
    """Return the last lines that a run printed; none if they cannot be had."""
    try:
        pieces = [piece.content for piece in client.read_log(run, tail_bytes=_LOG_TAIL_BYTES, seconds=5.0)]
    except CallError:
        return []
    text = clean_lines(b"".join(pieces).decode("utf-8", "replace"))
    return [f"  | {line}" for line in text.splitlines()[-_LOG_TAIL_LINES:]]


def worked(sweep: v1.Sweep) -> bool:
    """Tell whether any run of an ended sweep came to a good end, or was never meant to start."""
    counts = sweep.run_counts
    return bool(counts.finished or counts.stopped) or not (counts.failed or counts.crashed)
