"""Preview of a sweep file as a message: as many runs as one answer carries."""

from collections.abc import Callable
from dataclasses import replace

from sweepd import v1
from sweepd.codec import diagnostic_message, point_message
from sweepd.spec import Parsed
from sweepd.spec.preview import Preview, PreviewedRun, preview
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.api.prior_run_codec import report_message
from sweepd_scheduler.api.sweep_codec import count_or_none
from sweepd_scheduler.message_size import MOST_BYTES, previewed_weight
from sweepd_scheduler.reads.prior_found import Gathered

MOST_RUNS = 1_000
MOST_STEPS = 100_000
"""Points that are counted one by one, at most, while a caller waits."""

PATIENCE = 5
LONGEST = 2.0
"""Seconds after which no more runs are looked for; constraints may make each of them expensive."""


def runs_wanted(request: v1.PreviewSweepRequest) -> int:
    """Return how many runs are to be shown.

    Raises:
        InvalidFieldError: they are too many.
    """
    if request.count > MOST_RUNS:
        raise InvalidFieldError("count", f"at most {MOST_RUNS:,} runs are shown")
    return request.count


def previewed(
    parsed: Parsed, count: int, drawn_seed: int, clock: Clock, prior: Gathered | None = None
) -> v1.PreviewSweepResponse:
    """Return the findings about a file and, if it is right, what it would run.

    Args:
        parsed: the file.
        count: how many runs to show.
        drawn_seed: the seed where the file has none.
        clock: tells when it has taken long enough.
        prior: the runs that the sweep would begin with.
    """
    answer = v1.PreviewSweepResponse(
        diagnostics=map(diagnostic_message, parsed.diagnostics),
        prior_runs=report_message(prior) if prior else None,
    )
    if parsed.spec is not None:
        spec = parsed.spec if parsed.spec.seed is not None else replace(parsed.spec, seed=drawn_seed)
        fits = _room(MOST_BYTES - answer.ByteSize(), clock)
        taken = prior.taken if prior else ()
        points = {each.digest: each.point for each in taken}.values()
        shown = preview(spec, count, fits=fits, patience=PATIENCE, steps=MOST_STEPS, prior=points)
        answer.preview.CopyFrom(_message(shown))
    return answer


def _room(most: int, clock: Clock) -> Callable[[PreviewedRun], bool]:
    """Return what takes runs while there is room and time; the first one also where all took too long."""
    left, end, is_first = most, clock.monotonic() + LONGEST, True

    def fits(run: PreviewedRun) -> bool:
        nonlocal left, is_first
        left -= previewed_weight(run)
        is_in_time, is_first = is_first or clock.monotonic() < end, False
        return left >= 0 and is_in_time

    return fits


def _message(shown: Preview) -> v1.SweepPreview:
    return v1.SweepPreview(
        runs=[
            v1.PreviewedRun(
                parameters=point_message(run.point),
                argv=run.argv,
                source=v1.PointSource.Value(f"POINT_SOURCE_{run.source.name}"),
                repeat=run.repeat,
            )
            for run in shown.runs
        ],
        space_size=count_or_none(shown.size.value),
        space_size_is_estimate=shown.size.is_estimate,
        planned_runs=count_or_none(shown.planned_runs),
        rungs=shown.rungs,
        seed=shown.seed,
    )
