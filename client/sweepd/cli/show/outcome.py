"""Text about the outcome of a sweep: its best run and the command line of that run, or its failures."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGKILL
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls.logs import Place
from sweepd.cli.failures import Problem
from sweepd.cli.show.describe import end_reason, last_attempt, objective_notice, reason_states_objective
from sweepd.codec.values import point_from_message
from sweepd.errors import ClientError
from sweepd.spec.command import DEFAULT_COMMAND, expand_command
from sweepd.spec.macros import CommandError, MacroValues
from sweepd.spec.point import Json
from sweepd.states import BAD_ENDS, state_of
from sweepd.views.rows import Row, lookup
from sweepd.views.run import params_shape, recorded_arguments, run_shape
from sweepd.views.sweep import every_run_failed, sweep_shape
from sweepd.views.text import cell, clean, clean_lines, counted, number, size_text
from sweepd.views.values import Value, logged_value

if TYPE_CHECKING:
    from sweepd.client import Client


_PROGRAM = "${program}"
_MACRO = re.compile(r"\$\{[^${}]*\}")
_VARIABLE = re.compile(r"\$\{envvar:([A-Z0-9_]+)\}")
_NOT_ARGUMENTS = ("${env}", "${interpreter}")


def reproduce_arguments(
    command: Sequence[str],
    *,
    program: str | None,
    params: Mapping[str, Json],
    argv: Sequence[str],
    environ: Mapping[str, str],
) -> list[str]:
    """Return the arguments after the program on the command line of a run.

    Args:
        command: items of the sweep's command; empty for the default command.
        program: program of the sweep.
        params: point of the run.
        argv: argument vector that the agent recorded; empty if none.
        environ: values for `${envvar:NAME}` if the command has to be expanded here.

    Raises:
        Problem: the arguments cannot be taken from `argv`, and the command cannot be expanded here.
    """
    items = list(command) or list(DEFAULT_COMMAND)
    if _PROGRAM in items:
        split = items.index(_PROGRAM) + 1
        head, tail = items[:split], items[split:]
        if argv:
            return list(argv[_length(head, program, params) :])
    else:
        tail = [item for item in items if _MACRO.fullmatch(item) and item not in _NOT_ARGUMENTS]
    try:
        # The program comes first, so that the command is not empty if there are no arguments.
        values = MacroValues(program=program or "-", params=params)
        return expand_command([_PROGRAM, *tail], values, environ)[1:]
    except CommandError as error:
        raise Problem(message="the arguments cannot be determined here", cause=str(error)) from error


def shell_line(arguments: Sequence[str]) -> str:
    """Return arguments on one line, quoted for a POSIX shell."""
    return " ".join(_shell_word(argument) for argument in arguments)


def _shell_word(argument: str) -> str:
    if argument.isprintable() or not any(ord(sign) < 0x20 or ord(sign) == 0x7F for sign in argument):
        return shlex.quote(argument)
    # Only this form of quoting (bash, zsh, ksh) keeps an argument with a line feed on one line.
    escaped = "".join(
        f"\\x{ord(sign):02x}" if ord(sign) < 0x20 or ord(sign) == 0x7F else sign
        for sign in argument.replace("\\", "\\\\").replace("'", "\\'")
    )
    return f"$'{escaped}'"


def _length(head: Sequence[str], program: str | None, params: Mapping[str, Json]) -> int:
    """Return the number of arguments that `head` expands to, whatever the values of its variables."""
    plain = [_VARIABLE.sub("x", item) for item in head]
    return len(expand_command(plain, MacroValues(program=program or "-", params=params), {}))


_MAX_RUNS = 1_000
"""Maximum number of failed runs whose causes are read."""
_MAX_CAUSES = 5
_RUN_MEMORY = "system/memory"
_HOST_MEMORY = "system/host/memory_percent"
# Parts that vary between failures with the same cause: decimal and hexadecimal numbers, and quoted text.
_VARYING = re.compile(r"0x[0-9a-fA-F]+|\d[\d.,]*(?:e[+-]?\d+)?|'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Cause shared by `count` failed runs; `run` is the first of them."""

    reason: str
    count: int
    run: str
    killed: bool


def all_failed(sweep: v1.Sweep) -> bool:
    """Return True if a sweep has runs, and all of them have failed or crashed."""
    return every_run_failed(sweep_shape(sweep))


