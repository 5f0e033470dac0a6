"""From what a person types to full names: a full name, project/id, a bare id, and SWEEP:NUMBER for runs.

What is no sweep's, and no run of one, may be a stand-alone run: that is asked for in each project.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sweepd import v1
from sweepd.cli.problem import Problem, not_found, usage_problem


class Directory(Protocol):
    """What resolving asks of a client."""

    def get_sweep(self, name: str) -> v1.Sweep:
        """Return a sweep; raises ClientError."""
        ...

    def list_sweeps(self, parent: str = "") -> Iterator[v1.Sweep]:
        """Yield the sweeps below `parent`."""
        ...

    def get_run(self, name: str) -> v1.Run:
        """Return a run; raises ClientError."""
        ...

    def list_projects(self) -> Iterator[v1.Project]:
        """Yield all projects."""
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """A full name, and whether it is a run's."""

    name: str
    is_run: bool


def sweep_name(directory: Directory, text: str) -> str:
    """Return the full name of the sweep that `text` means.

    Raises:
        Problem: it means none, or several.
    """
    _check(text)
    if ":" in text:
        raise _run_for_a_sweep(text, text.partition(":")[0])
    if text.count("/") == 2:
        names = [text] if _exists(directory, text) else []
        run = None if names else _run(directory, text)
        if run is not None:
            raise _run_for_a_sweep(text, run.sweep)
        return _only(names, text, "sweep")
    names = _sweeps(directory, text)
    if not names and (runs := _runs(directory, text)):
        raise _run_for_a_sweep(text, runs[0].rpartition("-")[0])
    if not names and _alone(directory, text):
        raise _run_for_a_sweep(text, "")
    return _only(names, text, "sweep")


def run_name(directory: Directory, text: str) -> str:
    """Return the full name of the run that `text` means; `SWEEP:NUMBER` keeps that form.

    Raises:
        Problem: it means none, or several.
    """
    _check(text)
    sweep, colon, number = text.partition(":")
    if colon:
        if not number.isdecimal():
            raise usage_problem(
                f"not the name of a run: {text}", next_step="write SWEEP:NUMBER, as k3x9v2ab:7"
            )
        return f"{sweep_name(directory, sweep)}:{number}"
    if text.count("/") == 2:
        return text
    names = _runs(directory, text)
    if not names and (sweeps := _sweeps(directory, text)):
        raise _sweep_for_a_run(text, sweeps[0])
    return _only(names or _alone(directory, text), text, "run")


def find_run(directory: Directory, text: str) -> v1.Run:
    """Return the run that `text` means.

    Raises:
        Problem: it means none, or several; the next step names what there is.
        ClientError: the server does not answer.
    """
    return get_run(directory, run_name(directory, text))


def get_run(directory: Directory, name: str) -> v1.Run:
    """Return a run by its full name.

    Raises:
        Problem: there is none; the next step names what there is.
        ClientError: the server does not answer.
    """
    from sweepd.errors import ClientError

    try:
        return directory.get_run(name)
    except ClientError as error:
        if error.code != "NOT_FOUND":
            raise
        if ":" not in name and _exists(directory, name):
            raise _sweep_for_a_run(name, name) from error
        sweep, _, number = name.replace(":", "-").rpartition("-")
        if not (_is_run_id(name.replace(":", "-")) and _exists(directory, sweep)):
            raise
        raise not_found(
            f"{sweep} has no run {number}", name=name, next_step=f"`sweepctl runs {sweep}` shows its runs"
        ) from error


def any_name(directory: Directory, text: str) -> Named:
    """Return the sweep or the run that `text` means; ids are unique across both.

    Raises:
        Problem: it means none, or several.
    """
    _check(text)
    if ":" in text:
        return Named(run_name(directory, text), is_run=True)
    if text.count("/") == 2:
        return Named(text, is_run=not _exists(directory, text) and _may_be_run(directory, text))
    sweeps = [Named(name, is_run=False) for name in _sweeps(directory, text)]
    runs = [Named(name, is_run=True) for name in _runs(directory, text)]
    if not sweeps and not runs:
        runs = [Named(name, is_run=True) for name in _alone(directory, text)]
    found = {named.name: named for named in (*runs, *sweeps)}
    return found[_only(list(found), text, "sweep or run")]


def _check(text: str) -> None:
    if not text or text.count("/") > 2 or not all(text.split("/")):
        raise usage_problem(f"not a name: {text!r}", next_step="write ID, PROJECT/ID or ENTITY/PROJECT/ID")


def _run_for_a_sweep(text: str, sweep: str) -> Problem:
    """Return the problem of a run, by hand if it has no sweep, where a sweep is wanted."""
    if sweep:
        return usage_problem(f"{text} is a run; a sweep is wanted", next_step=f"its sweep is {sweep}")
    return usage_problem(
        f"{text} is a run by hand, which belongs to no sweep; a sweep is wanted",
        next_step=f"`sweepctl get {text}` shows it, `sweepctl stop {text}` ends it",
    )


def _sweep_for_a_run(text: str, sweep: str) -> Problem:
    return usage_problem(
        f"{text} is a sweep; a run is wanted",
        next_step=f"name one, as {sweep}-1; `sweepctl runs {sweep}` shows its runs",
    )


def _exists(directory: Directory, name: str) -> bool:
    from sweepd.errors import ClientError

    try:
        directory.get_sweep(name)
    except ClientError as error:
        if error.code == "NOT_FOUND":
            return False
        raise
    return True


def _sweeps(directory: Directory, text: str) -> list[str]:
    return [sweep.name for sweep in directory.list_sweeps() if _matches(sweep.name, text)]


def _runs(directory: Directory, text: str) -> list[str]:
    """Return the run names that `text` may stand for: the id of a run is its sweep's, a dash and a number."""
    if not _is_run_id(text):
        return []
    sweep, _, number = text.rpartition("-")
    return [f"{name}-{number}" for name in _sweeps(directory, sweep)]


def _alone(directory: Directory, text: str) -> list[str]:
    """Return the stand-alone runs that `text` may stand for."""
    from sweepd.errors import ClientError

    parent, _, run = text.rpartition("/")
    try:
        projects = [project.name for project in directory.list_projects()]
    except ClientError as error:
        if error.code == "UNIMPLEMENTED":  # a server that knows of none
            return []
        raise
    names = [f"{project}/{run}" for project in projects if not parent or _matches(project, parent)]
    return [name for name in names if _run(directory, name) is not None]


def _may_be_run(directory: Directory, name: str) -> bool:
    """Tell whether what is no sweep is a run, or looks like one of a sweep."""
    return _is_run_id(name) or _run(directory, name) is not None


def _run(directory: Directory, name: str) -> v1.Run | None:
    """Return a run by its full name; None if there is none."""
    from sweepd.errors import ClientError

    try:
        return directory.get_run(name)
    except ClientError as error:
        if error.code == "NOT_FOUND":
            return None
        raise


def _is_run_id(text: str) -> bool:
    sweep, dash, number = text.rpartition("-")
    return bool(dash and sweep and number.isascii() and number.isdecimal())


def _matches(name: str, text: str) -> bool:
    return name == text or name.endswith(f"/{text}")


def _only(names: Sequence[str], text: str, kind: str) -> str:
    if not names:
        raise not_found(
            f"no {kind} named {text}", name=text, next_step="`sweepctl list` shows the sweeps that there are"
        )
    if len(names) > 1:
        raise usage_problem(
            f"{text} may be several: {', '.join(sorted(names))}", next_step="write the full name"
        )
    return names[0]
