"""A domain error is sent as a status with details, and restored by the client."""

import grpc
import grpc.aio
import pytest

from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd_kernel.errors import (
    DomainError,
    InvalidFieldError,
    NotAllowedError,
    NotFoundError,
    Reason,
    Status,
    StorageError,
    UnavailableError,
    Violation,
    WrongStateError,
)
from sweepd_kernel.rpc import interceptors


def as_received(error: DomainError) -> Failure:
    trailing = grpc.aio.Metadata(*interceptors.trailing_metadata(error))
    received = grpc.aio.AioRpcError(
        interceptors.code_of(error), grpc.aio.Metadata(), trailing, details=error.message
    )
    return Failure.of(received)


def test_the_reasons_agree_with_those_of_the_contract() -> None:
    contract = {name.removeprefix("ERROR_REASON_") for name in v1.ErrorReason.keys()}  # noqa: SIM118
    assert {reason.value for reason in Reason} == contract - {"UNSPECIFIED"}


def test_an_error_without_a_status_is_internal() -> None:
    assert interceptors.code_of(DomainError("no status was given")) is grpc.StatusCode.INTERNAL


def test_each_status_is_a_canonical_code() -> None:
    assert {grpc.StatusCode[status.value] for status in Status} <= set(grpc.StatusCode)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            NotFoundError("a/b/c"),
            Failure(
                code="NOT_FOUND",
                message="a/b/c does not exist",
                reason="no-such-name",
                metadata={"name": "a/b/c"},
            ),
        ),
        (
            WrongStateError("a/b/c", "finished", "pause"),
            Failure(
                code="FAILED_PRECONDITION",
                message="cannot pause a/b/c: it is finished",
                reason="wrong-state",
                metadata={"name": "a/b/c", "state": "finished", "verb": "pause"},
            ),
        ),
        (
            InvalidFieldError("page_size", "must be at most 1,000"),
            Failure(
                code="INVALID_ARGUMENT",
                message="page_size: must be at most 1,000",
                reason="invalid-field",
                violations=(("page_size", "must be at most 1,000"),),
            ),
        ),
        (
            UnavailableError("scheduler", "127.0.0.1:1"),
            Failure(
                code="UNAVAILABLE",
                message="the scheduler service at 127.0.0.1:1 is unavailable: it does not answer",
                reason="service-unavailable",
                metadata={"service": "scheduler", "address": "127.0.0.1:1"},
                retry_after=1.0,
            ),
        ),
        (
            StorageError("metric-store", "/data/points.db", "disk full", full=True),
            Failure(
                code="RESOURCE_EXHAUSTED",
                message="the metric-store service cannot write /data/points.db: disk full",
                reason="storage-unavailable",
                metadata={"service": "metric-store", "place": "/data/points.db"},
                retry_after=2.0,
            ),
        ),
        (
            NotAllowedError("sweepd.v1.MetricService/Append"),
            Failure(
                code="PERMISSION_DENIED",
                message="Append is for the services of this server; no token allows it",
                reason="not-allowed",
                metadata={"method": "sweepd.v1.MetricService/Append"},
            ),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_client_restores_the_error_of_the_service(error: DomainError, expected: Failure) -> None:
    assert as_received(error) == expected


def test_an_error_without_a_reason_carries_no_details() -> None:
    error = DomainError("no", status=Status.ABORTED)
    assert interceptors.trailing_metadata(error) == ()
    assert as_received(error) == Failure(code="ABORTED", message="no")


def test_a_long_list_of_findings_fits_into_the_metadata_of_a_call() -> None:
    findings = [Violation(f"parameters.p{number}", "x" * 600) for number in range(1_000)]
    error = DomainError("many", status=Status.INVALID_ARGUMENT, violations=findings)
    ((_, content),) = interceptors.trailing_metadata(error)
    assert len(content) < 6 * 1024
    received = as_received(error).violations
    assert received == tuple((each.field, each.message) for each in findings[: len(received)])
    assert received


def test_a_name_of_any_length_fits_into_the_metadata_of_a_call() -> None:
    """Otherwise the call would fail with RESOURCE_EXHAUSTED, which hides the actual problem."""
    error = NotFoundError("local/demo/" + "x" * 100_000)
    ((_, content),) = interceptors.trailing_metadata(error)
    assert len(content) < 6 * 1024
    received = as_received(error)
    assert (received.code, received.reason) == ("NOT_FOUND", "no-such-name")
    assert received.metadata["name"].startswith("local/demo/xxx")


def test_an_error_with_unreadable_details_keeps_code_and_message() -> None:
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", b"\xff\xff"))
    error = grpc.aio.AioRpcError(grpc.StatusCode.ABORTED, grpc.aio.Metadata(), trailing, details="why")
    assert Failure.of(error) == Failure(code="ABORTED", message="why")
