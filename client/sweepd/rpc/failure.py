"""Failures of calls, read from their status and google.rpc details."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from sweepd.durations import seconds_of

DETAILS_KEY = "grpc-status-details-bin"
_REASON_PREFIX = "ERROR_REASON_"
_CAUSE = re.compile(
    "connection (refused|reset by peer|timed out)|(domain name|name or service) not (found|known)"
    "|no route to host|network is unreachable|socket closed",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Failed call, with code and reason as they are shown to users."""

    code: str
    """Name of the canonical code, such as `NOT_FOUND`."""
    message: str
    reason: str | None = None
    """Name of the ErrorReason in kebab case, such as `no-such-name`."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[tuple[str, str], ...] = ()
    """Path of each invalid field, and its problem."""
    retry_after: float | None = None
    """Seconds after which the server suggests a retry."""

    @classmethod
    def of(cls, error: grpc.RpcError) -> "Failure":
        """Return the failure for the error of a blocking or an asynchronous call."""
        if not isinstance(error, (grpc.Call, grpc.aio.AioRpcError)):
            return cls(code="UNKNOWN", message=str(error) or type(error).__name__)
        name = error.code().name
        failure = cls(code=name, message=error.details() or name)
        return _with_details(failure, _status(error.trailing_metadata() or ()))


def unreachable_cause(message: str) -> str:
    """Return the cause of a failed connection, extracted from gRPC's verbose message."""
    found = _CAUSE.search(message)
    return found[0].lower() if found else message.rpartition(": ")[2].rstrip("]")


def _with_details(failure: Failure, status: status_pb2.Status) -> Failure:
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            reason = info.reason.removeprefix(_REASON_PREFIX).lower().replace("_", "-")
            failure = replace(failure, reason=reason, metadata=dict(info.metadata))
        elif detail.Unpack(request):
            violations = [(entry.field, entry.description) for entry in request.field_violations]
            failure = replace(failure, violations=(*failure.violations, *violations))
        elif detail.Unpack(retry):
            failure = replace(failure, retry_after=seconds_of(retry.retry_delay))
    return failure


def _status(trailing: Iterable[tuple[str, str | bytes]]) -> status_pb2.Status:
    for key, value in trailing:
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()
