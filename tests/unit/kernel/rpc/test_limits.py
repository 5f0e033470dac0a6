"""Limits of requests: each field has one, and a value beyond it is refused with its path."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.field_mask_pb2 import FieldMask

from sweepd import v1
from sweepd.v1 import (
    account_service_pb2,
    agent_service_pb2,
    metric_service_pb2,
    run_service_pb2,
    server_service_pb2,
    suggestion_service_pb2,
    sweep_service_pb2,
)
from sweepd_kernel.errors import InvalidFieldError
from sweepd_kernel.rpc import limits

FILES: tuple[FileDescriptor, ...] = (
    account_service_pb2.DESCRIPTOR,
    agent_service_pb2.DESCRIPTOR,
    metric_service_pb2.DESCRIPTOR,
    run_service_pb2.DESCRIPTOR,
    server_service_pb2.DESCRIPTOR,
    suggestion_service_pb2.DESCRIPTOR,
    sweep_service_pb2.DESCRIPTOR,
)
PACKAGE = "sweepd.v1."


def requests() -> Iterator[Descriptor]:
    for file in FILES:
        for service in file.services_by_name.values():
            for method in service.methods:
                yield method.input_type


def bounded_fields() -> dict[str, FieldDescriptor]:
    """Return each field of each request that can be long, except in messages that are bounded as a whole."""
    found: dict[str, FieldDescriptor] = {}
    seen: set[str] = set()
    waiting = list(requests())
    while waiting:
        message = waiting.pop()
        name = message.full_name.removeprefix(PACKAGE)
        if name in seen or name in limits.OPAQUE:
            continue
        seen.add(name)
        for field in message.fields:
            if field.is_repeated or field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
                found[field.full_name.removeprefix(PACKAGE)] = field
            elif limits.limit_of(field) is not None:
                pytest.fail(f"{field.full_name} cannot be long, and has a limit")
            if field.message_type is not None:
                waiting.append(field.message_type)
    return found


def test_each_field_of_each_request_that_can_be_long_has_a_limit_and_no_other_has_one() -> None:
    fields = bounded_fields()
    unlisted = fields.keys() - limits.FIELDS.keys()
    assert limits.FIELDS.keys() <= fields.keys()
    assert {fields[name].name for name in unlisted} == limits.FIELD_NAMES.keys()


def test_each_limit_fits_the_type_of_its_field() -> None:
    for name, field in bounded_fields().items():
        limit = limits.limit_of(field)
        assert limit is not None, name
        if field.full_name.startswith("google."):
            continue
        assert not field.is_repeated or limit.count is not None, name
        if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            assert limit.size is not None, name


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (v1.CreateRunRequest(argv=[""] * 2_000_000), "argv"),
        (v1.CreateRunRequest(argv=["x" * 700] * 100), "argv"),
        (v1.RetryRunsRequest(names=[""] * 1_001), "names"),
        (v1.PauseSweepRequest(name="x" * 513), "name"),
        (v1.Hello(labels={str(n): "" for n in range(65)}), "labels"),
        (v1.Hello(labels={"a": "x" * 257}), "labels"),
        (v1.Hello(attempts=[v1.HeldAttempt(run="x" * 513)]), "attempts.run"),
        (v1.UpdateSweepRequest(update_mask=FieldMask(paths=[""] * 101)), "update_mask.paths"),
        (
            v1.EnqueueRunRequest(parameters=v1.ParameterMap(entries=[v1.ParameterEntry()] * 300_001)),
            "parameters",
        ),
        (v1.CreateSweepRequest(file=v1.SweepFile(content=bytes(4 << 20))), "file"),
    ],
)
def test_a_value_beyond_a_limit_is_refused_with_its_path(message: object, path: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        limits.check(message)  # type: ignore[arg-type]  # any message
    assert [violation.field for violation in refused.value.violations] == [path]


def test_a_text_that_is_truncated_is_not_refused() -> None:
    limits.check(v1.RunExited(logged_keys=["x" * 1_000] * 200, log_tail="x" * 3_000))
    limits.check(v1.RunStarted(argv=[""] * 100_000))


def test_a_request_is_bounded_before_it_is_decoded() -> None:
    with pytest.raises(InvalidFieldError):
        limits.check_bytes(bytes(limits.MESSAGE_BYTES + 1), "/sweepd.v1.SweepService/PauseSweep")
    limits.check_bytes(bytes(4 << 20), "/sweepd.v1.SweepService/CreateSweep")
