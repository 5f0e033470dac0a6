"""Options that select prior runs, and the report on the runs used and those left out."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from sweepd.calls.sweep_file import SweepText, project_name
from sweepd.cli.command import option_group
from sweepd.cli.failures import usage_problem
from sweepd.cli.output.formats import note
from sweepd.cli.settings import connect, current_settings
from sweepd.spec.methods.proposed import Source
from sweepd.spec.preview import Preview, PreviewedRun
from sweepd.spec.space.walk import Count
from sweepd.states import FINAL_RUN
from sweepd.views.text import clean, counted

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client

MAX_NAMED = 20
_MAX_PREVIEWED = 1_000
_CONDITION = re.compile(r"(state|tag|created|value)\s*(<=|>=|=|<|>)\s*(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorOptions:
    """Options that select prior runs, as typed."""

    prior_runs: tuple[str, ...] = ()
    prior_sweeps: tuple[str, ...] = ()
    prior_project: str | None = None
    prior_filters: tuple[str, ...] = ()

    @property
    def given(self) -> bool:
        """True if the options select prior runs."""
        named = bool(self.prior_runs or self.prior_sweeps or self.prior_project)
        if self.prior_filters and not named:
            raise usage_problem(
                "--filter requires prior runs", next_step="add --prior-project or --prior-sweep"
            )
        return named


prior_options = option_group(
    "prior",
    PriorOptions,
    click.option(
        "--filter",
        "prior_filters",
        multiple=True,
        metavar="COND",
        help="Take from --prior-sweep and --prior-project only runs with state=S, tag=T, created>=TIME, "
        "value<=X. Repeatable.",
    ),
    click.option(
        "--prior-project", metavar="[ENTITY/]PROJECT", help="Begin with the ended runs of this project."
    ),
    click.option(
        "--prior-sweep",
        "prior_sweeps",
        multiple=True,
        metavar="ID",
        help="Begin with the ended runs of this sweep. Repeatable.",
    ),
    click.option(
        "--prior-run",
        "prior_runs",
        multiple=True,
        metavar="RUN",
        help="Begin with this run; `-`: names on stdin. Repeatable.",
    ),
)
"""Decorator that adds the options that select prior runs, as the argument `prior`."""


def selection_of(client: Client, options: PriorOptions) -> v1.PriorRunSelection | None:
    """Return the selection of prior runs; None if the options select none.

    Raises:
        Problem or ClientError: a name or a filter is invalid, or a name is unknown.
    """
    if not options.given:
        return None
    from sweepd import v1

    project = options.prior_project
    return v1.PriorRunSelection(
        runs=client.run_names(list(_with_stdin(options.prior_runs))),
        sweeps=[client.sweep_name(name) for name in options.prior_sweeps],
        project=project_name(project, current_settings().default("entity")) if project else "",
        filter=filter_message(options.prior_filters),
    )


def preview_on_server(
    text: SweepText, number: int, options: PriorOptions
) -> tuple[Preview, v1.PriorRunReport]:
    """Request the preview of a sweep with prior runs; return it with the report on the prior runs.

    Raises:
        Problem: `number` is too large, or the options are invalid.
        ClientError: a name is invalid or unknown, or the server rejects the request.
    """
    from sweepd.cli.commands.define.creation import source_of

    if number > _MAX_PREVIEWED:
        raise usage_problem(
            f"with prior runs, at most {_MAX_PREVIEWED:,} runs are shown", next_step="write -n 1000"
        )
    with connect() as client:
        answer = client.preview_sweep(source_of(text), number, selection_of(client, options))
    return _preview(answer.preview), answer.prior_runs


def filter_message(conditions: Iterable[str]) -> v1.PriorRunFilter:
    """Return the conditions as a filter message.

    Raises:
        Problem: a condition is invalid.
    """
    from sweepd import v1
    from sweepd.calls.wire import states_named

    message = v1.PriorRunFilter()
    for text in conditions:
        match = _CONDITION.fullmatch(text.strip())
        if match is None:
            raise _invalid_filter(text)
        name, operator, wanted = match.groups()
        match name:
            case "state" if operator == "=" and wanted in FINAL_RUN:
                message.states.extend(states_named(v1.RunState, wanted))
            case "tag" if operator == "=":
                message.tags.append(wanted)
            case "created" if operator in (">=", "<"):
                stamp = message.created_from if operator == ">=" else message.created_before
                stamp.FromDatetime(_time(text, wanted))
            case "value" if operator != "=":
                _bound(message, text, operator, wanted)
            case _:
                raise _invalid_filter(text)
    return message


def write_report(report: v1.PriorRunReport, *, begins: str = "Begins") -> None:
    """Write to stderr how many prior runs are used, and which runs are left out."""
    if report.taken:
        note(f"{begins} with {counted(report.taken, 'prior run')}.")
    else:
        note("warning: no prior run suits this sweep; it begins without any")
    for left_out in report.unsuitable_runs[:MAX_NAMED]:
        note(f"left out: {clean(left_out.run)}: {clean(left_out.reason)}")
    more = report.unsuitable - min(len(report.unsuitable_runs), MAX_NAMED)
    if more:
        note(f"left out: {more:,} others; -o json lists the first {len(report.unsuitable_runs):,}")
    if report.without_curve:
        many = counted(report.without_curve, "prior run")
        note(f"warning: early termination ignores {many}: their curves have too many values")


def _with_stdin(texts: Sequence[str]) -> Iterable[str]:
    for text in texts:
        if text != "-":
            yield text
            continue
        yield from filter(None, map(str.strip, sys.stdin))


def _time(text: str, wanted: str) -> datetime:
    try:
        return datetime.fromisoformat(wanted).astimezone()
    except ValueError:
        raise usage_problem(
            f"not a time in the filter {text!r}", next_step="write created>=2026-11-01 or 2026-11-01T08:00"
        ) from None


def _bound(message: v1.PriorRunFilter, text: str, operator: str, wanted: str) -> None:
    try:
        value = float(wanted)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise usage_problem(f"not a number in the filter {text!r}", next_step="write value<=0.5")
    if operator.startswith("<"):
        message.max_value = value if operator == "<=" else math.nextafter(value, -math.inf)
    else:
        message.min_value = value if operator == ">=" else math.nextafter(value, math.inf)


def _invalid_filter(text: str) -> Exception:
    return usage_problem(
        f"not a filter: {text!r}",
        next_step=f"write state=S (S: {', '.join(FINAL_RUN)}), tag=T, created>=TIME, created<TIME,"
        " value<=X or value>=X",
    )


def _preview(message: v1.SweepPreview) -> Preview:
    from sweepd import v1
    from sweepd.codec.values import point_from_message

    size = message.space_size if message.HasField("space_size") else None
    return Preview(
        runs=tuple(
            PreviewedRun(
                point=point_from_message(run.parameters),
                argv=tuple(run.argv),
                problem="",
                source=Source[v1.PointSource.Name(run.source).removeprefix("POINT_SOURCE_")],
                repeat=run.repeat,
            )
            for run in message.runs
        ),
        size=Count(size, is_estimate=message.space_size_is_estimate),
        planned_runs=message.planned_runs if message.HasField("planned_runs") else None,
        rungs=tuple(message.rungs),
        seed=message.seed,
        broken_off=False,
    )
