"""What the objects ask of runs beyond the plain calls, written once for both clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from sweepd import v1
from sweepd.calls import runs, sweeps
from sweepd.calls.states import run_states
from sweepd.calls.wire import Wire
from sweepd.cli.problem import Problem
from sweepd.cli.rows import Choice
from sweepd.cli.shapes import prior_run_shape, run_shape
from sweepd.errors import InvalidError, NotFoundError
from sweepd.objects import sweep_calls
from sweepd.spec.point import Json


async def get(wire: Wire, text: str) -> v1.Run:
    """Return a run by its full name, a shorter one, or SWEEP:NUMBER."""
    return await runs.get(wire, await full_name(wire, text))


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
    choice = _choice(filters)
    listed = runs.list_of(
        wire,
        sweep,
        project=project,
        stand_alone=stand_alone,
        states=run_states(states),
        best_first=best_first,
        limit=None if filters else limit,
    )
    left = limit
    if left is not None and left <= 0:
        return
    async with aclosing(listed) as found:
        async for run in found:
            if filters and not choice.of([run_shape(run)]):
                continue
            yield run
            if left is not None and (left := left - 1) <= 0:
                return


async def prior_of(wire: Wire, sweep: str) -> list[dict[str, Json]]:
    """Return the runs that a sweep began with, in the JSON of `sweepctl runs --prior`."""
    return [prior_run_shape(run) async for run in runs.prior_of(wire, sweep)]


async def stop(wire: Wire, name: str) -> v1.Run:
    """End a run; return how it stands then."""
    await runs.stop(wire, name)
    return await runs.get(wire, name)


async def retry(wire: Wire, name: str) -> v1.Run:
    """Hand an ended run out again; return how it stands then."""
    await runs.retry(wire, [name])
    return await runs.get(wire, name)


async def explain(wire: Wire, name: str) -> list[str]:
    """Return why a run waits, the most important first."""
    return [obstacle.message for obstacle in (await runs.explain(wire, name)).obstacles]


async def best(wire: Wire, name: str) -> v1.Run | None:
    """Return the best run of a sweep, with repeats the first of the best point; None if there is none yet."""
    return await runs.best_of(wire, await sweeps.get(wire, name))


def _choice(filters: Sequence[str]) -> Choice:
    choice = Choice(filters=list(filters))
    try:
        choice.of([{}])
    except Problem as problem:
        raise InvalidError(f"{problem.message}: {problem.next_step}") from problem
    return choice
