"""Refusals of the metric store that callers of the scheduler are told as they are: to try again is no use."""

import grpc
import grpc.aio

from sweepd.rpc.failure import Failure
from sweepd_kernel.errors import DomainError, Reason, Status

_LASTING = {grpc.StatusCode.DATA_LOSS, grpc.StatusCode.FAILED_PRECONDITION}


def lasting_refusal(error: grpc.aio.AioRpcError) -> DomainError | None:
    """Return what to tell the caller of a refusal that lasts; None for one that passes."""
    if error.code() not in _LASTING:
        return None
    failure = Failure.of(error)
    reasons = {each.value.lower().replace("_", "-"): each for each in Reason}
    return DomainError(
        failure.message,
        status=Status(failure.code),
        reason=reasons.get(failure.reason or ""),
        metadata=failure.metadata,
    )
