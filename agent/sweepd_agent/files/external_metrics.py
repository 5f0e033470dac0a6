"""External metrics: values from output and files, appended to the metrics file as if logged by the script.

Each line records its source and position in `_from`, so that an agent that takes over continues after the
last line: nothing is read twice, and nothing is skipped.
"""

import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sweepd.metrics_file import FROM, MAX_LINE_BYTES, STEP, TIME, MetricsFile, closed_segments
from sweepd.metrics_from.sources import EventFolder, Found, Source, event_files, file_source, output_source
from sweepd.regular_files import open_inside, read_inside, write_inside
from sweepd_agent.core.attempt import MetricsFrom
from sweepd_agent.files.attempt_folder import AttemptFolder

_START_FILE = "metrics-from.json"
_MAX_BYTES = 2**20
_LOOK_EVERY = 0.2
# Maximum share of time spent on looks; large trees of event files are therefore read less often.
_SHARE = 0.1
# Longest time in seconds that one look blocks the event loop.
_MAX_BLOCKED = 0.01
# Seconds between attempts to write.
_RETRY_AFTER = 1.0
_VARIABLE = re.compile(r"\$\{envvar:([^}]*)\}")
_RUN_FOLDER = b"SWEEPD_RUN_DIR="
# Names given by torch and TensorFlow: time, host, process id and a serial number.
_NAME = re.compile(r"\.tfevents\.\d+\.(?P<host>.+)\.(?P<pid>\d+)\.\d+(?:\.v2)?$")


