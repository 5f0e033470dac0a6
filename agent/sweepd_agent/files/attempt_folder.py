"""Folder of one attempt: its assignment, its cursors and the files of its process."""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sweepd.metrics_file import FILE_NAME
from sweepd.private_files import make_folder
from sweepd.regular_files import (
    IrregularFileError,
    open_inside,
    read_inside,
    sync_folder,
    sync_inside,
    write_inside,
)
from sweepd_agent.core.attempt import (
    Assignment,
    AttemptKey,
    ExitCause,
    Json,
    MetricsFrom,
    Place,
    StopMode,
    StopOrder,
)
from sweepd_agent.core.numbering import Begin
from sweepd_agent.process.record import number, read_record, whole_number, write_record
from sweepd_agent.process.supervisor import ARGUMENTS_FILE, LOG_FILE

# Maximum size of a file of the agent; a script may have replaced the file with a larger one.
_MAX_BYTES = 64 * 2**20
_ASSIGNMENT_FILE = "assignment.json"
_CURSORS_FILE = "cursors.json"
_PARAMS_FILE = "params.json"
_YAML_PARAMS_FILE = "params.yaml"
_ORDER_FILE = "order"
_PLACE_FILE = "place"
_DELIVERED_FILE = "delivered"
_ACKED_FILE = "acked"


