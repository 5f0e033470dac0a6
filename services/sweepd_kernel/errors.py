"""Errors that services report to callers, independent of the transport."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypedDict, Unpack

NO_METADATA: Mapping[str, str] = MappingProxyType({})


class Status(StrEnum):
    """Canonical status codes used by the services."""

    ABORTED = "ABORTED"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    DATA_LOSS = "DATA_LOSS"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    INTERNAL = "INTERNAL"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    UNAVAILABLE = "UNAVAILABLE"
    UNIMPLEMENTED = "UNIMPLEMENTED"


class Reason(StrEnum):
    """Values of `ErrorReason` in the contract, as carried by `ErrorInfo.reason`."""

    NO_SUCH_NAME = "NO_SUCH_NAME"
    NAME_TAKEN = "NAME_TAKEN"
    WRONG_STATE = "WRONG_STATE"
    INVALID_SWEEP = "INVALID_SWEEP"
    INVALID_FIELD = "INVALID_FIELD"
    FENCED = "FENCED"
    STREAM_REPLACED = "STREAM_REPLACED"
    BAD_TOKEN = "BAD_TOKEN"  # noqa: S105 (the name of a reason)
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    SLOW_READER = "SLOW_READER"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    SWEEP_ENDED = "SWEEP_ENDED"
    NOT_ALLOWED = "NOT_ALLOWED"
    CAP_REACHED = "CAP_REACHED"
    STALE_REVISION = "STALE_REVISION"
    REQUEST_QUOTA = "REQUEST_QUOTA"
    DATA_DAMAGED = "DATA_DAMAGED"
    DATABASES_DIFFER = "DATABASES_DIFFER"


@dataclass(frozen=True, slots=True)
class Violation:
    """Invalid field of a request: its path, and the problem as a sentence."""

    field: str
    message: str


class ErrorDetails(TypedDict, total=False):
    """Details of an error; set for all errors of a class, or for a single error."""

    status: Status
    reason: Reason | None
    retry_after: float


class DomainError(Exception):
    """Error that is reported to the caller; an interceptor maps it to a status with details.

    A subclass passes the details that all its errors share as keyword arguments of its class statement.
    """

    # Canonical status code.
    status: Status = Status.INTERNAL
    # Reason documented in the contract.
    reason: Reason | None = None
    # Seconds after which the caller may retry.
    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        *,
        metadata: Mapping[str, str] = NO_METADATA,
        violations: Sequence[Violation] = (),
        **details: Unpack[ErrorDetails],
    ) -> None:
        """Create an error from a message for people and details for programs.

        Args:
            message: one sentence, without secrets.
            metadata: values of the keys documented in the contract for the reason.
            violations: invalid fields.
            details: details that apply to this error only.
        """
        super().__init__(message)
        self.message = message
        self.metadata = dict(metadata)
        self.violations = tuple(violations)
        vars(self).update(details)

    def __init_subclass__(cls, **shared: Unpack[ErrorDetails]) -> None:
        """Set the details that all errors of the class share."""
        for name, value in shared.items():
            setattr(cls, name, value)


class NotFoundError(DomainError, status=Status.NOT_FOUND, reason=Reason.NO_SUCH_NAME):
    """The sweep, run or other named object does not exist, or the caller may not see it."""

    def __init__(self, name: str, message: str | None = None) -> None:
        super().__init__(message or f"{name} does not exist", metadata={"name": name})


class WrongStateError(DomainError, status=Status.FAILED_PRECONDITION, reason=Reason.WRONG_STATE):
    """The command is not valid in the current state."""

    def __init__(self, name: str, state: str, verb: str) -> None:
        super().__init__(
            f"cannot {verb} {name}: it is {state}", metadata={"name": name, "state": state, "verb": verb}
        )


class InvalidFieldError(DomainError, status=Status.INVALID_ARGUMENT, reason=Reason.INVALID_FIELD):
    """A field of the request is invalid."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}", violations=[Violation(field, why)])


class UnavailableError(
    DomainError, status=Status.UNAVAILABLE, reason=Reason.SERVICE_UNAVAILABLE, retry_after=1.0
):
    """A service that this call needs is unavailable."""

    def __init__(self, service: str, address: str, why: str = "it does not answer") -> None:
        super().__init__(
            f"the {service} service at {address} is unavailable: {why}",
            metadata={"service": service, "address": address},
        )


class StorageError(DomainError, reason=Reason.STORAGE_UNAVAILABLE, retry_after=2.0):
    """A database or folder cannot be written; `full`: the disk is full."""

    def __init__(self, service: str, place: str, why: str, *, full: bool = False) -> None:
        super().__init__(
            f"the {service} service cannot write {place}: {why}",
            status=Status.RESOURCE_EXHAUSTED if full else Status.UNAVAILABLE,
            metadata={"service": service, "place": place},
        )


class DamagedError(DomainError, status=Status.DATA_LOSS, reason=Reason.DATA_DAMAGED):
    """Stored data is damaged; a retry does not help."""

    def __init__(self, place: str, what: str, *, metadata: Mapping[str, str] = NO_METADATA) -> None:
        """Create an error from the damaged file and the damaged part.

        Args:
            place: path of the file.
            what: clause that says which part is damaged and how.
            metadata: run, and key or file, of that part, if known.
        """
        super().__init__(f"{place} is damaged: {what}", metadata={"place": place, **metadata})


class DatabasesDifferError(DomainError, status=Status.FAILED_PRECONDITION, reason=Reason.DATABASES_DIFFER):
    """The databases of the scheduler and of the metric store do not belong together."""

    def __init__(self, message: str, place: str, peer: str) -> None:
        """Create an error from a message that includes the remedy, and the paths of both databases."""
        super().__init__(message, metadata={"place": place, "peer": peer})


class BadTokenError(DomainError, status=Status.UNAUTHENTICATED, reason=Reason.BAD_TOKEN):
    """The token is missing, unknown, expired or revoked."""


class NotAllowedError(DomainError, status=Status.PERMISSION_DENIED, reason=Reason.NOT_ALLOWED):
    """The caller is known but may not make this call."""

    def __init__(self, method: str, *, what: str = "", needed: str = "", given: str = "") -> None:
        """Create an error from the call and the scope that it needs.

        Args:
            method: path of the call, such as `sweepd.v1.SweepService/StopSweep`.
            what: description of the call, such as `stopping a sweep`.
            needed: scope that the call needs; empty: it is for services only.
            given: scope of the caller's token.
        """
        super().__init__(
            f"{what} needs a token of scope {needed}, and this one has scope {given}; ask an admin to "
            f"create one: `sweepctl token create --scope {needed}`"
            if needed
            else f"{method.rpartition('/')[2]} is for the services of this server; no token allows it",
            metadata={"method": method, **({"scope": needed} if needed else {})},
        )


class StartError(Exception):
    """A service refuses to start; the message is shown as one line, and the exit code is 1."""
