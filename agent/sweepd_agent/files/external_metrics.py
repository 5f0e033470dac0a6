"""Metrics of scripts that log elsewhere: what is read of output and files becomes lines as of the script.

Each line of the metrics file says in `_from` where it was read, so an agent that takes over continues behind
the last one that is there: nothing is read twice, nothing is left out.
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
_MOST_BYTES = 2**20
_LOOK_EVERY = 0.2
# Looking may take this share of the time, so that large trees of event files are looked at less often.
_SHARE = 0.1
# For so long nothing else of the agent has its turn.
_AT_ONCE = 0.01
# What cannot be written is tried again so often.
_WRITE_AGAIN = 1.0
_VARIABLE = re.compile(r"\$\{envvar:([^}]*)\}")
_RUN_FOLDER = b"SWEEPD_RUN_DIR="
# As torch and TensorFlow name them: time, host, process id, a number.
_NAME = re.compile(r"\.tfevents\.\d+\.(?P<host>.+)\.(?P<pid>\d+)\.\d+(?:\.v2)?$")


class ExternalMetrics:
    """Looks at the sources of one attempt.

    Args:
        wanted: what is read.
        folder: of the attempt.
        run: full name of its run.
        complain: says once what is wrong.
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
        # One look at all sources, which continues where it stopped.
        self._pass: Iterator[None] | None = None
        self._is_last = False
        self._file = MetricsFile(folder.metrics_file)
        self._sources: list[Source] = []

    def before_start(self, environ: Mapping[str, str]) -> None:
        """Note what the sources hold before the script begins: that is not its own. Raises OSError."""
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
        """Begin to read, behind what the metrics file has already."""
        try:
            start = json.loads(read_inside(self._folder.path, _START_FILE, limit=_MOST_BYTES))
        except (OSError, ValueError):
            return  # the script never started
        read = _read_before(self._folder.metrics_file)
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
        """Append what is new to the metrics file, for a moment at a time.

        Args:
            ended: the script has: what is left is read now, also a last line without its newline.

        Returns: after how many seconds to look again, as there is more; None if there is not for now.
        """
        begun = self._monotonic()
        if self._pass is None:
            if begun < self._look_at and not ended:
                return None
            self._pass, self._is_last, self._taken = self._read(ended=ended), ended, 0.0
        try:
            for _ in self._pass:
                if (taken := self._monotonic() - begun) > _AT_ONCE:
                    self._taken += taken
                    return 0.0
        except OSError as error:
            self._pass, self._sources = None, []  # so the next look begins behind what is in the file
            self._look_at = self._monotonic() + _WRITE_AGAIN
            where = f"what metrics_from gives cannot be written in {self._folder.path}"
            self._complain(f"{where}: {error.strerror or error}")
            return _WRITE_AGAIN if ended and self._folder.path.exists() else None
        self._pass = None
        now = self._monotonic()
        self._look_at = now + max(_LOOK_EVERY, (self._taken + now - begun) / _SHARE)
        return None if self._is_last or not ended else 0.0

    def _read(self, *, ended: bool) -> Iterator[None]:
        """Read all sources once, a line or an event at a time. Raises OSError: nothing can be written."""
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
        except (ValueError, RecursionError) as error:  # nested just as deep as it could be read
            self._complain(f"metrics_from: a line of {found.source} was left out: {error}")
        else:
            self._file.append(text.encode() + b"\n")

    def close(self) -> None:
        """Give descriptors back."""
        self._pass = None
        self._file.close()


def _read_before(path: Path) -> dict[str, int]:
    """Return how far each source was read, by the lines that are in the metrics file."""
    read: dict[str, int] = {}
    for file in (*(segment for _, segment in closed_segments(path)), path):
        try:
            with os.fdopen(open_inside(file.parent, file.name), "rb") as lines:
                while line := lines.readline(MAX_LINE_BYTES + 1):
                    if b'"_from"' in line and line.endswith(b"\n"):
                        _note(line, read)
        except OSError:
            continue
    return read


def _note(line: bytes, read: dict[str, int]) -> None:
    try:
        match json.loads(line):
            case {"_from": [str(source), int(position)]}:
                read[source] = max(read.get(source, 0), position)
    except (ValueError, RecursionError):
        return


def _expanded(path: str, environ: Mapping[str, str]) -> str:
    """Return a path with its variables in place; relative ones are of the working directory."""
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
    """Return the folder of the run whose process writes a file; None if that is not known.

    It is the process that the name of the file names, or one that holds it open; once it has ended, that is
    not known.
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
        return None  # it is gone, or another account's
    found = next((each for each in variables if each.startswith(_RUN_FOLDER)), None)
    return None if found is None else os.fsdecode(found.removeprefix(_RUN_FOLDER))


def _holds(pid: str, path: str) -> bool:
    try:
        return any(os.readlink(entry.path) == path for entry in os.scandir(f"/proc/{pid}/fd"))  # noqa: PTH115
    except OSError:
        return False  # it is gone, or has just closed one
