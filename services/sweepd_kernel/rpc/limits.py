"""Limits of requests: bytes of each message, and length and number of the values of each field.

A limit on total length is not enough: two million empty texts have length 0, but block a process for a
second. So entries are counted before they are used. The comments of the contract state the same limits.
Interceptors apply this table to calls, sessions apply it to reports of agents; stored data is not checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from sweepd_kernel.errors import InvalidFieldError

KIB: Final = 1024
MIB: Final = 1024 * KIB
MESSAGE_BYTES: Final = 64 * KIB
"""Maximum bytes of a request that is not in `MESSAGES`."""

ENTRY_BYTES: Final = 8
"""Characters added to the length of each text in a list when the total length is limited."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Limits of one field.

    Args:
        size: maximum characters, or bytes, of each entry.
        count: maximum number of entries.
        total: maximum characters of all entries, plus `ENTRY_BYTES` for each.
        clipped: if True, the reader truncates the value instead of refusing the message.
    """

    size: int | None = None
    count: int | None = None
    total: int | None = None
    clipped: bool = False


_NAME: Final = Limit(size=512)
_ID: Final = Limit(size=64)
_SENTENCE: Final = Limit(size=2_000, clipped=True)
ARGV: Final = Limit(size=64 * KIB, count=8 * KIB, total=64 * KIB)

TOO_LONG: Final = ("(longer than 64 KiB)",)
"""Placeholder for arguments beyond `ARGV`."""

MESSAGES: Final[Mapping[str, int]] = {
    # For a stream, the limit of each message; a piece may have one row of the size of a metrics line.
    "AppendRequest": 4 * MIB,
    "AttachRequest": MIB + 128 * KIB,
    "CreateRunRequest": 2 * MIB,
    "CreateSweepRequest": 4 * MIB,
    "EnqueueRunRequest": 2 * MIB,
    "GetHistoryRequest": MIB,
    "GetImportanceRequest": 4 * MIB,
    "ListSummariesRequest": MIB,
    "PairDatabasesRequest": MIB,
    "PrepareRequest": 4 * MIB,
    "PreviewSweepRequest": 4 * MIB,
    "RetryRunsRequest": MIB,
    "SuggestRequest": 4 * MIB,
    "UpdateSweepRequest": MIB,
    "ValidateSweepRequest": 4 * MIB,
    "WatchHistoryRequest": MIB,
}
"""Maximum bytes of requests that may be larger than `MESSAGE_BYTES`."""

OPAQUE: Final[Mapping[str, int]] = {
    # Parsed by the sweep language, off the event loop, with the limits of files.
    "SweepSpec": 3_500_000,
    "SweepFile": 3 * MIB + KIB,
    # Stored unchanged.
    "RunDetails": 512 * KIB,
    # Values are converted within `MAX_VALUES`.
    "ParameterMap": 2 * MIB,
}
"""Maximum bytes of messages whose fields are checked by the code that reads them, not here."""

MAX_VALUES: Final = 300_000
"""Maximum number of values in a `ParameterMap`, nested ones included; 512 KiB of JSON cannot contain more."""

FIELD_NAMES: Final[Mapping[str, Limit]] = {
    "agent_id": _ID,
    "agent_secret": _ID,
    "body": Limit(size=MIB),
    "host": Limit(size=255),
    "id": _ID,
    "keys": Limit(size=256, count=2_000),
    "name": _NAME,
    "observations": Limit(count=100_000),
    "page_token": Limit(size=4 * KIB),
    "parent": _NAME,
    "project": _NAME,
    "request_id": _ID,
    "run": _NAME,
    "runs": Limit(size=512, count=1_000),
    "states": Limit(count=64),
    "sweep": _NAME,
}
"""Limits by field name in any message; `FIELDS` takes precedence."""

FIELDS: Final[Mapping[str, Limit]] = {
    "AttachRequest.more": Limit(count=63),
    "AuthenticateRequest.digest": Limit(size=32),
    "CommandResult.error": _SENTENCE,
    "CreateRunRequest.argv": ARGV,
    "CreateRunRequest.run_id": _NAME,
    "CreateSweepRequest.sweep_id": _NAME,
    "CreateTokenRequest.account": _NAME,
    "CreateTokenRequest.display_name": _NAME,
    "CreateTokenRequest.projects": Limit(size=512, count=100),
    "DatabaseGeneration.token": _ID,
    "DatabasePosition.generation": _ID,
    "DatabaseState.generations": Limit(count=1_000),
    "DatabaseState.place": Limit(size=4 * KIB),
    "Exit.message": _SENTENCE,
    "GetImportanceRequest.points": Limit(count=2_000),
    "GetSweepImportanceRequest.key": _NAME,
    "Goodbye.reason": _SENTENCE,
    "Heartbeat.alive": Limit(count=10_000),
    "HeldAttempt.cursors": Limit(count=16),
    "HeldAttempt.secret": _ID,
    "Hello.LabelsEntry.key": Limit(size=128),
    "Hello.LabelsEntry.value": Limit(size=256),
    "Hello.attempts": Limit(count=10_000),
    "Hello.host_boot_id": _ID,
    "Hello.instance": _ID,
    "Hello.labels": Limit(count=64),
    "Hello.storage": Limit(size=256),
    "Hello.sweeps": Limit(size=512, count=1_000),
    "Hello.version": _ID,
    "ListProjectsRequest.entity": _NAME,
    "ObjectiveMissing.logged_keys": Limit(size=256, count=100),
    "PriorRunFilter.tags": Limit(size=1_000, count=1_000),
    "PriorRunSelection.runs": Limit(size=512, count=100_000),
    "PriorRunSelection.sweeps": Limit(size=512, count=10_000),
    "ReadFileRequest.name": Limit(size=512),
    "ReleaseAgentRequest.agent": _NAME,
    "RetryRunsRequest.names": Limit(size=512, count=1_000),
    "RevokeTokenRequest.id": _NAME,
    "RunExited.log_tail": _SENTENCE,
    "RunExited.logged_keys": Limit(size=256, count=100, clipped=True),
    "RunExited.summary_values": Limit(count=1_000, clipped=True),
    "RunStarted.argv": Limit(size=64 * KIB, count=8 * KIB, total=64 * KIB, clipped=True),
    "Sweep.best_run": _NAME,
    "Sweep.guarded_agents": Limit(size=64, count=10_000),
    "Sweep.reason": Limit(size=64 * KIB),
    "WatchSweepRequest.resume_token": _ID,
    "google.protobuf.FieldMask.paths": Limit(size=256, count=100),
}
"""Limits by message and field, without the package of the contract."""

_PACKAGE = "sweepd.v1."
_TEXTS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


def limit_of(field: FieldDescriptor) -> Limit | None:
    """Return the limit of a field; None if it has none, such as a number."""
    if not field.is_repeated and field.type not in _TEXTS:
        return None
    return FIELDS.get(field.full_name.removeprefix(_PACKAGE)) or FIELD_NAMES.get(field.name)


@cache
def request_bytes(method: str) -> int:
    """Return the maximum bytes of a call's request; `method`: path such as `/sweepd.v1.RunService/GetRun`."""
    service, _, name = method.removeprefix("/").rpartition("/")
    try:
        found = descriptor_pool.Default().FindMethodByName(f"{service}.{name}")
    except KeyError:
        return MESSAGE_BYTES
    return MESSAGES.get(found.input_type.full_name.removeprefix(_PACKAGE), MESSAGE_BYTES)


