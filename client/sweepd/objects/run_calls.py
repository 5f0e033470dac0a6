"""What can be asked of runs, written once for both clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from sweepd import v1
from sweepd.calls import PAGE, new_request_id
from sweepd.cli.problem import Problem
from sweepd.cli.rows import Choice
from sweepd.cli.shapes import prior_run_shape, run_shape
from sweepd.errors import InvalidError, NotFoundError
from sweepd.objects import methods, sweep_calls
from sweepd.objects.pages import pages
from sweepd.objects.states import run_states
from sweepd.objects.wire import Wire
from sweepd.spec.point import Json


async def get(wire: Wire, text: str) -> v1.Run:
    """Return a run by its full name, a shorter one, or SWEEP:NUMBER."""
    return (await wire.one(methods.GET_RUN, v1.GetRunRequest(name=await full_name(wire, text)))).run


async def full_name(wire: Wire, text: str) -> str:
    """Return the full name of the run that `text` means.

    Raises:
        InvalidError: it is no name, or may be several.
        NotFoundError: it is none that there is; a full name is not looked up.
    """
    (name,) = await full_names(wire, [text])
    return name


async def full_names(wire: Wire, texts: Sequence[str]) -> list[str]:
    """Do the same for several; each sweep is looked up once, as there may be thousands of runs."""
    sweeps: dict[str, str] = {}
    names: list[str] = []
    for text in texts:
        if text.count("/") == 2 and ":" not in text:
            names.append(text)
            continue
        sweep, number = _sweep_and_number(text)
        if sweep not in sweeps:
            sweeps[sweep] = await sweep_calls.full_name(wire, sweep)
        names.append(f"{sweeps[sweep]}-{number}")
    return names


def _sweep_and_number(text: str) -> tuple[str, str]:
    sweep, mark, number = text.rpartition(":" if ":" in text else "-")
    if sweep and number.isascii() and number.isdecimal():
        return sweep, number
    if mark == ":":
        raise InvalidError(f"no run: {text!r}; write SWEEP:NUMBER, as k3x9v2ab:7")
    raise NotFoundError(
        f"no run named {text}; one that belongs to no sweep is named in full: ENTITY/PROJECT/ID",
        code="NOT_FOUND",
        reason="no-such-name",
    )


async def list_of(
    wire: Wire,
    sweep: str = "",
    *,
    project: str = "",
    stand_alone: bool = False,
    states: str | Sequence[str] = (),
    best_first: bool = False,
    filters: Sequence[str] = (),
    limit: int | None = None,
) -> AsyncGenerator[v1.Run, None]:
    """Yield the runs of a sweep, or of a project, a page at a time as they are read."""
    left = limit
    choice = _choice(filters)
    request = v1.ListRunsRequest(
        sweep=sweep,
        project=project,
        stand_alone=stand_alone,
        states=run_states(states),
        order=v1.RUN_ORDER_BEST if best_first else v1.RUN_ORDER_NUMBER,
        page_size=PAGE if limit is None or filters else min(max(limit, 1), PAGE),
    )
    if left is not None and left <= 0:
        return
    async with aclosing(pages(wire, methods.LIST_RUNS, request)) as found:
        async for page in found:
            for run in page.runs:
                if filters and not choice.of([run_shape(run)]):
                    continue
                yield run
                if left is not None and (left := left - 1) <= 0:
                    return


async def prior_of(wire: Wire, sweep: str) -> list[dict[str, Json]]:
    """Return the runs that a sweep began with, in the JSON of `sweepctl runs --prior`."""
    request = v1.ListPriorRunsRequest(sweep=sweep, page_size=PAGE)
    return [
        prior_run_shape(run)
        async for page in pages(wire, methods.LIST_PRIOR_RUNS, request)
        for run in page.prior_runs
    ]


async def stop(wire: Wire, name: str) -> v1.Run:
    """End a run; return how it stands then."""
    await wire.one(methods.STOP_RUN, v1.StopRunRequest(name=name, request_id=new_request_id()))
    return await get(wire, name)


async def retry(wire: Wire, name: str) -> v1.Run:
    """Hand an ended run out again; return how it stands then."""
    await wire.one(methods.RETRY_RUNS, v1.RetryRunsRequest(names=[name], request_id=new_request_id()))
    return await get(wire, name)


async def explain(wire: Wire, name: str) -> list[str]:
    """Return why a run waits, the most important first."""
    answer = await wire.one(methods.EXPLAIN_RUN, v1.ExplainRunRequest(name=name))
    return [obstacle.message for obstacle in answer.obstacles]


async def best(wire: Wire, name: str) -> v1.Run | None:
    """Return the best run of a sweep, with repeats the first of the best point; None if there is none yet."""
    sweep = await sweep_calls.get(wire, name)
    if sweep.spec.repeats > 1:
        return await get(wire, sweep.best_run) if sweep.best_run else None
    found = [run async for run in list_of(wire, name, best_first=True, limit=1)]
    return found[0] if found else None


async def series(
    wire: Wire, run: str, *, keys: Sequence[str] = (), max_points: int = 0, all_attempts: bool = False
) -> list[v1.Series]:
    """Return what a run has logged; of a long series several parts."""
    request = v1.GetHistoryRequest(runs=[run], keys=keys, max_points=max_points, all_attempts=all_attempts)
    return [part async for page in pages(wire, methods.GET_HISTORY, request) for part in page.series]


async def summaries(wire: Wire, *, sweep: str = "", runs: Sequence[str] = ()) -> list[v1.KeySummary]:
    """Return what is known of each key of each run."""
    request = v1.ListSummariesRequest(sweep=sweep, runs=runs, page_size=PAGE)
    return [
        summary async for page in pages(wire, methods.LIST_SUMMARIES, request) for summary in page.summaries
    ]


def _choice(filters: Sequence[str]) -> Choice:
    choice = Choice(filters=list(filters))
    try:
        choice.of([{}])
    except Problem as problem:
        raise InvalidError(f"{problem.message}: {problem.next_step}") from problem
    return choice
