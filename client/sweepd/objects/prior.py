"""Creating a sweep that may begin with runs that exist; those that do not suit it are warned of."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from sweepd import v1
from sweepd.errors import InvalidError
from sweepd.objects import run_calls, sweep_calls
from sweepd.objects.definition import Definition, SweepWarning
from sweepd.objects.records import RunRecord
from sweepd.objects.wire import Wire

_MOST_TOLD = 20
_TO_THE_CALLER = 5


async def create(
    wire: Wire,
    definition: Definition,
    *,
    sweep_id: str,
    request_id: str,
    prior_runs: Sequence[str | RunRecord],
) -> v1.Sweep:
    """Create a sweep from a definition that has been read and placed."""
    if isinstance(prior_runs, str):
        raise InvalidError(f"prior_runs is a list of runs, not the text {prior_runs!r}")
    names = [each if isinstance(each, str) else each.name for each in prior_runs]
    selection = v1.PriorRunSelection(runs=await _full_names(wire, names)) if names else None
    answer = await sweep_calls.create(
        wire, definition, sweep_id=sweep_id, request_id=request_id, prior_runs=selection
    )
    _warn(answer.prior_runs)
    return answer.sweep


async def _full_names(wire: Wire, texts: Sequence[str]) -> list[str]:
    """Return full names; each sweep is looked up once, as there may be thousands of runs."""
    sweeps: dict[str, str] = {}
    names: list[str] = []
    for text in texts:
        sweep, mark, number = text.rpartition(":" if ":" in text else "-")
        if text.count("/") == 2 or not (mark and number.isascii() and number.isdecimal()):
            names.append(await run_calls.full_name(wire, text))
            continue
        if sweep not in sweeps:
            sweeps[sweep] = await sweep_calls.full_name(wire, sweep)
        names.append(f"{sweeps[sweep]}-{number}")
    return names


def _warn(report: v1.PriorRunReport) -> None:
    for left_out in report.unsuitable_runs[:_MOST_TOLD]:
        told = f"prior run {left_out.run} is left out: {left_out.reason}"
        warnings.warn(told, SweepWarning, stacklevel=_TO_THE_CALLER)
    more = report.unsuitable - min(len(report.unsuitable_runs), _MOST_TOLD)
    if more:
        warnings.warn(f"{more:,} more prior runs are left out", SweepWarning, stacklevel=_TO_THE_CALLER)
