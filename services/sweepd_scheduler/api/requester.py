"""Requests on their way to the owner: given what is not in memory, and answered as before when repeated."""

import hashlib
import zlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.protobuf.message import Message

from sweepd import v1
from sweepd.codec import spec_message
from sweepd_kernel.auth.principal import Bounds, current_principal
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.api.request_codec import EDITABLE
from sweepd_scheduler.domain.names import Parent, SweepName, sweep_name
from sweepd_scheduler.domain.requests.remembered import Repeatable, RequestKey
from sweepd_scheduler.domain.requests.requests import Answer, NotInMemoryError, Request
from sweepd_scheduler.domain.sweeps.sweep import StoredSweep, Sweep
from sweepd_scheduler.owner.inbox import Repeated
from sweepd_scheduler.owner.owner import Owner
from sweepd_scheduler.reads.reading import Reading

_PLAIN, _PACKED = b"\0", b"\1"
_WORTH_PACKING = 500

M = TypeVar("M", bound=Message)


def shortened(response: Message) -> bytes:
    """Return what is kept of a response."""
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
    """Return the message that is kept of a response."""
    content = zlib.decompress(kept[1:]) if kept[:1] == _PACKED else kept[1:]
    return kind.FromString(content)


def sweep_of(message: Message) -> str:
    """Return the full name of the sweep that is needed to complete a kept message; empty: it is complete."""
    sweep = _sweep_of(message)
    return sweep.name if sweep is not None else ""


def complete(message: Message, sweep: Sweep) -> None:
    """Put back what was left out of a response, from the sweep as it is now: no edit changes these parts."""
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
    """Return a specification without some of its fields."""
    part = v1.SweepSpec()
    part.MergeFrom(spec)
    cleared: Message = part  # whose method takes any name
    for field, _ in spec.ListFields():
        if left_out(field.name):
            cleared.ClearField(field.name)
    return part


MAX_REQUEST_ID = 64
MAX_TRIES = 8

A = TypeVar("A", bound=Answer)
Prepare = Callable[[StoredSweep | None, int], Awaitable[Request]]
"""Makes the event of a request from what is stored of an ended sweep, and the number of the try."""


class Requester:
    """Submits requests to the owner, and reads from the database what these need."""

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
        """Carry out a request and return the answer once it is stored.

        Args:
            event: the request.
            kind: what the core answers it with.
            encode: makes the message of that.
            answer: the kind of message.
            again: how the request is recognised when it comes again.

        Raises:
            DomainError: it was refused, or could not be stored.
        """
        found = await self._owner.ask(event, kind, encode, again, shortened)
        return await self._complete(answer, found.kept) if isinstance(found, Repeated) else found

    async def first_answer(self, answer: type[M], again: Repeatable | None) -> M | None:
        """Return the first answer to a call, without doing anything else; None if it is new.

        Raises:
            DomainError: its id belongs to another call, or the first answer could not be stored.
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
        """Carry out a request that may need what only the database has, or be overtaken while it reads.

        Raises:
            DomainError: it was refused, could not be stored, or was overtaken again and again.
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
        raise AssertionError("the last try has returned or raised")

    async def _complete(self, kind: type[M], kept: bytes) -> M:
        """Return the first response of a request that is repeated."""
        message = kept_message(kind, kept)
        name = sweep_of(message)
        if name:
            complete(message, await self._reading.sweep(sweep_name(name)))
        return message


def repeatable(request: Message, request_id: str, parent: Parent | None) -> Repeatable | None:
    """Return how the call is recognised when it is repeated; None if it named no id.

    Args:
        request: the call.
        request_id: its id.
        parent: the project that it concerns; None: it names none, and concerns those of the caller's token.

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
    key = RequestKey(caller.name, str(parent) if parent else _place_of(caller.bounds), request_id)
    return Repeatable(key=key, fingerprint=hashlib.sha256(kind + b"\0" + content).digest())


def _place_of(bounds: Bounds) -> str:
    """Return what stands for the projects of a token: empty for all, else a text that no project has."""
    if bounds.everywhere:
        return ""
    return "@" + hashlib.sha256("\0".join(sorted(bounds.places)).encode()).hexdigest()
