"""What is fetched to show or to tabulate a sweep or a run; written once for both clients."""

from __future__ import annotations

import warnings
from contextlib import aclosing

from sweepd import v1
from sweepd.calls import metrics, runs, sweeps
from sweepd.calls.wire import Wire
from sweepd.errors import ClientError
from sweepd.objects import run_calls
from sweepd.objects.best import BestSoFar, entries
from sweepd.objects.cards import run_card, sweep_card
from sweepd.objects.frames import Column, Row, columns_of
from sweepd.objects.history import History
from sweepd.views.run import FRAME_KINDS, run_rows
from sweepd.views.summary import run_summary

_BEST_RUNS = 5
_CURVE_POINTS = 300


async def rows(wire: Wire, sweep: str) -> list[Row]:
    """Return a row for each run of a sweep; a warning tells of what is damaged and left out."""
    runs = [run async for run in run_calls.list_of(wire, sweep)]
    found: list[v1.KeySummary] = []
    try:
        async for each in metrics.summaries(wire, sweep=sweep):
            found.append(each)  # noqa: PERF401 (what came before an error is kept)
    except ClientError as error:
        if error.code != "DATA_LOSS":
            raise
        warnings.warn(str(error), stacklevel=2)
    return run_rows(runs, found)


async def columns(wire: Wire, sweep: str) -> list[Column]:
    """Return the same as typed columns."""
    return columns_of(await rows(wire, sweep), FRAME_KINDS)


async def progress(wire: Wire, name: str) -> list[BestSoFar]:
    """Return how the best value of a sweep came about."""
    async with aclosing(sweeps.progress(wire, name)) as parts:
        return [entry async for part in parts for entry in entries(name, part)]


async def history(
    wire: Wire, run: str, *, keys: tuple[str, ...], max_points: int, all_attempts: bool
) -> History:
    """Return what a run has logged."""
    series = metrics.history(wire, run, keys=keys, max_points=max_points, all_attempts=all_attempts)
    return History(run, [part async for part in series])


async def summary(wire: Wire, run: str) -> dict[str, object]:
    """Return the summary of a run: what it has logged, by what its script has said, and what that has set."""
    found = [each async for each in metrics.summaries(wire, runs=[run])]
    return run_summary(found, (await runs.get(wire, run)).details)


async def show_sweep(wire: Wire, known: v1.Sweep) -> str:
    """Return a sweep as HTML, as it stands now; as it was known if the server does not answer."""
    try:
        sweep = await sweeps.get(wire, known.name)
        best = [run async for run in run_calls.list_of(wire, sweep.name, best_first=True, limit=_BEST_RUNS)]
        return sweep_card(sweep, await progress(wire, sweep.name), best)
    except ClientError as error:
        return sweep_card(known, (), (), note=f"as it was known last: {error}")


async def show_run(wire: Wire, known: v1.Run) -> str:
    """Return a run as HTML, as it stands now; as it was known if the server does not answer."""
    try:
        run = await runs.get(wire, known.name)
        objective = None
        if run.sweep:
            objective = (await sweeps.get(wire, run.sweep)).spec.metric.name or None
        return run_card(run, await _curve(wire, run.name, objective))
    except ClientError as error:
        return run_card(known, None, note=f"as it was known last: {error}")


async def _curve(wire: Wire, run: str, objective: str | None) -> History | None:
    """Return the history of the objective; if that was not logged, of the first key that has numbers."""
    keys = sorted([each.key async for each in metrics.summaries(wire, runs=[run]) if _is_number(each.last)])
    if not keys:
        return None
    key = objective if objective in keys else keys[0]
    return await history(wire, run, keys=(key,), max_points=_CURVE_POINTS, all_attempts=False)


def _is_number(value: v1.MetricValue) -> bool:
    return value.WhichOneof("kind") in ("double_value", "int_value")