class AttemptFolder:
    """Paths of an attempt's files, and access to the files that belong to the agent."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def metrics_file(self) -> Path:
        """File to which the script appends its rows."""
        return self.path / FILE_NAME

    def begins(self) -> tuple[Begin, ...]:
        """Return the starts of the attempts in the metrics file; empty if it holds this attempt alone."""
        return ()

    @property
    def params_file(self) -> Path:
        """File with the parameters as one JSON object."""
        return self.path / _PARAMS_FILE

    @property
    def yaml_params_file(self) -> Path:
        """File with the parameters as YAML, each as `name: {value: …}`."""
        return self.path / _YAML_PARAMS_FILE

    @property
    def log_file(self) -> Path:
        """File with standard output and error of the process."""
        return self.path / LOG_FILE

    def journal(self, assignment: Assignment) -> None:
        """Write an assignment to disk; it survives a crash once this returns."""
        make_folder(self.path, exist_ok=False)
        document = asdict(assignment) | {
            "key": list(assignment.key),
            "rungs": sorted(assignment.rungs),
            "secret": assignment.secret.hex(),
        }
        write_inside(self.path, _ASSIGNMENT_FILE, json.dumps(document).encode(), sync=True)
        sync_folder(self.path.parent)

    def assignment(self) -> Assignment | None:
        """Return the assignment; None if it is unreadable, or the agent died before it was on disk."""
        try:
            return _assignment(self._document(_ASSIGNMENT_FILE))
        except (KeyError, TypeError, ValueError):
            return None

    def write_parameters(self, params: Mapping[str, Json]) -> None:
        """Write the parameters as JSON and as YAML, for scripts to read."""
        text = json.dumps({name: params[name] for name in sorted(params)})
        write_inside(self.path, _PARAMS_FILE, f"{text}\n".encode())
        write_inside(self.path, _YAML_PARAMS_FILE, yaml_parameters(params).encode())

    def write_place(self, place: Place) -> None:
        """Record the place before the start, so that the next agent keeps slot and GPUs reserved."""
        values: dict[str, str | int | float] = {"slot": place.slot}
        if place.gpus is not None:
            values["gpus"] = ",".join(place.gpus)
        write_record(str(self.path / _PLACE_FILE), values)

    def place(self) -> Place | None:
        """Return the place of the process; None if it was never recorded, or the record is lost."""
        record = read_record(str(self.path / _PLACE_FILE))
        if record is None:
            return None
        slot, gpus = whole_number(record, "slot"), record.get("gpus")
        names = None if gpus is None else tuple(name for name in gpus.split(",") if name)
        return None if slot is None else Place(slot=slot, gpus=names)

    def write_arguments(self, arguments: list[str]) -> None:
        """Write the arguments of the process, for its supervisor."""
        content = b"\0".join(os.fsencode(argument) for argument in arguments)
        write_inside(self.path, ARGUMENTS_FILE, content)

    def arguments(self) -> list[str]:
        """Return the arguments of the process; empty if it was never started."""
        try:
            content = read_inside(self.path, ARGUMENTS_FILE, limit=_MAX_BYTES)
        except (FileNotFoundError, IrregularFileError):
            return []
        return [os.fsdecode(argument) for argument in content.split(b"\0")]

    def append_to_log(self, line: str) -> None:
        """Append a line to the log of the process; raise OSError if there is no log or the write fails."""
        descriptor = open_inside(self.path, LOG_FILE, os.O_RDWR | os.O_APPEND)
        try:
            size = os.fstat(descriptor).st_size
            begun = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, ("\n" * begun + line + "\n").encode(errors="replace"))
        finally:
            os.close(descriptor)

    def save_cursors(self, document: dict[str, Json], *synced: Path) -> None:
        """Sync the files `synced`, which hold the rows that the cursors cover; then replace the cursors."""
        for file in synced:
            sync_inside(file.parent, file.name)
        content = json.dumps(document, separators=(",", ":")).encode()
        write_inside(self.path, _CURSORS_FILE, content, sync=True)

    def cursors(self) -> dict[str, Json]:
        """Return the cursors saved last; empty if there are no cursors."""
        return self._document(_CURSORS_FILE)

    def _document(self, name: str) -> dict[str, Any]:
        """Return the JSON in a file; empty if there is none, or if the script has written something else."""
        try:
            document = json.loads(read_inside(self.path, name, limit=_MAX_BYTES))
        except (FileNotFoundError, IrregularFileError, ValueError, RecursionError):
            return {}
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            return {}
        return document if isinstance(document, dict) else {}

    def write_order(self, order: StopOrder) -> None:
        """Record the stop order, with its cause, before the process is ended."""
        values = {"mode": order.mode.value, "cause": order.cause.value, "reason": order.reason}
        write_record(str(self.path / _ORDER_FILE), values)

    def order(self) -> StopOrder | None:
        """Return the recorded stop order; None if there is no order."""
        record = read_record(str(self.path / _ORDER_FILE))
        if record is None:
            return None
        try:
            mode, cause = StopMode(record["mode"]), ExitCause(record["cause"])
        except (KeyError, ValueError):
            return None
        return StopOrder(mode=mode, cause=cause, reason=record.get("reason", ""))

    def ordered_since(self, time: float) -> bool:
        """Return True if the stop order was recorded at or after a Unix time."""
        try:
            return (self.path / _ORDER_FILE).lstat().st_mtime >= time
        except FileNotFoundError:
            return False

    def mark_result_acked(self) -> None:
        """Record that the agent has logged the acknowledgement of the end; raise OSError if that fails."""
        write_record(str(self.path / _ACKED_FILE), {"acked": 1})

    def result_acked(self) -> bool:
        """Return True if an agent has logged the acknowledgement of the end."""
        return read_record(str(self.path / _ACKED_FILE)) is not None

    def mark_delivered(self, now: float) -> None:
        """Record the Unix time at which the attempt was fully delivered."""
        write_record(str(self.path / _DELIVERED_FILE), {"time": now})

    def delivered_at(self) -> float | None:
        """Return the Unix time at which the attempt was fully delivered; None if it was not."""
        record = read_record(str(self.path / _DELIVERED_FILE))
        return None if record is None else number(record, "time")

    def remove(self) -> None:
        """Remove the folder with all data of the attempt."""
        # Renamed first, so that a partly removed folder is not mistaken for an attempt.
        doomed = self.path.with_name(f".{self.path.name}")
        try:
            self.path.rename(doomed)
        except OSError:
            doomed = self.path
        shutil.rmtree(doomed, ignore_errors=True)


def _assignment(document: dict[str, Any]) -> Assignment:
    """Return the assignment in a document; raise KeyError, TypeError or ValueError if it is malformed."""
    run, attempt = document.pop("key")
    source = document.pop("metrics_from")
    return Assignment(
        key=AttemptKey(run, attempt),
        metrics_from=MetricsFrom(**source) if source is not None else None,
        rungs=frozenset(document.pop("rungs")),
        command=tuple(document.pop("command")),
        watched_keys=tuple(document.pop("watched_keys")),
        secret=bytes.fromhex(document.pop("secret")),
        **document,
    )


def yaml_parameters(params: Mapping[str, Json]) -> str:
    """Return a document that YAML 1.1 and YAML 1.2 read as the same values and types."""
    lines = [f"{_yaml_text(name)}: {{value: {_yaml_value(params[name])}}}\n" for name in sorted(params)]
    return "".join(lines) or "{}\n"


def _yaml_value(value: Json) -> str:
    match value:
        case float():
            return _yaml_number(value)
        case str():
            return _yaml_text(value)
        case list():
            return f"[{', '.join(map(_yaml_value, value))}]"
        case dict():
            entries = (f"{_yaml_text(name)}: {_yaml_value(inner)}" for name, inner in value.items())
            return f"{{{', '.join(entries)}}}"
        case _:
            return json.dumps(value)


def _yaml_number(value: float) -> str:
    """Return a float with a decimal point, without which YAML 1.1 reads `1e-05` as text."""
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}{exponent}{power}"


def _yaml_text(text: str) -> str:
    return f'"{"".join(map(_yaml_sign, text))}"'


def _yaml_sign(sign: str) -> str:
    number = ord(sign)
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )
