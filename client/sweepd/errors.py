"""Errors for users of the objects: one exception for each thing that one may want to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sweepd.script.errors import Error

if TYPE_CHECKING:
    from sweepd.rpc.discovery import NoServerError
    from sweepd.rpc.failure import Failure
    from sweepd.spec.loading.nodes import Diagnostic

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
    """The base of all that `Client` and its sweeps and runs raise.

    `code` is the name of the gRPC status, as `NOT_FOUND`; `reason` the short name that the server gave, as
    `no-such-name`; `metadata` what belongs to it. They may be empty for what was found out here. `message` is
    what is wrong, `next_step` what to do about it, if that is known; the text of the error has both.
    `violations` are the paths of the fields at fault, each with what is wrong with it. `failure` is what the
    server at `address` answered, word for word; None for what was found out here.
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
        """The message of the server, in its own words; else our own."""
        return self.failure.message if self.failure else self.message


class NotFoundError(ClientError, LookupError):
    """There is no such sweep or run."""


class DeniedError(ClientError):
    """The token is missing or unknown, or it does not allow this."""


class WrongStateError(ClientError):
    """The sweep or the run is not in a state in which this can be done."""


class ConflictError(ClientError):
    """Somebody else was faster: the name is taken, or what was seen has changed since."""


class UnreachableError(ClientError, ConnectionError):
    """No server is known, or it does not answer."""


class NotYetError(ClientError, TimeoutError):
    """The event that was waited for has not happened in the time given."""


class FailedError(ClientError):
    """A sweep or a run has ended badly, or the server could not do what it was asked for."""


class MissingExtraError(ClientError, ImportError):
    """A library is missing; the message names it and how to install it."""


class InvalidError(ClientError, ValueError):
    """An argument is not right: a configuration, a point, a name, an argument.

    `diagnostics` are the findings about a configuration, just as `sweepctl validate` tells them.
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
_FIND_ONE = (
    "start one with `sweepd up -d`, log in to one with `sweepctl login ADDRESS`, "
    "or name one with Client(address)"
)


def error_of(failure: Failure, address: str) -> ClientError:
    """Return the exception for a call that failed: the one place where this is decided."""
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
    """Return the exception for what was found out here to be wrong, without a call."""
    return InvalidError(message, code="INVALID_ARGUMENT", next_step=next_step)


def no_server(error: NoServerError) -> UnreachableError:
    """Return the exception for a client that finds no server: none is named, or what names one is broken."""
    from sweepd.rpc.discovery import BrokenContextsError

    if isinstance(error, BrokenContextsError):
        return UnreachableError(str(error), code="UNAVAILABLE")
    return UnreachableError("no server is known", code="UNAVAILABLE", next_step=_FIND_ONE)


def _unavailable(failure: Failure, address: str) -> UnreachableError:
    from sweepd.rpc.failure import unreachable_cause

    if failure.reason:
        return UnreachableError(failure.message, failure=failure, address=address)
    message = f"no server answers at {address} ({unreachable_cause(failure.message)})"
    return UnreachableError(message, failure=failure, address=address, next_step=_FIND_ONE)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Return what W&B's module of this name has beside, for `import sweepd as wandb`."""
        from sweepd.compat.modules import errors

        if name not in errors.__all__:
            raise AttributeError(f"module 'sweepd.errors' has no attribute {name!r}")
        return getattr(errors, name)
