"""Requests about runs and specifications, read from messages."""

import secrets
from dataclasses import dataclass

from sweepd import v1
from sweepd.codec import CodecError, point_from_message
from sweepd.spec.limits import MAX_POINT_BYTES
from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Point, canonical_json
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.api.run_codec import RUN_STATES, read_states
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.agents.agent import check_identity
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.domain.requests.requests import CreateRun, Edit
from sweepd_scheduler.domain.transitions import FINAL_RUN, RunState

MAX_ATTEMPT = 1_000
EDITABLE = ("description", "metadata", "name", "run_cap", "tags")
# Whatever else a file has to have, so that the rest can be read by its rules.
_REST = {"method": "random", "program": "program", "parameters": {"x": {"min": 0.0, "max": 1.0}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRuns:
    """Runs to be retried: these, or if there are none those in some states."""

    sweep: SweepName
    runs: tuple[RunName, ...] = ()
    states: tuple[RunState, ...] = ()


def wanted_runs(request: v1.RetryRunsRequest) -> WantedRuns:
    """Read which runs are to be retried.

    Raises:
        DomainError: it cannot be read.
    """
    if bool(request.names) == bool(request.sweep):
        raise InvalidFieldError("names", "name either runs or a sweep")
    if request.sweep:
        states = read_states(RUN_STATES, request.states)
        if not states or not set(states) <= FINAL_RUN - {RunState.FINISHED}:
            words = "failed, crashed, stopped or killed"
            raise InvalidFieldError("states", f"say which runs are meant: {words}, at least one of them")
        return WantedRuns(sweep=names.sweep_name(request.sweep), states=states)
    runs = tuple(dict.fromkeys(names.run_name(name) for name in request.names))
    if any(run.sweep.is_standing for run in runs):
        raise InvalidFieldError("names", "a standalone run cannot be retried; start its script again")
    if len({run.sweep for run in runs}) > 1:
        raise InvalidFieldError("names", "they are runs of several sweeps; retry those of one at a time")
    return WantedRuns(sweep=runs[0].sweep, runs=runs)


def new_run(request: v1.CreateRunRequest) -> CreateRun:
    """Read the claim of a standalone run.

    Raises:
        DomainError: it cannot be read.
    """
    check_identity(request.agent_id, request.agent_secret, "agent_secret")
    if request.attempt > MAX_ATTEMPT:
        why = f"a run can be started {MAX_ATTEMPT} times; start its script without `resume`, as another run"
        raise InvalidFieldError("attempt", why)
    try:
        point = point_from_message(request.parameters, "parameters")
    except CodecError as error:
        raise InvalidFieldError(error.field, error.why) from None
    if len(canonical_json(point).encode()) > MAX_POINT_BYTES:
        raise InvalidFieldError("parameters", f"they have more than {MAX_POINT_BYTES:,} bytes as JSON")
    try:
        start = request.start_time.ToMicroseconds() if request.HasField("start_time") else 0
    except ValueError:
        raise InvalidFieldError("start_time", "is no time of the years 1 to 9999") from None
    return CreateRun(
        parent=names.parent(request.parent),
        id=names.new_id(request.run_id, "run_id") if request.run_id else None,
        drawn_ids=() if request.run_id else drawn_ids(),
        agent=request.agent_id,
        host=request.host,
        argv=tuple(request.argv),
        point=point,
        start_time=max(0, start),
        attempt=request.attempt or 1,
        secret=request.agent_secret,
    )


def wanted_point(request: v1.EnqueueRunRequest) -> Point:
    """Read the point of a run.

    Raises:
        InvalidFieldError: it cannot be read.
    """
    try:
        return point_from_message(request.parameters)
    except CodecError as error:
        raise InvalidFieldError(error.field or "parameters", error.why) from None


def edit(request: v1.UpdateSweepRequest) -> Edit:
    """Read what is to be changed of a specification, by the rules of a file.

    Raises:
        InvalidFieldError: a field cannot be changed, or its new value would be refused in a file.
    """
    fields = frozenset(_field(path) for path in request.update_mask.paths)
    if not fields:
        raise InvalidFieldError("update_mask", f"it names no field; {_known()}")
    document = _document(request.sweep.spec, fields)
    parsed = parse_mapping({**_REST, **document}, file="edit")
    findings = [finding for finding in parsed.diagnostics if finding.severity == "error"]
    if parsed.spec is None or findings:
        raise InvalidFieldError(f"sweep.spec.{findings[0].path}", findings[0].message)
    spec = parsed.spec
    return Edit(
        fields=fields,
        run_cap=spec.run_cap,
        name=spec.name,
        description=spec.description,
        tags=spec.tags,
        metadata=spec.metadata,
    )


def _field(path: str) -> str:
    head, _, field = path.partition(".")
    if head != "spec" or field not in EDITABLE:
        raise InvalidFieldError("update_mask", f"{path!r:.100} cannot be changed; {_known()}")
    return field


def _known() -> str:
    return f"what can: {', '.join(f'spec.{field}' for field in EDITABLE)}"


def _document(spec: v1.SweepSpec, fields: frozenset[str]) -> dict[str, object]:
    document: dict[str, object] = {}
    if spec.HasField("run_cap"):
        document["run_cap"] = spec.run_cap
    if spec.name:
        document["name"] = spec.name
    if spec.description:
        document["description"] = spec.description
    if spec.tags:
        document["tags"] = list(spec.tags)
    if spec.HasField("metadata"):
        try:
            document["metadata"] = point_from_message(spec.metadata)
        except CodecError as error:
            raise InvalidFieldError(f"sweep.spec.metadata.{error.field}", error.why) from None
    return {field: value for field, value in document.items() if field in fields}


LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
LENGTH = 8
CANDIDATES = 8


def drawn_ids() -> tuple[str, ...]:
    """Return some ids, of which the first that is free is taken."""
    return tuple(
        # An id never looks like the name of a run, nor like a number.
        secrets.choice(LETTERS[:24]) + "".join(secrets.choice(LETTERS) for _ in range(LENGTH - 1))
        for _ in range(CANDIDATES)
    )