def check_bytes(content: bytes, method: str) -> None:
    """Refuse an oversized request before it is decoded.

    Raises:
        InvalidFieldError: the request is too large.
    """
    maximum = request_bytes(method)
    if len(content) > maximum:
        raise InvalidFieldError("request", f"it has {len(content):,} bytes; the maximum is {maximum:,}")


def check(message: Message, path: str = "") -> None:
    """Refuse a message with a field that is too long or has too many entries.

    Args:
        message: request, or report of an agent.
        path: path of the field that holds the message; empty for the request itself.

    Raises:
        InvalidFieldError: a field exceeds its limit; the error names the first one.
    """
    bounded = _bounded(message.DESCRIPTOR)
    if not bounded:
        return
    for field, value in message.ListFields():
        if field.name not in bounded:
            continue
        limit, place = bounded[field.name], f"{path}.{field.name}" if path else field.name
        if limit is not None:
            _check_field(field, value, limit, place)
        if field.message_type is not None and _needs_check(field.message_type):
            for entry in value if field.is_repeated else (value,):
                _check_message(entry, place)


def fits(texts: Sequence[str], limit: Limit) -> bool:
    """Return True if a list of texts is within a limit; entries are not copied."""
    if limit.count is not None and len(texts) > limit.count:
        return False
    if limit.size is not None and any(len(text) > limit.size for text in texts):
        return False
    return limit.total is None or sum(len(text) + ENTRY_BYTES for text in texts) <= limit.total


