"""Operations on sweeps and runs that need several calls: lists, frames, logs, cards, changes and waits."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from sweepd import v1
from sweepd.calls import logs, metrics, runs, sweeps
from sweepd.calls.following import follow, holds, parse_condition
from sweepd.calls.logs import Place
from sweepd.calls.wire import Wire, run_now
from sweepd.errors import ClientError, FailedError
from sweepd.objects.arguments import seconds_of
from sweepd.objects.cards import run_card, sweep_card
from sweepd.objects.frames import Column, Row, columns_of
from sweepd.objects.results import BestSoFar, History, entries
from sweepd.states import GOOD_ENDS, has_ended, state_of
from sweepd.views.rows import Choice
from sweepd.views.run import FRAME_KINDS, run_rows, run_shape

_BEST_RUNS = 5
_CURVE_POINTS = 300

Entity = TypeVar("Entity", v1.Sweep, v1.Run)


async def changes(wire: Wire, name: str) -> AsyncGenerator[v1.WatchSweepResponse, None]:
    """Yield a complete snapshot of a sweep, then every change, until it has ended."""
    complete: v1.WatchSweepResponse | None = None
    messages = follow(wire, name)
    async with aclosing(messages):
        async for message in messages:
            # The first part of a snapshot has the sweep; a new snapshot follows an interruption.
            if complete is None or message.HasField("sweep"):
                complete = message
            else:
                complete.MergeFrom(message)
            if message.snapshot_continues:
                continue
            yield complete
            if complete.HasField("sweep") and has_ended(complete.sweep):
                return
            complete = None


async def wait(
    look: Callable[..., Awaitable[Entity]],
    wire: Wire,
    name: str,
    until: str,
    *,
    limit: float | str | None,
    check: bool,
) -> Entity:
    """Wait until a sweep or a run has ended or satisfies the condition `until`, and return it.

    Args:
        look: function that waits: `sweep_until` or `run_until`.
        wire: connection to the server.
        name: full name of the sweep or run.
        until: condition as text.
        limit: time limit, in seconds or as text; None: no limit.
        check: whether to raise FailedError.

    Raises:
        InvalidError: `until` or the time limit is invalid.
        NotYetError: the time limit has passed.
        FailedError: the sweep or run has ended without satisfying `until`.
    """
    condition = parse_condition(until)
    found = await look(wire, name, condition, seconds=seconds_of(limit))
    state = state_of(found)
    if not check or holds(condition, found) or (condition.is_end and state in GOOD_ENDS):
        return found
    ended = f"{found.name} has ended as {state}" + (
        "" if condition.is_end else " before the condition was met"
    )
    raise FailedError(f"{ended}: {found.reason}" if found.reason else ended)


async def list_sweeps(
    wire: Wire, *, entity: str | None = None, project: str | None = None, states: str | Sequence[str] = ()
) -> AsyncGenerator[v1.Sweep, None]:
    """Yield sweeps, the newest first, fetched page by page."""
    # The server cannot filter by project without an entity.
    parent = f"{entity}/{project}" if entity and project else entity or ""
    async with aclosing(sweeps.list_of(wire, parent, states)) as found:
        async for sweep in found:
            if not project or sweep.name.split("/")[1] == project:
                yield sweep


def list_runs(
    wire: Wire,
    sweep: str = "",
    *,
    project: str = "",
    standalone: bool = False,
    states: str | Sequence[str] = (),
    best_first: bool = False,
    filters: Sequence[str] = (),
    limit: int | None = None,
) -> AsyncGenerator[v1.Run, None]:
    """Yield the runs of a sweep or a project, fetched page by page."""
    choice = Choice(filters=filters)
    choice.of([{}])  # raises for an invalid filter before the first call
    return runs.list_of(
        wire,
        sweep,
        project=project,
        standalone=standalone,
        states=states,
        best_first=best_first,
        limit=limit,
        keep=(lambda run: bool(choice.of([run_shape(run)]))) if filters else None,
    )


async def rows(wire: Wire, sweep: str) -> list[Row]:
    """Return a row for each run of a sweep; skip damaged values with a warning."""
    listed = [run async for run in runs.list_of(wire, sweep)]
    found: list[v1.KeySummary] = []
    try:
        async for each in metrics.summaries(wire, sweep=sweep):
            found.append(each)  # noqa: PERF401 (what came before an error is kept)
    except ClientError as error:
        if error.code != "DATA_LOSS":
            raise
        warnings.warn(str(error), stacklevel=2)
    return run_rows(listed, found)


async def columns(wire: Wire, sweep: str) -> list[Column]:
    """Return the rows of a sweep as typed columns."""
    return columns_of(await rows(wire, sweep), FRAME_KINDS)


async def progress(wire: Wire, name: str) -> list[BestSoFar]:
    """Return the value of each run with the best value so far, in the order in which the runs ended."""
    async with aclosing(sweeps.progress(wire, name)) as parts:
        return [entry async for part in parts for entry in entries(name, part)]


async def history(
    wire: Wire, run: str, *, keys: tuple[str, ...], max_points: int, all_attempts: bool
) -> History:
    """Return the logged values of a run."""
    series = metrics.history(wire, run, keys=keys, max_points=max_points, all_attempts=all_attempts)
    return History(run, [part async for part in series])


async def log_lines(
    wire: Wire, run: str, *, attempt: int = 0, tail_bytes: int = 0, follow: bool = False
) -> AsyncGenerator[str, None]:
    """Yield the lines of a log without line breaks; bytes that are not UTF-8 become U+FFFD."""
    at = Place(attempt, tail_bytes)
    pieces = logs.follow(wire, run, at, one_attempt=attempt > 0) if follow else logs.read(wire, run, at)
    rest, before = b"", 0
    async with aclosing(pieces):
        async for number, content in pieces:
            if rest and number != before:
                yield _decoded(rest)
                rest = b""
            before = number
            *lines, rest = (rest + content).split(b"\n")
            for line in lines:
                yield _decoded(line)
    if rest:
        yield _decoded(rest)


def notebook_card(wire: Wire, known: v1.Sweep | v1.Run) -> str:
    """Return the card for notebooks. Make no call if the wire suspends, because notebooks do not await."""
    if isinstance(known, v1.Sweep):
        return sweep_card(known, (), ()) if wire.suspends else run_now(show_sweep(wire, known))
    return run_card(known, None) if wire.suspends else run_now(show_run(wire, known))


async def show_sweep(wire: Wire, known: v1.Sweep) -> str:
    """Return the current card of a sweep, or the card of the last known state if a call fails."""
    try:
        sweep = await sweeps.get(wire, known.name)
        best = [run async for run in runs.list_of(wire, sweep.name, best_first=True, limit=_BEST_RUNS)]
        return sweep_card(sweep, await progress(wire, sweep.name), best)
    except ClientError as error:
        return sweep_card(known, (), (), note=f"last known state; {error}")


async def show_run(wire: Wire, known: v1.Run) -> str:
    """Return the current card of a run, or the card of the last known state if a call fails."""
    try:
        run = await runs.get(wire, known.name)
        objective = None
        if run.sweep:
            objective = (await sweeps.get(wire, run.sweep)).spec.metric.name or None
        return run_card(run, await _curve(wire, run.name, objective))
    except ClientError as error:
        return run_card(known, None, note=f"last known state; {error}")


async def _curve(wire: Wire, run: str, objective: str | None) -> History | None:
    """Return the history of the objective, or of the first key with numbers; None without numbers."""
    keys = sorted([each.key async for each in metrics.summaries(wire, runs=[run]) if _is_number(each.last)])
    if not keys:
        return None
    key = objective if objective in keys else keys[0]
    return await history(wire, run, keys=(key,), max_points=_CURVE_POINTS, all_attempts=False)


def _is_number(value: v1.MetricValue) -> bool:
    return value.WhichOneof("kind") in ("double_value", "int_value")


def _decoded(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
