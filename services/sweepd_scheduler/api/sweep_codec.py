"""Translation of sweeps, previews and progress to messages; decoding of sweep files and specifications."""

from collections.abc import Callable
from dataclasses import replace

from sweepd import v1
from sweepd.codec.spec import diagnostic_message, spec_from_message, spec_message
from sweepd.codec.values import CodecError, point_message
from sweepd.spec.finding import Diagnostic
from sweepd.spec.parse import Parsed, parse_text
from sweepd.spec.preview import Preview, PreviewedRun, preview
from sweepd.spec.sweep_spec import SweepSpec
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DomainError, InvalidFieldError, Reason, Status, Violation
from sweepd_scheduler.api.run_codec import message_fields, report_message
from sweepd_scheduler.domain.events import SECOND
from sweepd_scheduler.domain.names import RunName
from sweepd_scheduler.domain.runs.results import progress
from sweepd_scheduler.domain.sweep import Counts, Ending, SourceFile, Sweep
from sweepd_scheduler.domain.transitions import RunState, SweepState
from sweepd_scheduler.message_size import MAX_BYTES, previewed_weight
from sweepd_scheduler.reads.prior_found import Gathered
from sweepd_scheduler.store.ports import Records

SWEEP_STATES = {state: v1.SweepState.Value(f"SWEEP_STATE_{state.name}") for state in SweepState}
_ENDINGS = {
    Ending.CAP: v1.SWEEP_ENDING_CAP,
    Ending.TARGET: v1.SWEEP_ENDING_TARGET,
    Ending.GRID: v1.SWEEP_ENDING_GRID,
    Ending.STOP: v1.SWEEP_ENDING_STOP,
    Ending.RETRIED: v1.SWEEP_ENDING_STOP,
}

# A message has at most 4 MiB. The file of a large sweep is left out, as the specification says the same.
MAX_SWEEP_BYTES = 3_800_000
_sweep_fields = message_fields(v1.Sweep, Sweep)


class InvalidSweepError(DomainError, status=Status.INVALID_ARGUMENT, reason=Reason.INVALID_SWEEP):
    """A sweep cannot be created; the error has all findings."""

    def __init__(self, findings: tuple[Violation, ...]) -> None:
        first = findings[0]
        sentence = f"{first.field}: {first.message}" if first.field else first.message
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"the sweep cannot be created: {sentence}{more}", violations=findings)


def sweep_message(sweep: Sweep, connected_agents: int) -> v1.Sweep:
    """Return a sweep as a message; `connected_agents`: number of sessions that serve it."""
    message = v1.Sweep(
        **_sweep_fields(sweep),
        name=str(sweep.name),
        spec=spec_message(sweep.spec),
        ending=_ENDINGS[sweep.ending] if sweep.ending else v1.SWEEP_ENDING_UNSPECIFIED,
        run_counts=_counts_message(sweep.counts),
        planned_runs=count_or_none(sweep.planned_runs),
        best_run=str(RunName(sweep.name, sweep.best.run)) if sweep.best else "",
        best_value=sweep.best.value if sweep.best else None,
        connected_agents=connected_agents,
        paused_by_itself=sweep.paused_by_itself,
    )
    if sweep.objective_missing is not None:
        missing = sweep.objective_missing
        message.objective_missing.consecutive_runs = missing.consecutive_runs
        message.objective_missing.logged_keys.extend(missing.logged_keys)
    if sweep.file is not None and message.ByteSize() + len(sweep.file.content) < MAX_SWEEP_BYTES:
        message.file.CopyFrom(v1.SweepFile(file_name=sweep.file.name, content=sweep.file.content))
    return message


def read_file(file: v1.SweepFile) -> Parsed:
    """Read a sweep file in the same way as the command line."""
    return parse_text(file.content, file=_name(file))


def read_placed_file(file: v1.SweepFile) -> Parsed:
    """Read a sweep file whose entity and project may be any text, as the request names the project."""
    return parse_text(file.content, file=_name(file), placing=())


def validation(parsed: Parsed) -> v1.ValidateSweepResponse:
    """Return the findings about a sweep file, and its specification if it is valid, as a message."""
    return v1.ValidateSweepResponse(
        diagnostics=[diagnostic_message(each) for each in parsed.diagnostics],
        spec=spec_message(parsed.spec) if parsed.spec else None,
    )


def new_sweep(request: v1.CreateSweepRequest) -> tuple[SweepSpec, SourceFile | None]:
    """Decode the specification of a new sweep, and its file if there is one.

    Raises:
        DomainError: the sweep cannot be created; the error has all findings.
    """
    match request.WhichOneof("definition"):
        case "file":
            return _spec_of_file(request.file), SourceFile(
                name=request.file.file_name, content=request.file.content
            )
        case "spec":
            source = request.source
            file = SourceFile(name=source.file_name, content=source.content) if source.content else None
            return _spec_of_message(request.spec), file
        case _:
            raise InvalidFieldError("definition", "specify a spec or a file")