@cache
def _needs_check(message: Descriptor) -> bool:
    """Return True if a message has fields to check; entries of maps are checked with the map itself."""
    if message.GetOptions().map_entry:
        return False
    return message.full_name.removeprefix(_PACKAGE) in OPAQUE or bool(_bounded(message))


@cache
def _bounded(message: Descriptor) -> Mapping[str, Limit | None]:
    """Return the limit of each field to check, by name; None: the field is a message with fields to check."""
    bounded: dict[str, Limit | None] = {}
    for field in message.fields:
        limit = limit_of(field)
        if limit is not None and not limit.clipped:
            bounded[field.name] = limit
        elif field.message_type is not None and (
            field.message_type == message or _needs_check(field.message_type)
        ):
            bounded[field.name] = None
    return bounded


def _check_message(message: Message, path: str) -> None:
    name = message.DESCRIPTOR.full_name.removeprefix(_PACKAGE)
    maximum = OPAQUE.get(name)
    if maximum is None:
        check(message, path)
    elif message.ByteSize() > maximum:
        raise InvalidFieldError(path, f"it has {message.ByteSize():,} bytes; the maximum is {maximum:,}")
    elif name == "ParameterMap" and not _has_few_values(message):
        raise InvalidFieldError(path, f"it has more than {MAX_VALUES:,} values")


def _check_field(field: FieldDescriptor, value: object, limit: Limit, path: str) -> None:
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    entries: list[object] = [value] if not field.is_repeated else value  # type: ignore[assignment]
    if limit.count is not None and len(entries) > limit.count:
        raise InvalidFieldError(path, f"it has {len(entries):,} entries; the maximum is {limit.count:,}")
    if is_map:
        _check_map(field, value, path)  # type: ignore[arg-type]  # a map
    elif field.type in _TEXTS:
        _check_texts(field, entries, limit, path)  # type: ignore[arg-type]  # texts


def _check_texts(field: FieldDescriptor, entries: list[str], limit: Limit, path: str) -> None:
    unit = "characters" if field.type == FieldDescriptor.TYPE_STRING else "bytes"
    if limit.size is not None:
        longest = max(map(len, entries))
        if longest > limit.size:
            raise InvalidFieldError(path, f"it has {longest:,} {unit}; the maximum is {limit.size:,}")
    if limit.total is not None and sum(len(entry) + ENTRY_BYTES for entry in entries) > limit.total:
        raise InvalidFieldError(path, f"its entries have more than {limit.total:,} {unit} in all")


def _check_map(field: FieldDescriptor, entries: Mapping[str, str], path: str) -> None:
    assert field.message_type is not None
    parts = field.message_type.fields_by_name
    for part, texts in (("key", list(entries)), ("value", list(entries.values()))):
        limit = limit_of(parts[part])
        if limit is not None and texts:
            _check_texts(parts[part], texts, limit, path)


def _has_few_values(message: Message) -> bool:
    left, waiting = MAX_VALUES, [message]
    while waiting and left >= 0:
        nested = waiting.pop()
        for field, value in nested.ListFields():
            if field.message_type is not None:
                below = value if field.is_repeated else (value,)
                left -= len(below)
                if left < 0:
                    return False
                waiting.extend(below)
    return True
