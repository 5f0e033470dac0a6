"""Report of runs that all failed: their number, their causes, and the logs. Pure but for what is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGKILL
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.cli.show.describe import end_reason
from sweepd.errors import ClientError
from sweepd.views.rows import Row, lookup
from sweepd.views.run import run_shape
from sweepd.views.sweep import every_run_failed, sweep_shape
from sweepd.views.text import counted, number, size_text
from sweepd.views.values import Value, logged_value

if TYPE_CHECKING:
    from sweepd.client import Client

_FAILED = (v1.RUN_STATE_FAILED, v1.RUN_STATE_CRASHED)
_MOST_RUNS = 1_000
"""Runs whose causes are looked at; the counts are those of all."""
_MOST_CAUSES = 5
_OF_THE_RUN = "system/memory"
_OF_THE_HOST = "system/host/memory_percent"
# What differs between runs that failed alike: numbers, hexadecimal ones too, and what is quoted.
_VARYING = re.compile(r"0x[0-9a-fA-F]+|\d[\d.,]*(?:e[+-]?\d+)?|'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Runs that ended alike, by the first of them."""

    reason: str
    count: int
    run: str
    killed: bool


def all_failed(sweep: v1.Sweep) -> bool:
    """Tell whether a sweep has runs, and each of them has failed or crashed."""
    return every_run_failed(sweep_shape(sweep))


def causes(runs: Iterable[v1.Run]) -> list[Cause]:
    """Return the causes of failures, the most frequent first; those that differ by numbers alone are one."""
    found: dict[tuple[object, ...], Cause] = {}
    for run in runs:
        shape = run_shape(run)
        last = _last_exit(shape)
        reason = end_reason(shape) or "for no reason that was reported"
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
    """Tell whether SIGKILL has ended the last attempt of a run without anybody of sweepd having sent it."""
    last = _last_exit(run)
    cause, signal = lookup(last, "cause"), lookup(last, "signal")
    return cause == "out-of-memory" or (cause == "signaled" and signal == SIGKILL)


def failure_lines(client: Client, sweep: v1.Sweep) -> list[str]:
    """Return the causes of runs that failed, with how many there are of each and where to look."""
    runs = list(client.list_runs(sweep.name, states=_FAILED, limit=_MOST_RUNS))
    failed = sweep.run_counts.failed + sweep.run_counts.crashed
    found = causes(runs)
    lines = [] if failed <= len(runs) else [f"of the first {len(runs):,} of {failed:,}:"]
    for cause in found[:_MOST_CAUSES]:
        lines.append(f"{counted(cause.count, 'run')}: {cause.reason}")
        if cause.killed:
            lines.append(f"  {memory_hint(client, cause.run)}")
        lines.append(f"  sweepctl logs {cause.run}")
    if len(found) > _MOST_CAUSES:
        rest = sum(cause.count for cause in found[_MOST_CAUSES:])
        lines.append(f"{counted(rest, 'run')}: of {len(found) - _MOST_CAUSES} other causes")
    return lines


def failure_heading(sweep: v1.Sweep) -> str:
    """Return that all runs of a sweep have failed."""
    failed = sweep.run_counts.failed + sweep.run_counts.crashed
    return (
        f"the only run of {sweep.name} failed"
        if failed == 1
        else f"all {failed:,} runs of {sweep.name} failed"
    )


def memory_hint(client: Client, run: str) -> str:
    """Return what most likely has killed a run, with the memory that it had when it was last looked at."""
    samples: dict[str, Value] = {}
    keys = (_OF_THE_RUN, _OF_THE_HOST)
    with suppress(ClientError):  # the metric store is away, or damaged; what is known is told all the same
        for each in client.summaries(runs=[run], keys=keys, system=True):
            samples[each.key] = logged_value(each.last)
    return memory_text(samples)


def memory_text(samples: dict[str, Value]) -> str:
    """Return the hint; `samples`: the last ones of memory, none if the run was too short for any."""
    hint = "sweepd did not kill it; the kernel often does, when memory runs out"
    used, share = samples.get(_OF_THE_RUN), samples.get(_OF_THE_HOST)
    told: Sequence[str] = [
        *([f"the run had {size_text(round(used))}"] if isinstance(used, int | float) else []),
        *([f"{number(share)}% of the host's memory was in use"] if isinstance(share, int | float) else []),
    ]
    return f"{hint}; when last sampled, {', '.join(told)}" if told else f"{hint}; it ended before any sample"


def _last_exit(run: Row) -> Row:
    attempts = run["attempts"]
    last = attempts[-1] if isinstance(attempts, list) and attempts else None
    found = lookup(last, "exit")
    return found if isinstance(found, dict) else {}
