"""What is said about a sweep file: one finding, and the collection that gathers them all."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal

from sweepd.spec.limits import MAX_ERRORS
from sweepd.spec.reading.codes import Code

Severity = Literal["error", "warning"]
NOT_SUPPORTED_YET: Final = "not-supported-yet"
_ABBREVIATION: Final = 3
_SHOWN_PATH: Final = 300
_MOST_NEIGHBOURS: Final = 300
"""Words that are compared with a misspelt one: many errors times many names would take minutes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file; both numbers count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding; `path` is dotted (`parameters.opt.lr`), empty for the file as a whole."""

    file: str
    line: int | None
    column: int | None
    path: str
    severity: Severity
    code: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """Return `file:line:column: path: message` in one line, without raw control characters."""
        where = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        parts = [where, self.path, self.message] if self.path else [where, self.message]
        hint = f"; did you mean `{self.suggestion}`?" if self.suggestion else ""
        return printable(": ".join(parts) + hint)


class TooManyErrorsError(Exception):
    """Reading stops: more errors than anyone will read, each of which costs time to word."""


@dataclass(slots=True)
class Findings:
    """Everything found in one file so far; reading goes on after each finding, up to `MAX_ERRORS`."""

    file: str
    _found: list[Diagnostic] = field(default_factory=list)
    _errors: int = 0

    def error(
        self, place: Place | None, path: str, code: Code, message: str, suggestion: str | None = None
    ) -> None:
        """Record something that keeps the sweep from being created."""
        self._found.append(self._diagnostic(place, path, "error", code, message, suggestion))
        self._errors += 1
        if self._errors == MAX_ERRORS:
            message = f"reading stopped here, after {MAX_ERRORS} errors"
            self._found.append(self._diagnostic(place, "", "error", "too-many-errors", message, None))
            raise TooManyErrorsError

    def warning(
        self, place: Place | None, path: str, code: Code, message: str, suggestion: str | None = None
    ) -> None:
        """Record something that is legal but probably not meant."""
        self._found.append(self._diagnostic(place, path, "warning", code, message, suggestion))

    @property
    def errors(self) -> int:
        """How many errors there are among the findings."""
        return self._errors

    @property
    def has_errors(self) -> bool:
        """Tell whether an error is among the findings."""
        return self._errors > 0

    def in_order(self) -> tuple[Diagnostic, ...]:
        """Return the findings by their place in the file, those of one place as they were found."""
        return tuple(sorted(self._found, key=lambda found: (found.line or 0, found.column or 0)))

    def _diagnostic(
        self,
        place: Place | None,
        path: str,
        severity: Severity,
        code: Code,
        message: str,
        suggestion: str | None,
    ) -> Diagnostic:
        return Diagnostic(
            file=self.file,
            line=place.line if place else None,
            column=place.column if place else None,
            path=path if len(path) <= _SHOWN_PATH else f"{path[: _SHOWN_PATH - 1]}…",
            severity=severity,
            code=code,
            message=message,
            suggestion=suggestion,
        )


def unreadable_file(file: str, reason: str) -> Diagnostic:
    """Return the finding for a file whose bytes could not be had; who tried to read it knows the reason."""
    return Diagnostic(
        file=file,
        line=None,
        column=None,
        path="",
        severity="error",
        code="unreadable-file",
        message=f"cannot read the file: {reason}",
    )


def nearest(word: str, legal: Iterable[str]) -> str | None:
    """Return the legal word that a misspelt one most likely stands for, if any is near."""
    by_lower = {choice.lower(): choice for choice in islice(legal, _MOST_NEIGHBOURS)}
    # Only the start matters, and matching is quadratic: a hostile word must not be slow.
    start = word[:64].lower()
    found = difflib.get_close_matches(start, by_lower, n=3, cutoff=0.6)
    if not found and len(start) >= _ABBREVIATION:
        found = [choice for choice in by_lower if choice.startswith(start)][:1]
    if not found:
        return None
    # Of several that are near, the one that starts alike: `retries` is `retry`, not `metrics`.
    alike = [choice[:2] == start[:2] for choice in found]
    return by_lower[found[alike.index(True) if any(alike) else 0]]


def shown(value: object, limit: int = 60) -> str:
    """Return a value as it may stand in a message: as text, shortened."""
    text = f'"{value}"' if isinstance(value, str) else _as_written(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _as_written(value: object) -> str:
    """Return a non-text value as people write it in the file."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() | int():
            return repr(value)
        case list() | tuple():
            return "a list"
        case _:
            return "a mapping"


def printable(text: str) -> str:
    """Return text with control and format characters escaped: a terminal shows but never obeys them."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")
        for char in text
    )
