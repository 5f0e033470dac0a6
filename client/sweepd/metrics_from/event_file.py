"""TensorBoard event files: scalars in checksummed records, and the prefix of their tags."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

# Names of folders for a single run, which must not become part of keys.
_SINGLE_RUN_FOLDER = re.compile(
    r"""
      [A-Z][a-z]{2}\d{2}_\d{2}-\d{2}-\d{2}_.+    # SummaryWriter: Dec01_20-15-00_host
    | .*\d{4}-?\d{2}-?\d{2}.*                    # a date
    | \d{2}[-_.]\d{2}[-_.]\d{2}                  # the time of day, inside a folder of the date
    | [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12} | [0-9a-f]{16,}
    """,
    re.VERBOSE,
)
# Names of folders for a run; folders inside such a folder may also have such names.
_RUN_FOLDER = re.compile(
    r"""
      version_\d+                                # Lightning
    | [A-Z][A-Z0-9]+_\d+                         # Stable-Baselines3: PPO_1
    | (?i:run|exp|experiment|trial|job|attempt)[-_.]?\d+
    | \d+(?:\.\d+)?                              # a number, or a Unix time, as add_hparams uses
    | .*=.*                                      # parameters: lr=0.1,depth=3
    """,
    re.VERBOSE,
)
# Names of folders that contain the folders of runs.
_PARENTS = frozenset({"runs", "logs", "lightning_logs", "tb_logs", "tensorboard", "tensorboard_logs", "tb"})


def event_prefix(name: str, run: str = "") -> str:
    """Return the prefix of the tags of an event file, with a trailing slash; may be empty.

    Args:
        name: name of the file, relative to the folder that is read.
        run: full name of the run; folders named after it or containing its id are omitted.
    """
    folders = _without_full_name(name.split("/")[:-1], run.split("/"))
    kept = [folder for folder in folders if not _names_one_run(folder, run.rpartition("/")[2])]
    while kept and (kept[0] in _PARENTS or _RUN_FOLDER.fullmatch(kept[0])):
        del kept[0]
    return "".join(f"{folder}/" for folder in kept)


def _without_full_name(folders: list[str], parts: list[str]) -> list[str]:
    for start in range(len(folders)):
        if folders[start : start + len(parts)] == parts:
            return folders[:start] + folders[start + len(parts) :]
    return folders


def _names_one_run(folder: str, run_id: str) -> bool:
    return bool(run_id and run_id in folder) or _SINGLE_RUN_FOLDER.fullmatch(folder) is not None


_HEAD = 12
_TAIL = 4
MAX_RECORD = 1024 * 1024
"""Maximum length of a scalar's record in bytes; longer ones, such as images, are skipped."""
# A checksum takes 0.1 s per MiB in Python, so a long record is verified only if it contains scalars.
_ALWAYS_CHECKED = 4 * 1024
_CHECKED_AT_ONCE = 16 * 1024
_MASK = 0xA282EAD8
_BEGIN = 0xFFFFFFFF
_FLOAT, _DOUBLE, _INT32, _INT64 = 1, 2, 3, 9
_FORMATS = {_FLOAT: "<f", _DOUBLE: "<d", _INT32: "<i", _INT64: "<q"}


class DamagedError(ValueError):
    """A record is damaged; the message is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Scalars of one record, and the offset of its end."""

    end: int
    time: float
    step: int
    values: dict[str, float]


