"""Creating a sweep that may begin with runs that exist, and telling which of these do not suit it."""

from __future__ import annotations

from collections.abc import Sequence

from sweepd import v1
from sweepd.calls import names
from sweepd.calls.wire import Wire
from sweepd.errors import InvalidError
from sweepd.objects import sweep_calls
from sweepd.objects.definition import Definition
from sweepd.views.run import RunRecord

_MOST_TOLD = 20


async def create(
    wire: Wire,
    definition: Definition,
    *,
    sweep_id: str,
    request_id: str,
    prior_runs: Sequence[str | RunRecord],
) -> tuple[v1.Sweep, list[str]]:
    """Create a sweep from a definition that has been read and placed.

    Returns: the sweep, and a sentence for each run that is left out.
    """
    if isinstance(prior_runs, str):
        raise InvalidError(f"prior_runs is a list of runs, not the text {prior_runs!r}")
    texts = [each if isinstance(each, str) else each.name for each in prior_runs]
    selection = v1.PriorRunSelection(runs=await names.run_names(wire, texts)) if texts else None
    answer = await sweep_calls.create(
        wire, definition, sweep_id=sweep_id, request_id=request_id, prior_runs=selection
    )
    return answer.sweep, _left_out(answer.prior_runs)


def _left_out(report: v1.PriorRunReport) -> list[str]:
    told = [
        f"prior run {each.run} is left out: {each.reason}" for each in report.unsuitable_runs[:_MOST_TOLD]
    ]
    more = report.unsuitable - len(told)
    return [*told, f"{more:,} more prior runs are left out"] if more else told
