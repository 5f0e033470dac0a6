"""Sweeps and runs as messages, and requests about them as commands of the core."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.codec import CodecError, diagnostic_message, point_message, spec_from_message, spec_message
from sweepd.spec import Diagnostic, ObjectiveValue, Parsed, SweepSpec, parse_text
from sweepd_kernel.errors import DomainError, InvalidFieldError, Reason, Status, Violation
from sweepd_scheduler.domain.early_termination.judging import Verdict
from sweepd_scheduler.domain.names import RunName
from sweepd_scheduler.domain.runs.run import Attempt, Exit, ExitCause, PointSource, Provenance, Run
from sweepd_scheduler.domain.states import AttemptState, RunState, SweepState
from sweepd_scheduler.domain.sweeps.sweep import Counts, Ending, PauseCause, SourceFile, Sweep

RUN_STATES = {state: v1.RunState.Value(f"RUN_STATE_{state.name}") for state in RunState}
SWEEP_STATES = {state: v1.SweepState.Value(f"SWEEP_STATE_{state.name}") for state in SweepState}
_ENDINGS = {
    Ending.CAP: v1.SWEEP_ENDING_CAP,
    Ending.TARGET: v1.SWEEP_ENDING_TARGET,
    Ending.GRID: v1.SWEEP_ENDING_GRID,
    Ending.STOP: v1.SWEEP_ENDING_STOP,
    Ending.RETRIED: v1.SWEEP_ENDING_STOP,
}
_PAUSE_CAUSES = {cause: v1.PauseCause.Value(f"PAUSE_CAUSE_{cause.name}") for cause in PauseCause}
_ATTEMPT_STATES = {each: v1.AttemptState.Value(f"ATTEMPT_STATE_{each.name}") for each in AttemptState}
_CAUSES = {cause: v1.ExitCause.Value(f"EXIT_CAUSE_{cause.name}") for cause in ExitCause}
_SOURCES = {source: v1.PointSource.Value(f"POINT_SOURCE_{source.name}") for source in PointSource}
CAUSES = {number: cause for cause, number in _CAUSES.items()}

# A message has at most 4 MiB; of a huge sweep the file is left out, as all of it is in the specification.
MAX_SWEEP_BYTES = 3_800_000
MAX_ATTEMPT_BYTES = 1_000_000

S = TypeVar("S", RunState, SweepState)


class InvalidSweepError(DomainError):
    """The sweep cannot be created; every finding is told."""

    def __init__(self, findings: tuple[Violation, ...]) -> None:
        first = findings[0]
        told = f"{first.field}: {first.message}" if first.field else first.message
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(
            f"the sweep cannot be created: {told}{more}",
            status=Status.INVALID_ARGUMENT,
            reason=Reason.INVALID_SWEEP,
            violations=findings,
        )


def sweep_message(sweep: Sweep, connected_agents: int) -> v1.Sweep:
    """Return a sweep as people see it."""
    message = v1.Sweep(
        name=str(sweep.name),
        spec=spec_message(sweep.spec),
        state=SWEEP_STATES[sweep.state],
        ending=_ENDINGS[sweep.ending] if sweep.ending else v1.SWEEP_ENDING_UNSPECIFIED,
        reason=sweep.reason,
        run_counts=_counts_message(sweep.counts),
        planned_runs=count(sweep.planned_runs),
        best_run=str(RunName(sweep.name, sweep.best.run)) if sweep.best else "",
        best_value=sweep.best.value if sweep.best else None,
        connected_agents=connected_agents,
        create_time=timestamp(sweep.create_time),
        start_time=timestamp(sweep.start_time),
        end_time=timestamp(sweep.end_time),
    )
    message.paused_by_itself = sweep.paused_by_itself
    if sweep.pause_cause is not None:
        message.pause_cause = _PAUSE_CAUSES[sweep.pause_cause]
    message.revision = sweep.revision
    message.prior_runs = sweep.prior_runs
    if sweep.objective_missing is not None:
        missing = sweep.objective_missing
        message.objective_missing.consecutive_runs = missing.consecutive_runs
        message.objective_missing.logged_keys.extend(missing.logged_keys)
    if sweep.file is not None and message.ByteSize() + len(sweep.file.content) < MAX_SWEEP_BYTES:
        message.file.CopyFrom(v1.SweepFile(file_name=sweep.file.name, content=sweep.file.content))
    return message


def run_message(run: Run, kind: ObjectiveValue) -> v1.Run:
    """Return a run as people see it; `kind`: what its value is in its sweep."""
    return v1.Run(
        name=run.name,
        sweep="" if run.stands_alone else run.name.rpartition("-")[0],
        number=run.number,
        state=RUN_STATES[run.state],
        reason=run.reason,
        attempt=run.attempt,
        parameters=point_message(run.point),
        attempts=_attempt_messages(run.attempts),
        best_value=run.values.best,
        last_value=run.values.last,
        iterations=run.values.iterations,
        provenance=_provenance_message(run.provenance),
        verdicts=[_verdict_message(verdict) for verdict in run.verdicts],
        logged_keys=run.logged_keys,
        create_time=timestamp(run.create_time),
        start_time=timestamp(run.start_time),
        end_time=timestamp(run.end_time),
        repeat=run.repeat,
        value=run.value(kind),
        display_name=run.display_name,
        tags=run.tags,
    )


def states(wanted: Mapping[S, int], numbers: Iterable[int]) -> tuple[S, ...]:
    """Read the states that a list is narrowed to.

    Raises:
        InvalidFieldError: a number stands for no state.
    """
    by_number = {number: state for state, number in wanted.items()}
    numbers = list(numbers)
    unknown = [number for number in numbers if number not in by_number]
    if unknown:
        raise InvalidFieldError("states", f"{unknown[0]} is no state")
    return tuple(by_number[number] for number in numbers)


def read_file(file: v1.SweepFile) -> Parsed:
    """Read a sweep file as the command line does."""
    return parse_text(file.content, file=_name(file))


def read_placed_file(file: v1.SweepFile) -> Parsed:
    """Read the file of a sweep whose place is given beside it: its own names say nothing, legal or not."""
    return parse_text(file.content, file=_name(file), placing=())


def validation(parsed: Parsed) -> v1.ValidateSweepResponse:
    """Return the findings about a file, and the sweep that it describes."""
    return v1.ValidateSweepResponse(
        diagnostics=[diagnostic_message(each) for each in parsed.diagnostics],
        spec=spec_message(parsed.spec) if parsed.spec else None,
    )


def new_sweep(request: v1.CreateSweepRequest) -> tuple[SweepSpec, SourceFile | None]:
    """Read what a sweep is to be made of.

    Raises:
        DomainError: it cannot be created; all findings are told.
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
            raise InvalidFieldError("definition", "neither a spec nor a file is given")


