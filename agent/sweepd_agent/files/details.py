"""Details of an attempt that its script provides besides metrics, read from a file and sent as reports."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from sweepd import v1
from sweepd.codec.details import (
    MAX_DETAILS_BYTES,
    cut_to_size,
    details_message,
    summary_names,
    summary_number,
)
from sweepd.regular_files import read_inside, status_inside
from sweepd_agent.core.cursors import Level

FILE_NAME = "details.json"
_MAX_FILE = 16 * 2**20
_LOOK_EVERY = 1.0


class Details:
    """Reader of the details file, and source of the reports with its content.

    Args:
        file: path of the details file, which the script replaces atomically.
        complain: logs a problem with the file once.
    """

    def __init__(self, file: Path, complain: Callable[[str], None], monotonic: Callable[[], float]) -> None:
        self._file = file
        self._complain = complain
        self._monotonic = monotonic
        self._looked = float("-inf")
        self._seen: tuple[int, int, int] | None = None
        self._reported = v1.RunDetails()
        # Summary values set by the script, summary values derived from its rows by `define_metric`, and
        # the exit code with which the script has ended the run.
        self._summary: Mapping[str, object] = {}
        self._figures: Mapping[str, object] = {}
        self.exit_code: int | None = None  # 1 to 255; None: not ended, or successful
        self._context: v1.RunContext | None = None
        self._body = b""
        self._level = Level()
        self._refused = False
        self._context_pending = False

    @property
    def delivered(self) -> bool:
        """True if the server has stored the newest details, or does not support details."""
        return self._refused or (self._level.done and not self._context_pending)

    @property
    def acked(self) -> int:
        """Sequence number of the newest stored details."""
        return self._level.acked

    @property
    def preempting(self) -> bool:
        """True if the script has reported that its machine is about to be preempted."""
        return self._reported.preempting

    def summary_number(self, key: str) -> float | None:
        """Return the number at a key of the script's summary; None if there is no number."""
        explicit = summary_number(self._summary, key)
        return summary_number(self._figures, key) if explicit is None else explicit

    def summary_names(self) -> list[str]:
        """Return the keys of the numbers that the script has set in its summary, nested keys as `a.b`."""
        return summary_names(self._summary)

    def look(self, *, at_once: bool = False) -> bool:
        """Read a modified file, at most once a second unless `at_once`; return True if details changed."""
        now = self._monotonic()
        if now - self._looked < _LOOK_EVERY and not at_once:
            return False
        self._looked = now
        try:
            status = status_inside(self._file.parent, self._file.name)
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            if seen == self._seen:
                return False
            self._seen = seen
            self._reported = self._read()
        except FileNotFoundError:
            return False
        except (OSError, ValueError, RecursionError) as error:
            self._complain(f"{self._file} cannot be read and was ignored: {error}")
            return False
        return self._combine()

    def expect_context(self) -> None:
        """Treat the details as undelivered until `found_context` is called with the recorded context."""
        self._context_pending = True

    def found_context(self, context: v1.RunContext | None) -> None:
        """Add the recorded context to the details; None: nothing was recorded."""
        self._context_pending = False
        if context is not None:
            self._context = context
            self._combine()

    def open(self, stored: int | None) -> None:
        """Begin a new stream; `stored` is the sequence number on the server, None if unknown."""
        self._level = self._level.on_new_stream(stored)
        self._refused = False

    def reset(self) -> None:
        """Treat the details as undelivered."""
        self._level = self._level.for_new_receiver()

    def refuse(self) -> None:
        """Send no details on this stream, as the scheduler does not support them."""
        self._refused = True

    def next(self, ref: v1.AttemptRef) -> v1.AttachRequest | None:
        """Return the report of new details; None if there are none or a report is in flight."""
        if self._refused or not self._level.to_send:
            return None
        self._level = self._level.sending()
        report = v1.DetailsReport(attempt=ref, sequence=self._level.sequence)
        report.details.MergeFromString(self._body)
        return v1.AttachRequest(details=report)

    def acknowledged(self, sequence: int) -> None:
        """Record that the details up to `sequence` are stored."""
        self._level = self._level.acknowledged(sequence)

    def _read(self) -> v1.RunDetails:
        content = read_inside(self._file.parent, self._file.name, limit=_MAX_FILE)
        document: object = json.loads(content)
        if not isinstance(document, dict):
            raise ValueError("it is not a JSON object")
        summary, code = document.get("summary"), document.get("exit_code")
        figures = document.get("figures")
        self._summary = summary if isinstance(summary, dict) else {}
        self._figures = figures if isinstance(figures, dict) else {}
        self.exit_code = code if type(code) is int and 1 <= code <= 255 else None
        return details_message(document)

    def _combine(self) -> bool:
        message = v1.RunDetails()
        message.CopyFrom(self._reported)
        if self._context is not None:
            message.context.CopyFrom(self._context)
        body = cut_to_size(message, MAX_DETAILS_BYTES).SerializeToString(deterministic=True)
        if body == self._body:
            return False
        self._body = body
        self._level = self._level.changed()
        return True
