"""Resolution of typed names: a full name, project/id, a bare id, or SWEEP:NUMBER for runs.

A name that matches neither a sweep nor a run of a sweep is looked up as a standalone run in each project. If
nothing matches, the error names the command that lists the sweeps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sweepd import v1
from sweepd.calls import runs, server, sweeps
from sweepd.calls.wire import Wire
from sweepd.errors import InvalidError, NotFoundError, invalid

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Named:
    """Full name of a sweep or a run."""

    name: str
    is_run: bool


async def sweep_name(wire: Wire, text: str) -> str:
    """Return the full name of the sweep that `text` names.

    Raises:
        InvalidError: the text is not a name, is ambiguous, or names a run.
        NotFoundError: no sweep has this name.
    """
    if is_full(text):
        return (await find_sweep(wire, text)).name
    _check_form(text)
    if ":" in text:
        raise _not_a_sweep(text, text.partition(":")[0])
    names, runs_of_sweeps = await _matching(wire, text)
    if names:
        return _single(names, text)
    if runs_of_sweeps:
        raise _not_a_sweep(text, runs_of_sweeps[0].rpartition("-")[0])
    if await _standalone_runs(wire, text):
        raise _not_a_sweep(text, "")
    raise await _no_match(wire, text, "sweep")


async def find_sweep(wire: Wire, text: str) -> v1.Sweep:
    """Return the sweep that `text` names; raise the errors of `sweep_name`."""
    if not is_full(text):
        return await sweeps.get(wire, await sweep_name(wire, text))
    found = await _or_none(sweeps.get(wire, text))
    if found is not None:
        return found
    run = await _or_none(runs.get(wire, text))
    if run is not None:
        raise _not_a_sweep(text, run.sweep)
    raise _no_such(text, "sweep")


async def run_name(wire: Wire, text: str) -> str:
    """Return the full name of the run that `text` names.

    For SWEEP:NUMBER, return the full name of the sweep and `:NUMBER`. A full name is not looked up.

    Raises:
        InvalidError: the text is not a name, is ambiguous, or names a sweep.
        NotFoundError: no run has this name.
    """
    sweep, colon, number = text.partition(":")
    if colon and not (sweep and _is_number(number)):
        raise invalid(f"not the name of a run: {text}", "write SWEEP:NUMBER, such as k3x9v2ab:7")
    _check_form(text)
    if colon:
        return f"{await sweep_name(wire, sweep)}:{number}"
    if is_full(text):
        return text
    found, names = await _matching(wire, text)
    if not names and found:
        raise _not_a_run(text, found[0])
    names = names or await _standalone_runs(wire, text)
    if not names:
        raise await _no_match(wire, text, "run")
    return _single(names, text)


async def run_names(wire: Wire, texts: Sequence[str]) -> list[str]:
    """Return the full names of runs, of which there may be thousands; look up each sweep only once."""
    known: dict[str, str | None] = {}
    names: list[str] = []
    for text in texts:
        sweep, _, number = text.rpartition(":" if ":" in text else "-")
        if is_full(text):
            names.append(text)
        elif sweep and _is_number(number):
            if sweep not in known:
                known[sweep] = await _or_none(sweep_name(wire, sweep))
            found = known[sweep]  # without a sweep, the text may be the id of a standalone run
            names.append(f"{found}-{number}" if found else await run_name(wire, text))
        else:
            names.append(await run_name(wire, text))
    return names


async def find_run(wire: Wire, text: str) -> v1.Run:
    """Return the run that `text` names; raise the errors of `run_name` and `get_run`."""
    return await get_run(wire, await run_name(wire, text))


async def get_run(wire: Wire, name: str) -> v1.Run:
    """Return a run by its full name.

    Raises:
        InvalidError: the name is that of a sweep.
        NotFoundError: there is no such run; if its sweep exists, the error says how to list its runs.
    """
    try:
        return await runs.get(wire, name)
    except NotFoundError as error:
        if ":" not in name and await _or_none(sweeps.get(wire, name)) is not None:
            raise _not_a_run(name, name) from error
        sweep, _, number = name.replace(":", "-").rpartition("-")
        if not (_is_run_id(name.replace(":", "-")) and await _or_none(sweeps.get(wire, sweep)) is not None):
            raise
        message = f"{sweep} has no run {number}"
        raise _not_found(message, name, f"`sweepctl runs {sweep}` shows its runs") from error


async def any_name(wire: Wire, text: str) -> Named:
    """Return the full name of the sweep or the run that `text` names; ids are unique across both.

    Raises:
        InvalidError: the text is not a name, or is ambiguous.
        NotFoundError: no sweep or run has this name; never raised for a full name.
    """
    if ":" in text:
        return Named(await run_name(wire, text), is_run=True)
    _check_form(text)
    if is_full(text):
        if await _or_none(sweeps.get(wire, text)) is not None:
            return Named(text, is_run=False)
        return Named(text, is_run=_is_run_id(text) or await _or_none(runs.get(wire, text)) is not None)
    found, names = await _matching(wire, text)
    if not found and not names:
        names = await _standalone_runs(wire, text)
    if not found and not names:
        raise await _no_match(wire, text, "sweep or run")
    name = _single(list(dict.fromkeys([*names, *found])), text)
    return Named(name, is_run=name not in found)


def is_full(text: str) -> bool:
    """Return True if the text is ENTITY/PROJECT/ID."""
    return text.count("/") == 2 and ":" not in text and all(text.split("/"))


def _check_form(text: str) -> None:
    if not text or text.count("/") > 2 or not all(text.split("/")):
        raise invalid(f"not a name: {text!r}", "write ID, PROJECT/ID or ENTITY/PROJECT/ID")


async def _no_match(wire: Wire, text: str, kind: str) -> NotFoundError:
    """Return the error for a name that matches no sweep or run, with a hint if a project has this name."""
    named = [name for name in await _projects(wire) if _matches(name, text)]
    if not named:
        return _no_such(text, kind)
    return _not_found(
        f"{text} is a project; expected a {kind}",
        text,
        f"`sweepctl list {named[0]}` lists its sweeps, `sweepctl runs --project {named[0]}` its runs",
    )


def _not_a_sweep(text: str, sweep: str) -> InvalidError:
    """Return the error for a run where a sweep is expected; `sweep` is empty for a standalone run."""
    if sweep:
        return invalid(f"{text} is a run; expected a sweep", f"its sweep is {sweep}")
    return invalid(
        f"{text} is a standalone run, which belongs to no sweep; expected a sweep",
        f"`sweepctl get {text}` shows it, `sweepctl stop {text}` ends it",
    )


def _not_a_run(text: str, sweep: str) -> InvalidError:
    return invalid(
        f"{text} is a sweep; expected a run",
        f"name a run, such as {sweep}-1; `sweepctl runs {sweep}` shows its runs",
    )


async def _or_none(call: Awaitable[T]) -> T | None:
    """Return the response of a call; None if the call raises NotFoundError."""
    try:
        return await call
    except NotFoundError:
        return None


async def _matching(wire: Wire, text: str) -> tuple[list[str], list[str]]:
    """Return the names of the sweeps and of the runs of sweeps that match `text`.

    The id of a run of a sweep is the id of the sweep, a dash and a number.
    """
    names = [sweep.name async for sweep in sweeps.list_of(wire)]
    sweep, _, number = text.rpartition("-")
    runs_of_sweeps = [f"{name}-{number}" for name in names if _is_run_id(text) and _matches(name, sweep)]
    return [name for name in names if _matches(name, text)], runs_of_sweeps


async def _standalone_runs(wire: Wire, text: str) -> list[str]:
    """Return the names of the standalone runs that match `text`."""
    parent, _, run = text.rpartition("/")
    projects = await _projects(wire)
    names = [f"{project}/{run}" for project in projects if not parent or _matches(project, parent)]
    return [name for name in names if await _or_none(runs.get(wire, name)) is not None]


async def _projects(wire: Wire) -> list[str]:
    return [project.name async for project in server.projects(wire)]


def _is_run_id(text: str) -> bool:
    sweep, dash, number = text.rpartition("-")
    return bool(dash and sweep and _is_number(number))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _matches(name: str, text: str) -> bool:
    return name == text or name.endswith(f"/{text}")


def _single(names: Sequence[str], text: str) -> str:
    if len(names) > 1:
        raise invalid(f"{text} is ambiguous: {', '.join(sorted(names))}", "write the full name")
    return names[0]


def _no_such(text: str, kind: str) -> NotFoundError:
    return _not_found(f"no {kind} named {text}", text, "`sweepctl list` lists the sweeps")


def _not_found(message: str, name: str, next_step: str) -> NotFoundError:
    return NotFoundError(
        message, code="NOT_FOUND", reason="no-such-name", metadata={"name": name}, next_step=next_step
    )