class ExternalMetrics:
    """Reader of the external sources of one attempt.

    Args:
        wanted: sources to read.
        folder: folder of the attempt.
        run: full name of its run.
        complain: logs a problem once.
    """

    def __init__(
        self,
        wanted: MetricsFrom,
        folder: AttemptFolder,
        complain: Callable[[str], None],
        monotonic: Callable[[], float],
        *,
        run: str = "",
    ) -> None:
        self._wanted = wanted
        self._run = run
        self._folder = folder
        self._complain = complain
        self._monotonic = monotonic
        self._look_at = float("-inf")
        self._taken = 0.0
        # One pass over all sources, resumed by the next look.
        self._pass: Iterator[None] | None = None
        self._is_last = False
        self._file = MetricsFile(folder.metrics_file)
        self._sources: list[Source] = []

    def before_start(self, environ: Mapping[str, str]) -> None:
        """Record the sizes of the sources, to skip content older than the run. Raises OSError."""
        wanted = self._wanted
        file = _expanded(wanted.file, environ)
        events = _expanded(wanted.tensorboard, environ)
        start = {
            "file": file,
            "file_size": _size(Path(file)) if file else 0,
            "tensorboard": events,
            "events": {name: _size(Path(events) / name) for name in event_files(Path(events))}
            if events
            else {},
        }
        write_inside(self._folder.path, _START_FILE, json.dumps(start).encode())

    def open(self) -> None:
        """Open each source at the position after its last line in the metrics file."""
        try:
            start = json.loads(read_inside(self._folder.path, _START_FILE, limit=_MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return  # the script never started
        read = _read_positions(self._folder.metrics_file)
        if self._wanted.stdout:
            log = self._folder.log_file
            self._sources.append(output_source(self._wanted.stdout, log, read.get("stdout", 0)))
        if start["file"]:
            position = max(read.get("file", 0), int(start["file_size"]))
            self._sources.append(file_source(Path(start["file"]), position))
        if start["tensorboard"]:
            positions = {name: at for name, at in read.items() if name.startswith("tensorboard/")}
            path = self._folder.path
            self._sources.append(
                EventFolder(
                    Path(start["tensorboard"]),
                    positions,
                    start["events"],
                    run=self._run,
                    is_foreign=lambda file: writer_of(file) not in (None, str(path)),
                )
            )

    def look(self, *, ended: bool = False) -> float | None:
        """Append new values to the metrics file, for at most `_MAX_BLOCKED` seconds per call.

        Args:
            ended: the script has ended: read the rest now, including a last line without newline.

        Returns: seconds after which to look again, if there is more to read; None otherwise.
        """
        begun = self._monotonic()
        if self._pass is None:
            if begun < self._look_at and not ended:
                return None
            self._pass, self._is_last, self._taken = self._read(ended=ended), ended, 0.0
        try:
            for _ in self._pass:
                if (taken := self._monotonic() - begun) > _MAX_BLOCKED:
                    self._taken += taken
                    return 0.0
        except OSError as error:
            # Open the sources again, so that the next look starts after the last line in the metrics file.
            self._pass, self._sources = None, []
            self._look_at = self._monotonic() + _RETRY_AFTER
            where = f"cannot write the metrics of `metrics_from` to {self._folder.path}"
            self._complain(f"{where}: {error.strerror or error}")
            return _RETRY_AFTER if ended and self._folder.path.exists() else None
        self._pass = None
        now = self._monotonic()
        self._look_at = now + max(_LOOK_EVERY, (self._taken + now - begun) / _SHARE)
        return None if self._is_last or not ended else 0.0

    def _read(self, *, ended: bool) -> Iterator[None]:
        """Read all sources once, yielding after each line or event. Raises OSError if a write fails."""
        if not self._sources:
            self.open()
        for source in self._sources:
            for found in source.look(ended=ended):
                if found is not None:
                    self._append(found)
                yield
            for complaint in source.complaints.taken():
                self._complain(f"metrics_from: {complaint}")

    def _append(self, found: Found) -> None:
        line: dict[str, object] = dict(found.row.values)
        if found.row.step is not None:
            line[STEP] = found.row.step
        if found.row.time is not None:
            line[TIME] = found.row.time
        line[FROM] = [found.source, found.position]
        try:
            text = json.dumps(line)
        except (
            ValueError,
            RecursionError,
        ) as error:  # so deeply nested that it can be decoded but not encoded
            self._complain(f"metrics_from: a line of {found.source} was skipped: {error}")
        else:
            self._file.append(text.encode() + b"\n")

    def close(self) -> None:
        """Close the descriptors."""
        self._pass = None
        self._file.close()


def _read_positions(path: Path) -> dict[str, int]:
    """Return the position up to which each source was read, from the lines in the metrics file."""
    read: dict[str, int] = {}
    for file in (*(segment for _, segment in closed_segments(path)), path):
        try:
            with os.fdopen(open_inside(file.parent, file.name), "rb") as lines:
                while line := lines.readline(MAX_LINE_BYTES + 1):
                    if b'"_from"' in line and line.endswith(b"\n"):
                        _add_position(line, read)
        except OSError:
            continue
    return read


def _add_position(line: bytes, read: dict[str, int]) -> None:
    try:
        match json.loads(line):
            case {"_from": [str(source), int(position)]}:
                read[source] = max(read.get(source, 0), position)
    except (ValueError, RecursionError):
        return


def _expanded(path: str, environ: Mapping[str, str]) -> str:
    """Return the absolute form of a path, with its variables expanded; empty for an empty path."""
    if not path:
        return ""
    filled = _VARIABLE.sub(lambda found: environ.get(found[1], ""), path)
    return str(Path(filled).absolute())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def writer_of(file: Path) -> str | None:
    """Return the folder of the run whose process writes a file; None if unknown.

    The writer is the process in the file's name, or a process that holds the file open; it is unknown once
    that process has ended.
    """
    named = _NAME.search(file.name)
    if named is not None and named["host"] == socket.gethostname():
        return _run_of(named["pid"])
    path = os.path.realpath(file)
    for name in os.listdir("/proc"):  # noqa: PTH208 -- as in proc.py
        if name.isdecimal() and (run := _run_of(name)) is not None and _holds(name, path):
            return run
    return None


def _run_of(pid: str) -> str | None:
    try:
        variables = Path("/proc", pid, "environ").read_bytes().split(b"\0")
    except OSError:
        return None  # the process has ended or belongs to another user
    found = next((each for each in variables if each.startswith(_RUN_FOLDER)), None)
    return None if found is None else os.fsdecode(found.removeprefix(_RUN_FOLDER))


def _holds(pid: str, path: str) -> bool:
    try:
        return any(os.readlink(entry.path) == path for entry in os.scandir(f"/proc/{pid}/fd"))  # noqa: PTH115
    except OSError:
        return False  # the process has ended or has just closed a file