def events(content: bytes, start: int) -> Iterator[Event | None]:
    """Yield the complete records of `content`, which begins at offset `start` of its file.

    While a long record is verified, None is yielded, so that the caller may do other work.

    Raises:
        DamagedError: a checksum is wrong; the records before it were yielded.
    """
    at = 0
    while len(content) - at >= _HEAD:
        length_bytes = content[at : at + 8]
        if crc32c_masked(length_bytes) != int.from_bytes(content[at + 8 : at + 12], "little"):
            raise DamagedError(f"the record at byte {start + at} has a corrupt length")
        length = int.from_bytes(length_bytes, "little")
        end = at + _HEAD + length + _TAIL
        if len(content) < end:
            return
        if length <= MAX_RECORD:
            body = content[at + _HEAD : end - _TAIL]
            event = _event(body, start + end)
            if event.values or length <= _ALWAYS_CHECKED:
                crc = _BEGIN
                for first in range(0, length, _CHECKED_AT_ONCE):
                    if first:
                        yield None
                    crc = _updated_crc(crc, body[first : first + _CHECKED_AT_ONCE])
                if _masked(crc) != int.from_bytes(content[end - _TAIL : end], "little"):
                    raise DamagedError(f"the record at byte {start + at} is damaged")
            yield event
        else:
            yield Event(end=start + end, time=0.0, step=0, values={})
        at = end


def record_length(content: bytes) -> int | None:
    """Return the size of the first record of `content`; None if its length is incomplete.

    Raises:
        DamagedError: the length is corrupt.
    """
    if len(content) < _HEAD:
        return None
    if crc32c_masked(content[:8]) != int.from_bytes(content[8:_HEAD], "little"):
        raise DamagedError("a record has a corrupt length")
    return _HEAD + int.from_bytes(content[:8], "little") + _TAIL


def crc32c_masked(content: bytes) -> int:
    """Return the checksum of a record: CRC-32C, rotated and shifted."""
    return _masked(_updated_crc(_BEGIN, content))


def _updated_crc(crc: int, content: bytes) -> int:
    """Return the checksum state updated with more bytes."""
    table = _TABLE
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def _masked(crc: int) -> int:
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def _table() -> list[int]:
    made = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        made.append(value)
    return made


_TABLE = _table()


def _event(body: bytes, end: int) -> Event:
    time, step = 0.0, 0
    values: dict[str, float] = {}
    for number, value in _fields(body):
        if number == 1 and isinstance(value, bytes) and len(value) == 8:
            (time,) = struct.unpack("<d", value)
        elif number == 2 and isinstance(value, int):
            step = value if value < 2**63 else value - 2**64
        elif number == 5 and isinstance(value, bytes):
            for inner, summary in _fields(value):
                if inner == 1 and isinstance(summary, bytes):
                    _take_value(summary, values)
    return Event(end=end, time=time, step=step, values=values)


def _take_value(body: bytes, values: dict[str, float]) -> None:
    tag = ""
    number: float | None = None
    for field, value in _fields(body):
        if field == 1 and isinstance(value, bytes):
            tag = value.decode(errors="replace")
        elif field == 2 and isinstance(value, bytes) and len(value) == 4:
            (number,) = struct.unpack("<f", value)
        elif field == 8 and isinstance(value, bytes):
            number = _scalar_tensor(value)
    if tag and number is not None:
        values[tag] = number


def _scalar_tensor(body: bytes) -> float | None:
    """Return the number in a scalar tensor; None for other tensors."""
    kind = 0
    content: bytes | None = None
    for field, value in _fields(body):
        if field == 1 and isinstance(value, int):
            kind = value
        elif field == 2 and value:
            return None  # it has dimensions
        elif field in {4, 5, 6} and isinstance(value, bytes):
            content = value
        elif field in {7, 10} and isinstance(value, int):
            return float(value if value < 2**63 else value - 2**64)
    layout = _FORMATS.get(kind)
    if layout is None or content is None or len(content) != struct.calcsize(layout):
        return None
    return float(struct.unpack(layout, content)[0])


def _fields(body: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field, fixed-size values as bytes; stop at a malformed field."""
    at = 0
    while at < len(body):
        key, at = _varint(body, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(body, at)
            yield number, value
            continue
        if kind == 2:
            length, at = _varint(body, at)
        else:
            length = {1: 8, 5: 4}.get(kind, -1)
        if length < 0 or at + length > len(body):
            return
        yield number, body[at : at + length]
        at += length


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(body) and shift < 70:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
    return value, len(body)
