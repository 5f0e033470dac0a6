"""A DomainError as a gRPC status with google.rpc details."""

from collections.abc import Sequence

import grpc
from google.protobuf import duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from sweepd_kernel.errors import DomainError, Status, Violation

DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "sweepd"
# Peers refuse more than 8 KiB of metadata, and may see it a third longer; so a long list of findings is cut.
ROOM_FOR_VIOLATIONS = 4_096
LONGEST_MESSAGE = 700

_CODES = {status: grpc.StatusCode[status.name] for status in Status}


def code_of(error: DomainError) -> grpc.StatusCode:
    """Return the gRPC code of `error`."""
    return _CODES[error.status]


def clipped(text: str) -> str:
    """Return the beginning of `text`, no longer than a status can carry."""
    return text.encode()[:LONGEST_MESSAGE].decode(errors="ignore")


def trailing_metadata(error: DomainError) -> tuple[tuple[str, bytes], ...]:
    """Return the trailing metadata with the details of `error` for programs."""
    details = _details(error)
    if not details:
        return ()
    number: int = code_of(error).value[0]
    status = status_pb2.Status(code=number, message=clipped(error.message))
    for detail in details:
        status.details.add().Pack(detail)
    return ((DETAILS_KEY, status.SerializeToString()),)


def _details(error: DomainError) -> list[Message]:
    details: list[Message] = []
    if error.reason is not None:
        # A name that does not exist has any length.
        short = {key: clipped(value) for key, value in error.metadata.items()}
        details.append(error_details_pb2.ErrorInfo(reason=error.reason.value, domain=DOMAIN, metadata=short))
    if error.violations:
        details.append(_bad_request(error.violations))
    if error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return details


def _bad_request(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    request = error_details_pb2.BadRequest()
    for violation in violations:
        request.field_violations.add(field=clipped(violation.field), description=clipped(violation.message))
        if request.ByteSize() > ROOM_FOR_VIOLATIONS:
            del request.field_violations[-1]
            break
    return request
