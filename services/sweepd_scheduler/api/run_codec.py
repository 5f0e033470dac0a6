"""Messages of runs, their attempts, their history, and what keeps them from being handed out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar, get_args

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.codec import point_message
from sweepd.spec import ObjectiveValue
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.domain.early_termination.judging import Verdict
from sweepd_scheduler.domain.effects import HistoryEntry
from sweepd_scheduler.domain.runs.run import Attempt, Exit, ExitCause, PointSource, Provenance, Run
from sweepd_scheduler.domain.sweeps.explain import Obstacle, ObstacleKind
from sweepd_scheduler.domain.transitions import AttemptState, RunState, SweepState

_TYPES = {
    FieldDescriptor.CPPTYPE_STRING: (str, bytes),
    FieldDescriptor.CPPTYPE_BOOL: (bool,),
    FieldDescriptor.CPPTYPE_INT32: (int,),
    FieldDescriptor.CPPTYPE_INT64: (int,),
    FieldDescriptor.CPPTYPE_UINT32: (int,),
    FieldDescriptor.CPPTYPE_UINT64: (int,),
    FieldDescriptor.CPPTYPE_DOUBLE: (float,),
}


def plain_fields(message: type[Message], entity: type) -> Callable[[object], dict[str, Any]]:
    """Return a function that returns them by name; a new one needs no line where messages are made.

    It is compiled from their names, as messages of runs are made by the thousand.
    """
    types = {each.name: _TYPES.get(each.cpp_type, ()) for each in message.DESCRIPTOR.fields}
    names = [each.name for each in fields(entity) if _plain(each.type) in types.get(each.name, ())]
    values = ", ".join(f'"{name}": thing.{name}' for name in names)
    returned: Callable[[object], dict[str, Any]] = eval(f"lambda thing: {{{values}}}")  # noqa: S307 (our own names)
    return returned


def _plain(hint: object) -> object:
    """Return the type of a value that may be missing, or of those in a tuple."""
    arguments = get_args(hint)
    return arguments[0] if arguments else hint


RUN_STATES = {state: v1.RunState.Value(f"RUN_STATE_{state.name}") for state in RunState}
_ATTEMPT_STATES = {each: v1.AttemptState.Value(f"ATTEMPT_STATE_{each.name}") for each in AttemptState}
_CAUSES = {cause: v1.ExitCause.Value(f"EXIT_CAUSE_{cause.name}") for cause in ExitCause}
_SOURCES = {source: v1.PointSource.Value(f"POINT_SOURCE_{source.name}") for source in PointSource}
CAUSES = {number: cause for cause, number in _CAUSES.items()}
MAX_ATTEMPT_BYTES = 1_000_000
_run_fields = plain_fields(v1.Run, Run)
_attempt_fields = plain_fields(v1.Attempt, Attempt)

S = TypeVar("S", RunState, SweepState)


def run_message(run: Run, kind: ObjectiveValue) -> v1.Run:
    """Return a run as people see it; `kind`: what its value is in its sweep."""
    return v1.Run(
        **_run_fields(run),
        sweep="" if run.is_standalone else run.name.rpartition("-")[0],
        state=RUN_STATES[run.state],
        attempt=run.attempt,
        parameters=point_message(run.point),
        attempts=_attempt_messages(run.attempts),
        best_value=run.values.best,
        last_value=run.values.last,
        iterations=run.values.iterations,
        provenance=_provenance_message(run.provenance),
        verdicts=[_verdict_message(verdict) for verdict in run.verdicts],
        create_time=timestamp(run.create_time),
        start_time=timestamp(run.start_time),
        end_time=timestamp(run.end_time),
        value=run.value(kind),
    )


def read_states(wanted: Mapping[S, int], numbers: Iterable[int]) -> tuple[S, ...]:
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


def timestamp(microseconds: int) -> Timestamp | None:
    """Return a time; None for never."""
    if not microseconds:
        return None
    return Timestamp(seconds=microseconds // 1_000_000, nanos=microseconds % 1_000_000 * 1_000)


def _attempt_messages(attempts: Sequence[Attempt]) -> list[v1.Attempt]:
    """Return all attempts; the texts of the oldest are left out where they are too many for one answer."""
    if len(attempts) < 2:
        return [_attempt_message(each) for each in attempts]
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
        **_attempt_fields(attempt),
        state=_ATTEMPT_STATES[attempt.state],
        exit=_exit_message(attempt.exit) if attempt.exit else None,
        assign_time=timestamp(attempt.assign_time),
        start_time=timestamp(attempt.start_time),
        end_time=timestamp(attempt.end_time),
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


MAX_DETAIL = 1_000
_OBSTACLES = {kind: v1.ObstacleKind.Value(f"OBSTACLE_KIND_{kind.name}") for kind in ObstacleKind}
_SENTENCES = {
    "run-assigned": "handed out to agent {agent}",
    "run-started": "its process has started",
    "run-resumed": "it resumes from a checkpoint that holds everything up to step {step}",
    "run-kept": "its agent came back and continues it",
    "run-taken-over": "agent {agent} has the folder of the attempt now and continues it",
    "run-enqueued": "a person asked for it",
    "run-added": "run_cap was raised: its point had fewer runs than repeats says",
    "run-retried": "a person asked for another attempt; it was {before}",
    "attempt-suspect": "its agent has not reported for the length of its lease",
    "attempt-recovered": "its agent reported again",
    "agent-quarantined": "agent {agent} gets no more runs of the sweep: {reason}",
    "sweep-ending": "the sweep starts no new runs: {ending}",
}


def event_message(line: HistoryEntry) -> v1.RunEvent:
    """Return an entry of the history of a run as a message."""
    return v1.RunEvent(time=timestamp(line.time), kind=line.kind, attempt=line.attempt, detail=_detail(line))


def obstacle_message(obstacle: Obstacle) -> v1.Obstacle:
    """Return an obstacle as a message."""
    return v1.Obstacle(kind=_OBSTACLES[obstacle.kind], message=obstacle.message)


def _detail(line: HistoryEntry) -> str:
    sentence = _SENTENCES.get(line.kind)
    text = str(line.detail.get("reason", "")) if sentence is None else _filled(sentence, line.detail)
    return f"{text:.{MAX_DETAIL}}"


def _filled(sentence: str, detail: Mapping[str, str | int | float]) -> str:
    # Piece by piece, not by `format`: the values come from outside.
    for key, value in detail.items():
        sentence = sentence.replace("{" + key + "}", str(value))
    return sentence
