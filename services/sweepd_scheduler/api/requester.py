"""Requests of clients: decoding, submission with stored data that they need, and answers to duplicates."""

import hashlib
import secrets
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from sweepd import v1
from sweepd.codec.spec import spec_message
from sweepd.codec.values import CodecError, point_from_message
from sweepd.spec.limits import MAX_POINT_BYTES
from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Point, canonical_json
from sweepd_kernel.auth.principal import Bounds, current_principal
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.api.run_codec import RUN_STATES, read_states
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.agents.agent import check_identity
from sweepd_scheduler.domain.names import Parent, RunName, SweepName, sweep_name
from sweepd_scheduler.domain.requests.remembered import Repeatable, RequestKey
from sweepd_scheduler.domain.requests.requests import Answer, CreateRun, Edit, NotInMemoryError, Request
from sweepd_scheduler.domain.sweep import StoredSweep, Sweep
from sweepd_scheduler.domain.transitions import FINAL_RUN, RunState
from sweepd_scheduler.owner.inbox import Repeated
from sweepd_scheduler.owner.owner import Owner
from sweepd_scheduler.store.records import Reading

MAX_ATTEMPT = 1_000
EDITABLE = ("description", "metadata", "name", "run_cap", "tags")
# Required keys of a sweep file, added to the edited fields so that the parser of sweep files can check these.
_REQUIRED = {"method": "random", "program": "program", "parameters": {"x": {"min": 0.0, "max": 1.0}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRuns:
    """Runs of a sweep to retry: the given `runs`, or if `runs` is empty, all runs in one of `states`."""

    sweep: SweepName
    runs: tuple[RunName, ...] = ()
    states: tuple[RunState, ...] = ()


def wanted_runs(request: v1.RetryRunsRequest) -> WantedRuns:
    """Decode the runs to retry.

    Raises:
        DomainError: the request is invalid.
    """
    if bool(request.names) == bool(request.sweep):
        raise InvalidFieldError("names", "specify either runs or a sweep")
    if request.sweep:
        states = read_states(RUN_STATES, request.states)
        if not states or not set(states) <= FINAL_RUN - {RunState.FINISHED}:
            words = "failed, crashed, stopped or killed"
            raise InvalidFieldError("states", f"select runs by state, at least one of: {words}")
        return WantedRuns(sweep=names.sweep_name(request.sweep), states=states)
    runs = tuple(dict.fromkeys(names.run_name(name) for name in request.names))
    if any(run.sweep.is_standing for run in runs):
        raise InvalidFieldError("names", "a standalone run cannot be retried; start its script again")
    if len({run.sweep for run in runs}) > 1:
        raise InvalidFieldError(
            "names", "the runs belong to several sweeps; retry those of one sweep at a time"
        )
    return WantedRuns(sweep=runs[0].sweep, runs=runs)


def new_run(request: v1.CreateRunRequest) -> CreateRun:
    """Decode a request to create a standalone run, which is sent by the agent of its script.

    Raises:
        DomainError: the request is invalid.
    """
    check_identity(request.agent_id, request.agent_secret, "agent_secret")
    if request.attempt > MAX_ATTEMPT:
        why = f"a run can start at most {MAX_ATTEMPT} times; start its script without `resume` for a new run"
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
        raise InvalidFieldError("start_time", "is not a time in the years 1 to 9999") from None
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
    """Decode the point of a run to enqueue.

    Raises:
        InvalidFieldError: the point is invalid.
    """
    try:
        return point_from_message(request.parameters)
    except CodecError as error:
        raise InvalidFieldError(error.field or "parameters", error.why) from None


def edit(request: v1.UpdateSweepRequest) -> Edit:
    """Decode an edit of a specification; the rules of sweep files apply.

    Raises:
        InvalidFieldError: a field cannot be edited, or its new value would be refused in a file.
    """
    fields = frozenset(_field(path) for path in request.update_mask.paths)
    if not fields:
        raise InvalidFieldError("update_mask", f"it is empty; {_editable()}")
    document = _document(request.sweep.spec, fields)
    parsed = parse_mapping({**_REQUIRED, **document}, file="edit")
    findings = [finding for finding in parsed.diagnostics if finding.severity == "error"]
    if parsed.spec is None or findings:
        raise InvalidFieldError(f"sweep.spec.{findings[0].path}", findings[0].message)
    spec = parsed.spec
    return Edit(fields=fields, **{name: getattr(spec, name) for name in EDITABLE})


def _field(path: str) -> str:
    head, _, field = path.partition(".")
    if head != "spec" or field not in EDITABLE:
        raise InvalidFieldError("update_mask", f"{path!r:.100} cannot be changed; {_editable()}")
    return field


def _editable() -> str:
    return f"the editable fields are: {', '.join(f'spec.{field}' for field in EDITABLE)}"


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
    """Return random candidates for an id; the first unused one becomes the id."""
    return tuple(
        # An id starts with a letter and has no hyphen, so that it looks like neither a number nor a run's id.
        secrets.choice(LETTERS[:24]) + "".join(secrets.choice(LETTERS) for _ in range(LENGTH - 1))
        for _ in range(CANDIDATES)
    )


_PLAIN, _PACKED = b"\0", b"\1"
_WORTH_PACKING = 500

M = TypeVar("M", bound=Message)


def shortened(response: Message) -> bytes:
    """Serialise a response for storage, without the parts that `complete` restores; compress a large one."""
    message = response
    if _sweep_of(response) is not None:
        message = type(response)()
        message.CopyFrom(response)
    sweep = _sweep_of(message)
    if sweep is not None:
        if sweep.HasField("file"):
            sweep.file.ClearField("content")
        sweep.spec.CopyFrom(_without(sweep.spec, lambda field: field not in EDITABLE))
    plain = message.SerializeToString()
    return _PLAIN + plain if len(plain) < _WORTH_PACKING else _PACKED + zlib.compress(plain, 1)


def kept_message(kind: type[M], kept: bytes) -> M:
    """Parse a stored response, which may lack parts."""
    content = zlib.decompress(kept[1:]) if kept[:1] == _PACKED else kept[1:]
    return kind.FromString(content)


def sweep_of(message: Message) -> str:
    """Return the name of the sweep from which `complete` restores a response; empty if it lacks no parts."""
    sweep = _sweep_of(message)
    return sweep.name if sweep is not None else ""


def complete(message: Message, sweep: Sweep) -> None:
    """Restore from its sweep the parts of a response that `shortened` left out; edits never change these."""
    kept = _sweep_of(message)
    if kept is None:
        return
    spec = _without(spec_message(sweep.spec), lambda field: field in EDITABLE)
    spec.MergeFrom(kept.spec)
    kept.spec.CopyFrom(spec)
    if kept.HasField("file") and sweep.file is not None:
        kept.file.content = sweep.file.content


def _sweep_of(message: Message) -> v1.Sweep | None:
    if isinstance(message, v1.Sweep):
        return message
    if isinstance(message, v1.CreateSweepResponse | v1.UpdateSweepResponse) and message.HasField("sweep"):
        return message.sweep
    return None


def _without(spec: v1.SweepSpec, left_out: Callable[[str], bool]) -> v1.SweepSpec:
    """Return a specification without the fields for whose names `left_out` returns True."""
    part = v1.SweepSpec()
    part.MergeFrom(spec)
    cleared: Message = part  # for the type checker: ClearField of `Message` accepts any name
    for field, _ in spec.ListFields():
        if left_out(field.name):
            cleared.ClearField(field.name)
    return part


MAX_REQUEST_ID = 64
MAX_TRIES = 8

A = TypeVar("A", bound=Answer)
Prepare = Callable[[StoredSweep | None, int], Awaitable[Request]]
"""Function that returns the event of a request, given the ended sweep (None: not read) and the number of
earlier tries."""


class Requester:
    """Submits requests to the owner, with the data that they need from the database."""

    def __init__(self, owner: Owner, reading: Reading) -> None:
        self._owner = owner
        self._reading = reading

    async def ask(
        self,
        event: Request,
        kind: type[A],
        encode: Callable[[A], M],
        answer: type[M],
        again: Repeatable | None,
    ) -> M:
        """Submit a request and return the response once it is stored.

        Args:
            event: the request.
            kind: type of the core's answer.
            encode: converts the core's answer to the response.
            answer: type of the response.
            again: identity by which a duplicate is recognised; None: the request has no id.

        Raises:
            DomainError: the request was refused, or could not be stored.
        """
        found = await self._owner.ask(event, kind, encode, again, shortened)
        return await self._complete(answer, found.kept) if isinstance(found, Repeated) else found

    async def first_answer(self, answer: type[M], again: Repeatable | None) -> M | None:
        """Return the response to an earlier call with the same request id; None if there was none.

        Raises:
            DomainError: the id belongs to another call, or the response could not be stored or read.
        """
        found = await self._owner.first_answer(again) if again else None
        return await self._complete(answer, found) if found is not None else None

    async def ask_prepared(
        self,
        prepare: Prepare,
        sweep: SweepName,
        kind: type[A],
        encode: Callable[[A], M],
        answer: type[M],
        again: Repeatable | None,
    ) -> M:
        """Submit a request that may need data from the database; retry if the data is missing or outdated.

        Args:
            prepare: returns the event for each try.
            sweep: the sweep of the request, which is read if it has ended.
            kind: type of the core's answer.
            encode: converts the core's answer to the response.
            answer: type of the response.
            again: identity by which a duplicate is recognised; None: the request has no id.

        Raises:
            DomainError: the request was refused or could not be stored, or its data was outdated at each try.
        """
        stored: StoredSweep | None = None
        for attempt in range(MAX_TRIES):
            try:
                event = await prepare(stored, attempt)
                return await self.ask(event, kind, encode, answer, again)
            except NotInMemoryError as missing:
                if attempt == MAX_TRIES - 1:
                    raise
                stored = await self._reading(self._reading.records.stored, sweep) if missing.whole else None
        raise AssertionError("the last attempt returned or raised")

    async def _complete(self, kind: type[M], kept: bytes) -> M:
        """Parse a stored response, and restore the parts that were left out."""
        message = kept_message(kind, kept)
        name = sweep_of(message)
        if name:
            complete(message, await self._reading.sweep(sweep_name(name)))
        return message


def repeatable(request: Message, request_id: str, parent: Parent | None) -> Repeatable | None:
    """Return the identity by which a duplicate of a call is recognised; None if the call has no id.

    Args:
        request: the call.
        request_id: the id that the caller has chosen for the call; empty: none.
        parent: the project that the call concerns; None: all projects of the caller's token.

    Raises:
        InvalidFieldError: the id is too long.
    """
    if not request_id:
        return None
    if len(request_id) > MAX_REQUEST_ID:
        raise InvalidFieldError("request_id", f"it has more than {MAX_REQUEST_ID} characters")
    content = request.SerializeToString(deterministic=True)
    kind = request.DESCRIPTOR.full_name.encode()
    caller = current_principal()
    key = RequestKey(caller.name, str(parent) if parent else _project_of(caller.bounds), request_id)
    return Repeatable(key=key, fingerprint=hashlib.sha256(kind + b"\0" + content).digest())


def _project_of(bounds: Bounds) -> str:
    """Return the `project` of a key for a call that names none: empty, or a digest of the token's bounds."""
    if bounds.everywhere:
        return ""
    return "@" + hashlib.sha256("\0".join(sorted(bounds.places)).encode()).hexdigest()
