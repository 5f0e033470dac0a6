"""Prior runs of a proposed sweep, as far as they suit it, and the command that creates it with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sweepd.calls.placement import project_name
from sweepd.cli.define.prior_options import PriorOptions, selection_of
from sweepd.cli.output.formats import note
from sweepd.cli.settings import current_settings
from sweepd.views.text import clean

if TYPE_CHECKING:
    from sweepd.client import Client


def parents_of(names: Iterable[str], project: str | None) -> set[str]:
    """Return the projects that the runs are of, by full name."""
    parents = {name.rpartition("/")[0] for name in names}
    return parents or {project_name(project or "", current_settings().told("entity"))}


def prior_options_of(
    project: str | None, names: Sequence[str], states: Sequence[str], *, by_sweep: bool
) -> PriorOptions | None:
    """Return the options by which `create` begins with these runs; None if none of them can have ended."""
    filters = tuple(f"state={state}" for state in states if state != "running")
    if not filters:
        return None
    parents = parents_of(names, project)
    if by_sweep or len(parents) > 1:
        return PriorOptions(sweeps=tuple(names), filters=filters)
    return PriorOptions(project=parents.pop(), filters=filters)


def seeded_with(client: Client, text: str, prior: PriorOptions | None, runs: int) -> str:
    """Return the runs that the sweep would begin with, in words; nothing if none suits it.

    The server judges that: it alone knows what a run has logged, and what its script has told.
    """
    from sweepd import v1
    from sweepd.errors import ClientError

    if prior is None:
        note("note: runs that have not ended are no prior runs")
        return ""
    file = v1.SweepFile(file_name="sweep.yaml", content=text.encode())
    try:
        report = client.preview_sweep(file, 0, selection_of(client, prior)).prior_runs
    except ClientError as error:
        if error.code != "UNAVAILABLE":
            raise
        return "those of these runs that suit it"  # their curves cannot be read just now
    if not report.taken:
        why = f": {clean(report.unsuitable_runs[0].reason)}" if report.unsuitable_runs else ""
        note(f"note: none of these runs suits it as a prior run{why}")
        return ""
    return "these runs" if report.taken == runs else f"{report.taken:,} of these {runs:,} runs"


def create_line(prior: PriorOptions | None) -> str:
    """Return the line that creates the sweep, so that it begins with prior runs."""
    from shlex import join

    words = ["sweepctl", "create", "sweep.yaml"]
    if prior is not None:
        words += [word for sweep in prior.sweeps for word in ("--prior-sweep", sweep)]
        words += ["--prior-project", prior.project] if prior.project else []
        words += [word for condition in prior.filters for word in ("--filter", condition)]
    if server := current_settings().server:
        words += ["--server", server]
    return join(words)
