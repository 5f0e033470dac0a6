"""Outcome of `run` and `demo`: the best run, or why there is none, and the next commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls.logs import Place
from sweepd.calls.states import run_state, sweep_state
from sweepd.cli.show.describe import end_reason, objective_notice, tells_objective
from sweepd.cli.show.failed_runs import all_failed, failure_heading, failure_lines
from sweepd.cli.show.reproduce import reproduce_arguments, shell_line
from sweepd.codec import point_from_message
from sweepd.errors import ClientError
from sweepd.views.run import params_shape, run_shape
from sweepd.views.sweep import sweep_shape
from sweepd.views.text import cell, clean, clean_lines, number

if TYPE_CHECKING:
    from sweepd.client import Client

_LOG_TAIL_BYTES = 1500
_LOG_TAIL_LINES = 12


def best_lines(sweep: v1.Sweep, run: v1.Run, environ: Mapping[str, str]) -> list[str]:
    """Return the best run of a sweep: its value, its parameters, its arguments."""
    metric = clean(sweep.spec.metric.name)
    lines = [f"Best run: {run.name}   {metric} {number(run.value)}"]
    if sweep.spec.repeats > 1 and run.name == sweep.best_run:
        runs = f"{cell(sweep_shape(sweep)['aggregate'])} of the {sweep.spec.repeats} runs of its point"
        lines = [f"Best run: {run.name}   {metric} {number(sweep.best_value)} ({runs})"]
    if run_state(run) in ("failed", "crashed"):
        lines.append(f"  It {run_state(run)}: {end_reason(run_shape(run)) or 'see its log'}")
    lines += [f"  {clean(name)} = {cell(value)}" for name, value in params_shape(run).items()]
    arguments = argument_line(sweep.spec, run, environ)
    if arguments:
        lines.append(f"  {clean(sweep.spec.program)} {arguments}")
    return lines


def argument_line(spec: v1.SweepSpec, run: v1.Run, environ: Mapping[str, str]) -> str:
    """Return the arguments of a run as its agent passed them, quoted for a shell."""
    recorded = next((list(attempt.argv) for attempt in reversed(run.attempts) if attempt.argv), [])
    return shell_line(
        reproduce_arguments(
            spec.command,
            program=spec.program or None,
            params=point_from_message(run.parameters),
            argv=recorded,
            environ=environ,
        )
    )


def best_run(client: Client, sweep: v1.Sweep) -> v1.Run | None:
    """Return the best run, with repeats the first of the best point, or while none is complete, the best."""
    return client.best_run(sweep) or next(client.list_runs(sweep.name, best_first=True, limit=1), None)


def failed_run(client: Client, sweep: str) -> v1.Run | None:
    """Return a run that failed or crashed; None if none did."""
    states = [v1.RUN_STATE_FAILED, v1.RUN_STATE_CRASHED]
    return next(client.list_runs(sweep, states=states, limit=1), None)


def look_into(client: Client, sweep: v1.Sweep) -> str:
    """Return the command that tells most of a sweep without a best run: a failed run's log, or the runs."""
    failed = failed_run(client, sweep.name)
    return f"sweepctl logs {failed.name}" if failed is not None else f"sweepctl runs {sweep.name}"


def trouble_lines(client: Client, sweep: v1.Sweep) -> list[str]:
    """Return why a sweep has no best run: the objective that was not logged, or the last words of a run."""
    if all_failed(sweep):
        heading = failure_heading(sweep)
        told = [f"  {clean(line)}" for line in failure_lines(client, sweep)]
        first = failed_run(client, sweep.name)
        reason = end_reason(run_shape(first)) if first is not None else ""
        tail = log_tail(client, first.name) if first is not None else []
        told += [f"Run {first.number} ended with:", *tail] if first is not None and tail else []
        return [
            f"{heading[0].upper()}{heading[1:]}:",
            *told,
            *remedy(reason, has_compat=bool(sweep.spec.compat)),
        ]
    lines = [f"No run of {sweep.name} has a value; it is {sweep_state(sweep)}."]
    if sweep.reason:
        lines.append(clean(sweep.reason))
    shape = sweep_shape(sweep)
    if missing := objective_notice(shape):
        return lines if tells_objective(shape) else [*lines, missing]
    failed = failed_run(client, sweep.name)
    if failed is None:
        return lines
    reason = end_reason(run_shape(failed)) or "see its log"
    tail = log_tail(client, failed.name)
    if reason not in lines[-1]:
        lines.append(f"Run {failed.number} {run_state(failed)}: {reason}")
    elif tail:
        lines.append(f"Run {failed.number} {run_state(failed)}:")
    return [*lines, *tail, *remedy(reason, has_compat=bool(sweep.spec.compat))]


def remedy(reason: str, *, has_compat: bool) -> list[str]:
    """Return what to do about the last words of a script, where they tell it; else nothing."""
    if "No module named 'wandb'" in reason and not has_compat:
        return ["The script imports wandb; with `compat: wandb` in the sweep file it gets sweepd instead."]
    if "No module named 'sweepd'" in reason:
        return ["The `python` on the PATH has no sweepd: activate the environment that it is installed in."]
    return []


def log_tail(client: Client, run: str) -> list[str]:
    """Return the last lines that a run printed; none if they cannot be had."""
    try:
        end = client.read_log(run, Place(tail_bytes=_LOG_TAIL_BYTES), seconds=5.0)
        pieces = [content for _, content in end]
    except ClientError:
        return []
    text = clean_lines(b"".join(pieces).decode("utf-8", "replace"))
    return [f"  | {line}" for line in text.splitlines()[-_LOG_TAIL_LINES:]]


def worked(sweep: v1.Sweep) -> bool:
    """Tell whether any run of an ended sweep came to a good end, or was never meant to start."""
    counts = sweep.run_counts
    return bool(counts.finished or counts.stopped) or not (counts.failed or counts.crashed)
