"""Requests on their way to the owner: recognised when repeated, and given what is not in memory."""

import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from google.protobuf.message import Message

from sweepd_kernel.auth.principal import Bounds, current_principal
from sweepd_kernel.errors import InvalidFieldError, NotFoundError
from sweepd_scheduler.api.kept_responses import complete, kept_message, shortened
from sweepd_scheduler.api.kept_responses import sweep_name as sweep_of
from sweepd_scheduler.domain.names import Parent, SweepName, sweep_name
from sweepd_scheduler.domain.requests.remembered import Repeatable, RequestKey
from sweepd_scheduler.domain.requests.requests import Answer, NotInMemoryError, Request
from sweepd_scheduler.domain.stored import StoredSweep
from sweepd_scheduler.owner.owner import Owner
from sweepd_scheduler.reads.reading import Reading

MAX_REQUEST_ID = 64
MAX_TRIES = 8

A = TypeVar("A", bound=Answer)
M = TypeVar("M", bound=Message)
Prepare = Callable[[StoredSweep | None, int], Awaitable[Request]]
"""Makes the event of a request from what is stored of a sweep that is over, and the number of the try."""


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
        found = await self._owner.ask(
            event, kind, lambda each: encode(each).SerializeToString(), again, partial(shortened, answer)
        )
        return (
            await self._complete(answer, found.content)
            if found.repeated
            else answer.FromString(found.content)
        )

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
            sweep = await self._reading(self._reading.records.sweep, sweep_name(name))
            if sweep is None:
                raise NotFoundError(name)
            complete(message, sweep)
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