def count_or_none(number: int | None) -> int | None:
    """Return a count; None if it is unknown, or does not fit into a 64-bit field of a message."""
    return number if number is not None and number < 2**64 else None


def _name(file: v1.SweepFile) -> str:
    return file.file_name or "sweep.yaml"


def _spec_of_file(file: v1.SweepFile) -> SweepSpec:
    parsed = read_placed_file(file)
    if parsed.spec is None:
        raise InvalidSweepError(tuple(_violation(each) for each in parsed.refusals))
    return _encodable(parsed.spec)


def _spec_of_message(message: v1.SweepSpec) -> SweepSpec:
    try:
        return spec_from_message(message)
    except CodecError as error:
        raise InvalidSweepError((Violation(error.field or "spec", error.why),)) from None


def _encodable(spec: SweepSpec) -> SweepSpec:
    """Return the specification unchanged; raise InvalidSweepError if a value does not fit into a message."""
    try:
        spec_message(spec)
    except CodecError as error:
        raise InvalidSweepError((Violation(error.field, error.why),)) from None
    return spec


def _violation(diagnostic: Diagnostic) -> Violation:
    place = f"{diagnostic.file}:{diagnostic.line}:{diagnostic.column}: " if diagnostic.line else ""
    hint = f" ({diagnostic.suggestion})" if diagnostic.suggestion else ""
    return Violation(diagnostic.path, f"{place}{diagnostic.message}{hint}")


def _counts_message(counts: Counts) -> v1.RunCounts:
    return v1.RunCounts(**{state.value: counts.of(state) for state in RunState})


MAX_RUNS = 1_000
MAX_STEPS = 100_000
"""Limit on the exact counting of points for a preview."""

PATIENCE = 5
TIME_LIMIT = 2.0
"""Seconds after which a preview stops, as constraints may make it expensive to find each run."""


def runs_wanted(request: v1.PreviewSweepRequest) -> int:
    """Return the number of runs to preview.

    Raises:
        InvalidFieldError: more runs are requested than a preview may show.
    """
    if request.count > MAX_RUNS:
        raise InvalidFieldError("count", f"at most {MAX_RUNS:,} runs can be shown")
    return request.count


def previewed(
    parsed: Parsed, count: int, drawn_seed: int, clock: Clock, prior: Gathered | None = None
) -> v1.PreviewSweepResponse:
    """Return the findings about a sweep file and, if it is valid, a preview of its runs.

    Args:
        parsed: the file as read.
        count: number of runs to show.
        drawn_seed: the seed to use if the file has none.
        clock: clock for the time limit.
        prior: the runs that the sweep would begin with.
    """
    answer = v1.PreviewSweepResponse(
        diagnostics=map(diagnostic_message, parsed.diagnostics),
        prior_runs=report_message(prior) if prior else None,
    )
    if parsed.spec is not None:
        spec = parsed.spec if parsed.spec.seed is not None else replace(parsed.spec, seed=drawn_seed)
        fits = _room(MAX_BYTES - answer.ByteSize(), clock)
        taken = prior.taken if prior else ()
        points = {each.digest: each.point for each in taken}.values()
        shown = preview(spec, count, fits=fits, patience=PATIENCE, steps=MAX_STEPS, prior=points)
        answer.preview.CopyFrom(_message(shown))
    return answer


def _room(most: int, clock: Clock) -> Callable[[PreviewedRun], bool]:
    """Return a predicate that is False for runs beyond the size or time limit of a preview.

    The first run has no time limit. `most`: maximum size of all runs in bytes.
    """
    left, end, is_first = most, clock.monotonic() + TIME_LIMIT, True

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


ENTRIES_A_MESSAGE = 50_000


def progress_parts(records: Records, sweep: Sweep) -> list[v1.ReadSweepProgressResponse]:
    """Return the progress of a sweep as messages of bounded size.

    Raises:
        DomainError: the records cannot be read.
    """
    found = progress(sweep, records.run_values(sweep))
    parts = (found[start : start + ENTRIES_A_MESSAGE] for start in range(0, len(found), ENTRIES_A_MESSAGE))
    return [
        v1.ReadSweepProgressResponse(
            runs=[each.run for each in part],
            end_times=[each.end_time / SECOND for each in part],
            values=[each.value for each in part],
            bests=[each.best for each in part],
        )
        for part in parts
    ]
