"""Translation of runs, their history and obstacles, and prior runs to messages; decoding of selections."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from enum import Enum, EnumType
from math import inf, isfinite
from typing import Any, TypeVar, cast, get_args

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from sweepd import v1
from sweepd.codec.values import point_message
from sweepd.spec.sweep_spec import ObjectiveValue
from sweepd_kernel.auth.principal import Bounds
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.domain.effects import HistoryEntry
from sweepd_scheduler.domain.eligibility import Obstacle
from sweepd_scheduler.domain.names import parent, sweep_name
from sweepd_scheduler.domain.runs.early_termination import Verdict
from sweepd_scheduler.domain.runs.run import Attempt, Exit, ExitCause, Provenance, Run
from sweepd_scheduler.domain.search.prior_runs import PriorRun
from sweepd_scheduler.domain.transitions import FINAL_RUN, RunState, SweepState
from sweepd_scheduler.reads.prior_found import MAX_RUNS, Filter, Gathered, Selection

S = TypeVar("S", RunState, SweepState)
_TYPES = {
    FieldDescriptor.CPPTYPE_STRING: (str, bytes),
    FieldDescriptor.CPPTYPE_BOOL: (bool,),
    FieldDescriptor.CPPTYPE_INT32: (int,),
    FieldDescriptor.CPPTYPE_INT64: (int,),
    FieldDescriptor.CPPTYPE_UINT32: (int,),
    FieldDescriptor.CPPTYPE_UINT64: (int,),
    FieldDescriptor.CPPTYPE_DOUBLE: (float,),
}


def timestamp(microseconds: int) -> Timestamp | None:
    """Return a time in microseconds since 1970 as a message; None for 0, which means never."""
    if not microseconds:
        return None
    return Timestamp(seconds=microseconds // 1_000_000, nanos=microseconds % 1_000_000 * 1_000)


def message_fields(message: type[Message], entity: type) -> Callable[[object], dict[str, Any]]:
    """Return a function that maps an entity to the fields of a message that have the same names and types.

    The function converts enums to their numbers and times to timestamps. It is generated from the names of
    the fields, to be fast enough for thousands of runs at a time.
    """
    scope: dict[str, Any] = {"timestamp": timestamp}
    values: list[str] = []
    for each in fields(entity):
        field, kind = message.DESCRIPTOR.fields_by_name.get(each.name), _inner_type(each.type)
        value = f"thing.{each.name}"
        if field is not None and field.message_type is Timestamp.DESCRIPTOR:
            values.append(f'"{each.name}": timestamp({value})')
        elif field is not None and field.enum_type and (numbers := _numbers(field.enum_type.name, kind)):
            scope[each.name] = numbers
            values.append(f'"{each.name}": {each.name}[{value}]')
        elif field is not None and kind in _TYPES.get(field.cpp_type, ()):
            values.append(f'"{each.name}": {value}')
    returned: Callable[[object], dict[str, Any]] = eval(f"lambda thing: {{{', '.join(values)}}}", scope)  # noqa: S307 (our own names)
    return returned


def _numbers(enum: str, kind: object) -> dict[object, int]:
    """Return the number of each member of an enum, and 0 for None; empty if the contract lacks a member.

    `enum`: name of the enum in the contract; `kind`: the enum of the core; empty for any other type.
    """
    if not isinstance(kind, EnumType):
        return {}
    prefix = re.sub("(?<=[a-z])(?=[A-Z])", "_", enum).upper()
    names = {each: f"{prefix}_{each.name}" for each in cast("type[Enum]", kind)}
    known: dict[str, int] = dict(getattr(v1, enum).items())
    if not known.keys() >= set(names.values()):
        return {}
    return {None: 0, **{each: known[name] for each, name in names.items()}}


def _inner_type(hint: object) -> object:
    """Return the inner type of an optional or tuple type hint; other types unchanged."""
    arguments = get_args(hint)
    return arguments[0] if arguments else hint


RUN_STATES = {state: v1.RunState.Value(f"RUN_STATE_{state.name}") for state in RunState}
CAUSES = {v1.ExitCause.Value(f"EXIT_CAUSE_{cause.name}"): cause for cause in ExitCause}
MAX_ATTEMPT_BYTES = 1_000_000
_run_fields = message_fields(v1.Run, Run)
_attempt_fields = message_fields(v1.Attempt, Attempt)
_exit_fields = message_fields(v1.Exit, Exit)
_provenance_fields = message_fields(v1.Provenance, Provenance)
_verdict_fields = message_fields(v1.Verdict, Verdict)
_event_fields = message_fields(v1.RunEvent, HistoryEntry)
_obstacle_fields = message_fields(v1.Obstacle, Obstacle)
_prior_run_fields = message_fields(v1.PriorRun, PriorRun)


def run_message(run: Run, kind: ObjectiveValue) -> v1.Run:
    """Return a run as a message; `kind`: kind of objective value that its sweep uses."""
    return v1.Run(
        **_run_fields(run),
        sweep="" if run.is_standalone else run.name.rpartition("-")[0],
        attempt=run.attempt,
        parameters=point_message(run.point),
        attempts=_attempt_messages(run.attempts),
        best_value=run.values.best,
        last_value=run.values.last,
        iterations=run.values.iterations,
        provenance=v1.Provenance(**_provenance_fields(run.provenance)),
        verdicts=[v1.Verdict(**_verdict_fields(each), prior_compared=each.prior) for each in run.verdicts],
        value=run.value(kind),
    )


def read_states(wanted: Mapping[S, int], numbers: Iterable[int]) -> tuple[S, ...]:
    """Decode the states that filter a list.

    Raises:
        InvalidFieldError: a number is not a state.
    """
    by_number = {number: state for state, number in wanted.items()}
    numbers = list(numbers)
    unknown = [number for number in numbers if number not in by_number]
    if unknown:
        raise InvalidFieldError("states", f"{unknown[0]} is not a state")
    return tuple(by_number[number] for number in numbers)


def _attempt_messages(attempts: Sequence[Attempt]) -> list[v1.Attempt]:
    """Return all attempts as messages; leave out texts of the oldest ones if not all of them fit."""
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
    ended = v1.Exit(**_exit_fields(attempt.exit)) if attempt.exit else None
    return v1.Attempt(**_attempt_fields(attempt), exit=ended)


MAX_DETAIL = 1_000
_SENTENCES = {
    "run-assigned": "handed out to agent {agent}",
    "run-started": "its process has started",
    "run-resumed": "it resumes from a checkpoint that holds everything up to step {step}",
    "run-kept": "its agent came back and continues it",
    "run-taken-over": "agent {agent} has the folder of the attempt now and continues it",
    "run-enqueued": "a user enqueued it",
    "run-added": "run_cap was raised: its point had fewer runs than `repeats`",
    "run-retried": "a user retried it; its state was {before}",
    "attempt-suspect": "its agent did not report within its lease",
    "attempt-recovered": "its agent reported again",
    "agent-quarantined": "agent {agent} gets no more runs of the sweep: {reason}",
    "sweep-ending": "the sweep starts no new runs: {ending}",
}


def event_message(entry: HistoryEntry) -> v1.RunEvent:
    """Return an entry of the history of a run as a message."""
    return v1.RunEvent(**_event_fields(entry) | {"detail": _detail(entry)})


def obstacle_message(obstacle: Obstacle) -> v1.Obstacle:
    """Return an obstacle as a message."""
    return v1.Obstacle(**_obstacle_fields(obstacle))


def _detail(entry: HistoryEntry) -> str:
    sentence = _SENTENCES.get(entry.kind)
    text = str(entry.detail.get("reason", "")) if sentence is None else _filled(sentence, entry.detail)
    return f"{text:.{MAX_DETAIL}}"


def _filled(sentence: str, detail: Mapping[str, str | int | float]) -> str:
    # Uses `replace` instead of `format`, as the values are untrusted.
    for key, value in detail.items():
        sentence = sentence.replace("{" + key + "}", str(value))
    return sentence


_FIELD = "prior_runs"


def selection(message: v1.PriorRunSelection) -> Selection:
    """Decode a selection of prior runs.

    Raises:
        InvalidFieldError: the filter or the project is invalid, or too many runs are named.
        NotFoundError: the name of a sweep is invalid.
    """
    names = tuple(dict.fromkeys(message.runs))
    if len(names) > MAX_RUNS:
        raise InvalidFieldError(f"{_FIELD}.runs", f"at most {MAX_RUNS:,} runs can be named")
    return Selection(
        runs=names,
        sweeps=tuple(dict.fromkeys(sweep_name(name) for name in message.sweeps)),
        project=parent(message.project, f"{_FIELD}.project") if message.project else None,
        filter=_filter(message.filter),
    )


def report_message(found: Gathered) -> v1.PriorRunReport:
    """Return the result of gathering prior runs as a message."""
    return v1.PriorRunReport(
        taken=len(found.taken),
        unsuitable=found.left_out,
        unsuitable_runs=[v1.UnsuitableRun(run=run, reason=why) for run, why in found.unsuitable],
        without_curve=found.without_curve,
    )


def prior_run_message(prior: PriorRun, bounds: Bounds) -> v1.PriorRun:
    """Return a prior run as a message, without its name if the run is outside the caller's bounds."""
    return v1.PriorRun(
        **_prior_run_fields(prior),
        run=prior.source if bounds.covers_name(prior.source) else "",
        parameters=point_message(prior.point),
        iterations=prior.values.iterations,
        best_value=prior.values.best,
        last_value=prior.values.last,
    )


def _filter(message: v1.PriorRunFilter) -> Filter:
    states = read_states(RUN_STATES, message.states)
    live = [state for state in states if state not in FINAL_RUN]
    if live:
        raise InvalidFieldError(f"{_FIELD}.filter.states", f"{live[0]} is not the state of an ended run")
    return Filter(
        states=states,
        tags=frozenset(message.tags),
        created_from=_microseconds(message.created_from) if message.HasField("created_from") else 0,
        created_before=_microseconds(message.created_before) if message.HasField("created_before") else None,
        min_value=_bound("min_value", message.min_value) if message.HasField("min_value") else -inf,
        max_value=_bound("max_value", message.max_value) if message.HasField("max_value") else inf,
    )


def _bound(name: str, value: float) -> float:
    if not isfinite(value):
        raise InvalidFieldError(f"{_FIELD}.filter.{name}", "a bound must be finite")
    return value


def _microseconds(time: Timestamp) -> int:
    return time.seconds * 1_000_000 + time.nanos // 1_000
