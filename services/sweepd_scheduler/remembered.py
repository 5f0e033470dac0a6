"""Requests of the last day and their answers: one that comes again has the answer of the first."""

from collections.abc import Iterable
from dataclasses import dataclass

from sweepd_kernel.errors import DomainError, Reason, Status
from sweepd_scheduler.domain.decision import Remembered
from sweepd_scheduler.domain.journal import Journal

DAY = 24 * 3600 * 1_000_000
"""How long a request is remembered, in microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable:
    """How a request is recognised when it comes again. `fingerprint` tells whether it is the same call."""

    request_id: str
    fingerprint: bytes


class RequestIdReusedError(DomainError):
    """The request id belongs to another call."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request id {request_id!r} was used for another call",
            status=Status.FAILED_PRECONDITION,
            reason=Reason.REQUEST_ID_REUSED,
            metadata={"request_id": request_id},
        )


class RememberedRequests:
    """Held in memory, oldest first; what is added is staged until the journal is kept."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._by_id: dict[str, Remembered] = {}

    def restore(self, stored: Iterable[Remembered]) -> None:
        """Take in what the database holds."""
        self._by_id = {request.request_id: request for request in stored}

    def answer_to(self, repeatable: Repeatable | None) -> bytes | None:
        """Return the first answer to a request; None if it is new.

        Raises:
            RequestIdReusedError: its id was used for another call.
        """
        known = self._by_id.get(repeatable.request_id) if repeatable else None
        if known is None or repeatable is None:
            return None
        if known.fingerprint != repeatable.fingerprint:
            raise RequestIdReusedError(known.request_id)
        return known.answer

    def remember(self, repeatable: Repeatable, answer: bytes, now: int) -> Remembered:
        """Stage an answer, and return what is to be stored of it."""
        remembered = Remembered(
            request_id=repeatable.request_id, fingerprint=repeatable.fingerprint, answer=answer, time=now
        )
        self._journal.put(self._by_id, remembered.request_id, remembered)
        return remembered

    def forget_before(self, time: int) -> None:
        """Forget what is older."""
        while self._by_id:
            first = next(iter(self._by_id.values()))
            if first.time >= time:
                return
            del self._by_id[first.request_id]
