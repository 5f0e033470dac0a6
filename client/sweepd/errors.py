"""Errors of clients, sweeps and runs: one exception class per possible reaction of the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sweepd.script.errors import Error

if TYPE_CHECKING:
    from sweepd.rpc.discovery import NoServerError
    from sweepd.rpc.failure import Failure
    from sweepd.spec.finding import Diagnostic

INSTALL_SERVER = "pip install '.[server]' in a checkout of sweepd"
"""Command that installs the server; sweepd is not on a package index."""

__all__ = [
    "ClientError",
    "ConflictError",
    "DeniedError",
    "FailedError",
    "InvalidError",
    "MissingExtraError",
    "NotFoundError",
    "NotYetError",
    "UnreachableError",
    "WrongStateError",
]


class ClientError(Error):
    """Base of the errors of `Client` and its sweeps and runs.

    `code` is the name of the gRPC status, such as `NOT_FOUND`; `reason` the short name from the server, such
    as `no-such-name`, with its `metadata`. They may be empty for errors that the client detects. `message` is
    the problem, `next_step` the remedy, if one is known; the text of the error has both. `violations` are the
    paths of invalid fields, each with its problem. `failure` is the response of the server at `address`; None
    for errors that the client detects.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        next_step: str = "",
        failure: Failure | None = None,
        address: str = "",
    ) -> None:
        super().__init__(f"{message}; {next_step}" if next_step else message)
        self.message = message
        self.next_step = next_step
        self.failure = failure
        self.address = address
        self.code = code or (failure.code if failure else "")
        self.reason = reason or (failure.reason if failure else None) or ""
        self.metadata = dict(metadata or (failure.metadata if failure else {}))
        self.violations = failure.violations if failure else ()

    @property
    def said(self) -> str:
        """Message of the server; for an error that the client has detected, `message`."""
        return self.failure.message if self.failure else self.message


class NotFoundError(ClientError, LookupError):
    """There is no such sweep or run."""


class DeniedError(ClientError):
    """The token is missing or unknown, or does not allow the call."""


class WrongStateError(ClientError):
    """The state of the sweep or run does not allow the call."""


class ConflictError(ClientError):
    """The name is taken, or the object has changed since it was read."""


class UnreachableError(ClientError, ConnectionError):
    """No server is known, it does not answer, or the configuration file cannot be read."""


class NotYetError(ClientError, TimeoutError):
    """The expected event has not occurred within the time limit."""


class FailedError(ClientError):
    """A sweep or run has ended without success, or a call has failed for another reason."""


class MissingExtraError(ClientError, ImportError):
    """A library is missing; the message says how to install it."""


class InvalidError(ClientError, ValueError):
    """An argument is invalid, such as a configuration, a point or a name.

    `diagnostics` are the findings about a configuration, as listed by `sweepctl validate`.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        next_step: str = "",
        failure: Failure | None = None,
        address: str = "",
        diagnostics: Sequence[Diagnostic] = (),
    ) -> None:
        super().__init__(
            message,
            code=code,
            reason=reason,
            metadata=metadata,
            next_step=next_step,
            failure=failure,
            address=address,
        )
        self.diagnostics = tuple(diagnostics)


_KINDS: Mapping[str, type[ClientError]] = {
    "NOT_FOUND": NotFoundError,
    "UNAUTHENTICATED": DeniedError,
    "PERMISSION_DENIED": DeniedError,
    "FAILED_PRECONDITION": WrongStateError,
    "ALREADY_EXISTS": ConflictError,
    "ABORTED": ConflictError,
    "DEADLINE_EXCEEDED": UnreachableError,
}
_FIND_SERVER = (
    "start one with `sweepd up -d`, log in to one with `sweepctl login ADDRESS`, or pass its address, "
    "Client(address)"
)


def error_of(failure: Failure, address: str) -> ClientError:
    """Return the exception for a failed call."""
    if failure.code == "UNAVAILABLE":
        return _unavailable(failure, address)
    message = failure.message or failure.code
    if failure.code == "DEADLINE_EXCEEDED":
        message = f"the server at {address} did not answer in time"
    if failure.code == "INVALID_ARGUMENT":
        violations = [f"{field}: {why}" for field, why in failure.violations]
        message = "\n".join([message, *(line for line in violations if line != message)])
        return InvalidError(message, failure=failure, address=address)
    return _KINDS.get(failure.code, FailedError)(message, failure=failure, address=address)


def invalid(message: str, next_step: str = "") -> InvalidError:
    """Return the exception for an argument that the client refuses."""
    return InvalidError(message, code="INVALID_ARGUMENT", next_step=next_step)


def no_server(error: NoServerError) -> UnreachableError:
    """Return the exception for a client without a server: none is known, or the contexts cannot be read."""
    from sweepd.rpc.discovery import BrokenContextsError

    if isinstance(error, BrokenContextsError):
        return UnreachableError(str(error), code="UNAVAILABLE")
    return UnreachableError("no server is known", code="UNAVAILABLE", next_step=_FIND_SERVER)


def _unavailable(failure: Failure, address: str) -> UnreachableError:
    from sweepd.rpc.failure import unreachable_cause

    if failure.reason:
        return UnreachableError(failure.message, failure=failure, address=address)
    message = f"no server answers at {address} ({unreachable_cause(failure.message)})"
    return UnreachableError(message, failure=failure, address=address, next_step=_FIND_SERVER)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Return an error of W&B's module `errors`, for `import sweepd as wandb`."""
        from sweepd.compat.modules import errors

        if name not in errors.__all__:
            raise AttributeError(f"module 'sweepd.errors' has no attribute {name!r}")
        return getattr(errors, name)
