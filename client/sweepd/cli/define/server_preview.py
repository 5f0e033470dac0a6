"""The preview of a sweep that would begin with prior runs: a server alone knows those."""

from __future__ import annotations

import os

from sweepd import v1
from sweepd.calls.sweep_file import SweepText
from sweepd.cli.define.prior_options import PriorOptions, selection_of
from sweepd.cli.problem import usage_problem
from sweepd.cli.settings import current_settings
from sweepd.codec import point_from_message
from sweepd.spec.methods.proposed import Source
from sweepd.spec.preview import Preview, PreviewedRun
from sweepd.spec.space.walk import Count

MOST_RUNS = 1_000


def preview_on_server(
    text: SweepText, number: int, options: PriorOptions
) -> tuple[Preview, v1.PriorRunReport]:
    """Return what a file would run after prior runs, and what would become of those.

    Raises:
        Problem: too many runs are to be shown, or the options make no sense.
        ClientError: the server refuses.
    """
    from sweepd.cli.connection import connect

    if number > MOST_RUNS:
        raise usage_problem(
            f"with prior runs, at most {MOST_RUNS:,} runs are shown", next_step="write -n 1000"
        )
    file = v1.SweepFile(file_name=os.path.basename(text.file_name), content=text.content)  # noqa: PTH119
    with connect(current_settings()) as client:
        answer = client.preview_sweep(file, number, selection_of(client, options))
    return _preview(answer.preview), answer.prior_runs


def _preview(message: v1.SweepPreview) -> Preview:
    size = message.space_size if message.HasField("space_size") else None
    return Preview(
        runs=tuple(map(_run, message.runs)),
        size=Count(size, is_estimate=message.space_size_is_estimate),
        planned_runs=message.planned_runs if message.HasField("planned_runs") else None,
        rungs=tuple(message.rungs),
        seed=message.seed,
        broken_off=False,
    )


def _run(message: v1.PreviewedRun) -> PreviewedRun:
    return PreviewedRun(
        point=point_from_message(message.parameters),
        argv=tuple(message.argv),
        problem="",
        source=Source[v1.PointSource.Name(message.source).removeprefix("POINT_SOURCE_")],
        repeat=message.repeat,
    )