def causes(runs: Iterable[v1.Run]) -> list[Cause]:
    """Return the causes of failures, most frequent first; merge causes that differ only in varying parts."""
    found: dict[tuple[object, ...], Cause] = {}
    for run in runs:
        shape = run_shape(run)
        last = _last_exit(shape)
        reason = end_reason(shape) or "no reason was reported"
        key = (lookup(last, "cause"), lookup(last, "code"), lookup(last, "signal"), _VARYING.sub("", reason))
        first = found.get(key)
        found[key] = Cause(
            reason=first.reason if first else reason,
            count=first.count + 1 if first else 1,
            run=first.run if first else run.name,
            killed=was_killed(shape),
        )
    return sorted(found.values(), key=lambda cause: -cause.count)


def was_killed(run: Row) -> bool:
    """Return True if the last attempt of a run was ended by a SIGKILL that sweepd did not send."""
    last = _last_exit(run)
    cause, signal = lookup(last, "cause"), lookup(last, "signal")
    return cause == "out-of-memory" or (cause == "signaled" and signal == SIGKILL)


def failure_lines(client: Client, sweep: v1.Sweep) -> list[str]:
    """Return lines with the causes of failures: number of runs, reason, and a command that shows a log."""
    runs = list(client.list_runs(sweep.name, states=BAD_ENDS, limit=_MAX_RUNS))
    failed = sweep.run_counts.failed + sweep.run_counts.crashed
    found = causes(runs)
    lines = [] if failed <= len(runs) else [f"of the first {len(runs):,} of {failed:,}:"]
    for cause in found[:_MAX_CAUSES]:
        lines.append(f"{counted(cause.count, 'run')}: {cause.reason}")
        if cause.killed:
            lines.append(f"  {memory_hint(client, cause.run)}")
        lines.append(f"  sweepctl logs {cause.run}")
    if len(found) > _MAX_CAUSES:
        rest = sum(cause.count for cause in found[_MAX_CAUSES:])
        lines.append(f"{counted(rest, 'run')}: {len(found) - _MAX_CAUSES} other causes")
    return lines


def failure_heading(sweep: v1.Sweep) -> str:
    """Return the statement that all runs of a sweep have failed."""
    failed = sweep.run_counts.failed + sweep.run_counts.crashed
    return (
        f"the only run of {sweep.name} failed"
        if failed == 1
        else f"all {failed:,} runs of {sweep.name} failed"
    )


def memory_hint(client: Client, run: str) -> str:
    """Return the likely cause of a SIGKILL, with the memory use of the run when last sampled."""
    samples: dict[str, Value] = {}
    keys = (_RUN_MEMORY, _HOST_MEMORY)
    with suppress(ClientError):  # the metric store is unavailable or damaged
        for each in client.summaries(runs=[run], keys=keys, system=True):
            samples[each.key] = logged_value(each.last)
    return memory_text(samples)


def memory_text(samples: dict[str, Value]) -> str:
    """Return the hint for a run, given its last memory samples; a very short run has no samples."""
    hint = "sweepd did not kill it; probably the kernel did, for lack of memory"
    used, share = samples.get(_RUN_MEMORY), samples.get(_HOST_MEMORY)
    sampled: Sequence[str] = [
        *([f"the run had {size_text(round(used))}"] if isinstance(used, int | float) else []),
        *([f"{number(share)}% of the host's memory was in use"] if isinstance(share, int | float) else []),
    ]
    return (
        f"{hint}; when last sampled, {', '.join(sampled)}"
        if sampled
        else f"{hint}; it ended before any sample"
    )


def _last_exit(run: Row) -> Row:
    found = last_attempt(run).get("exit")
    return found if isinstance(found, dict) else {}


_LOG_TAIL_BYTES = 1500
_LOG_TAIL_LINES = 12


def best_lines(sweep: v1.Sweep, run: v1.Run, environ: Mapping[str, str]) -> list[str]:
    """Return lines about the best run of a sweep: value, parameters and arguments."""
    metric = clean(sweep.spec.metric.name)
    lines = [f"Best run: {run.name}   {metric} {number(run.value)}"]
    if sweep.spec.repeats > 1 and run.name == sweep.best_run:
        runs = f"{cell(sweep_shape(sweep)['aggregate'])} of the {sweep.spec.repeats} runs of its point"
        lines = [f"Best run: {run.name}   {metric} {number(sweep.best_value)} ({runs})"]
    if state_of(run) in BAD_ENDS:
        lines.append(f"  It {state_of(run)}: {end_reason(run_shape(run)) or 'see its log'}")
    lines += [f"  {clean(name)} = {cell(value)}" for name, value in params_shape(run).items()]
    arguments = argument_line(sweep.spec, run, environ)
    if arguments:
        lines.append(f"  {clean(sweep.spec.program)} {arguments}")
    return lines