def count(number: int | None) -> int | None:
    """Return a count; None for one that no message can carry: nobody lives to see it reached."""
    return number if number is not None and number < 2**64 else None


def timestamp(microseconds: int) -> Timestamp | None:
    """Return a time; None for never."""
    if not microseconds:
        return None
    return Timestamp(seconds=microseconds // 1_000_000, nanos=microseconds % 1_000_000 * 1_000)


def microseconds(time: datetime) -> int:
    """Return a time as the core counts it."""
    return int((time - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)


def _name(file: v1.SweepFile) -> str:
    return file.file_name or "sweep.yaml"


def _spec_of_file(file: v1.SweepFile) -> SweepSpec:
    parsed = read_placed_file(file)
    if parsed.spec is None:
        raise InvalidSweepError(tuple(_violation(each) for each in parsed.refusals))
    return _carried(parsed.spec)


def _spec_of_message(message: v1.SweepSpec) -> SweepSpec:
    try:
        return spec_from_message(message)
    except CodecError as error:
        raise InvalidSweepError((Violation(error.field or "spec", error.why),)) from None


def _carried(spec: SweepSpec) -> SweepSpec:
    """Refuse now what no message could carry later, as an integer beyond 64 bits."""
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


def _attempt_messages(attempts: Sequence[Attempt]) -> list[v1.Attempt]:
    """Return all attempts; the texts of the oldest are left out where they are too many for one answer."""
    room = MAX_ATTEMPT_BYTES
    messages: list[v1.Attempt] = []
    for attempt in reversed(attempts):
        message = _attempt_message(attempt)
        room -= message.ByteSize()
        if room < 0 and messages:
            message.ClearField("argv")
            message.ClearField("reason")
            if message.HasField("exit"):
                message.exit.ClearField("message")
        messages.append(message)
    return messages[::-1]


def _attempt_message(attempt: Attempt) -> v1.Attempt:
    return v1.Attempt(
        number=attempt.number,
        agent=attempt.agent,
        host=attempt.host,
        state=_ATTEMPT_STATES[attempt.state],
        exit=_exit_message(attempt.exit) if attempt.exit else None,
        reason=attempt.reason,
        assign_time=timestamp(attempt.assign_time),
        start_time=timestamp(attempt.start_time),
        end_time=timestamp(attempt.end_time),
        argv=attempt.argv,
        resumed_from_step=attempt.resumed_from_step,
        log_bytes=attempt.log_bytes,
        storage=attempt.storage,
    )


def _exit_message(ended: Exit) -> v1.Exit:
    return v1.Exit(cause=_CAUSES[ended.cause], code=ended.code, signal=ended.signal, message=ended.message)


def _provenance_message(origin: Provenance) -> v1.Provenance:
    return v1.Provenance(
        source=_SOURCES[origin.source],
        index=origin.index,
        observations_seen=origin.observations_seen,
        study_length=origin.study_length,
        engine=origin.engine,
        seed=origin.seed,
        predicted_value=origin.predicted_value,
        predicted_deviation=origin.predicted_deviation,
        expected_improvement=origin.expected_improvement,
    )


def _verdict_message(verdict: Verdict) -> v1.Verdict:
    return v1.Verdict(
        rule=verdict.rule,
        rung=verdict.rung,
        value=verdict.value,
        threshold=verdict.threshold,
        rank=verdict.rank,
        compared=verdict.compared,
        decide_time=timestamp(verdict.decide_time),
        prior_compared=verdict.prior,
    )