def argument_line(spec: v1.SweepSpec, run: v1.Run, environ: Mapping[str, str]) -> str:
    """Return the arguments of a run as its agent passed them, quoted for a shell."""
    return shell_line(
        reproduce_arguments(
            spec.command,
            program=spec.program or None,
            params=point_from_message(run.parameters),
            argv=recorded_arguments(run),
            environ=environ,
        )
    )


def best_run(client: Client, sweep: v1.Sweep) -> v1.Run | None:
    """Return the best run if any; with repeats, the first run of the best point once a point is complete."""
    return client.best_run(sweep) or next(client.list_runs(sweep.name, best_first=True, limit=1), None)


def failed_run(client: Client, sweep: str) -> v1.Run | None:
    """Return a run that failed or crashed; None if there is none."""
    return next(client.list_runs(sweep, states=BAD_ENDS, limit=1), None)


def next_command(client: Client, sweep: v1.Sweep) -> str:
    """Return a command for a sweep without a best run: show the log of a failed run, or list the runs."""
    failed = failed_run(client, sweep.name)
    return f"sweepctl logs {failed.name}" if failed is not None else f"sweepctl runs {sweep.name}"


def trouble_lines(client: Client, sweep: v1.Sweep) -> list[str]:
    """Return lines that explain why a sweep has no best run: a missing objective, or failures."""
    if all_failed(sweep):
        heading = failure_heading(sweep)
        lines = [f"  {clean(line)}" for line in failure_lines(client, sweep)]
        first = failed_run(client, sweep.name)
        reason = end_reason(run_shape(first)) if first is not None else ""
        tail = log_tail(client, first.name) if first is not None else []
        lines += [f"Run {first.number} ended with:", *tail] if first is not None and tail else []
        return [
            f"{heading[0].upper()}{heading[1:]}:",
            *lines,
            *remedy(reason, has_compat=bool(sweep.spec.compat)),
        ]
    lines = [f"No run of {sweep.name} has a value; it is {state_of(sweep)}."]
    if sweep.reason:
        lines.append(clean(sweep.reason))
    shape = sweep_shape(sweep)
    if missing := objective_notice(shape):
        return lines if reason_states_objective(shape) else [*lines, missing]
    failed = failed_run(client, sweep.name)
    if failed is None:
        return lines
    reason = end_reason(run_shape(failed)) or "see its log"
    tail = log_tail(client, failed.name)
    if reason not in lines[-1]:
        lines.append(f"Run {failed.number} {state_of(failed)}: {reason}")
    elif tail:
        lines.append(f"Run {failed.number} {state_of(failed)}:")
    return [*lines, *tail, *remedy(reason, has_compat=bool(sweep.spec.compat))]


def remedy(reason: str, *, has_compat: bool) -> list[str]:
    """Return the remedy for a known error message of a script; empty for any other message."""
    if "No module named 'wandb'" in reason and not has_compat:
        return ["The script imports wandb; with `compat: wandb` in the sweep file it gets sweepd instead."]
    if "No module named 'sweepd'" in reason:
        return ["The `python` on the PATH lacks sweepd: activate the environment that contains sweepd."]
    return []


def log_tail(client: Client, run: str) -> list[str]:
    """Return the last lines of the log of a run; empty if the log cannot be read."""
    try:
        end = client.read_log(run, Place(tail_bytes=_LOG_TAIL_BYTES), seconds=5.0)
        pieces = [content for _, content in end]
    except ClientError:
        return []
    text = clean_lines(b"".join(pieces).decode("utf-8", "replace"))
    return [f"  | {line}" for line in text.splitlines()[-_LOG_TAIL_LINES:]]


def worked(sweep: v1.Sweep) -> bool:
    """Return True if any run of a sweep finished or was stopped, or no run failed."""
    counts = sweep.run_counts
    return bool(counts.finished or counts.stopped) or not (counts.failed or counts.crashed)
