"""Findings about a sweep or its file. Their codes stay the same even if messages change."""

from dataclasses import dataclass, field
from typing import Final, Literal

from sweepd.spec.limits import MAX_ERRORS
from sweepd.spec.wording import printable

NOT_SUPPORTED_YET: Final = "not-supported-yet"
_MAX_PATH: Final = 300

FileCode = Literal[
    "unreadable-file", "file-too-large", "empty-file", "not-a-mapping", "several-documents",
    "not-utf8", "control-character", "nul-character", "lone-surrogate",
    "yaml-syntax", "yaml-tag", "unknown-alias", "bad-merge", "too-deep", "too-large",
    "key-not-text", "duplicate-key", "integer-range", "not-json", "too-many-errors",
]  # fmt: skip
"""Reasons why a file cannot be read."""

ValueCode = Literal[
    "unknown-key", "missing-key", "foreign-key", "mixed-forms", "not-a-form", "bare-value",
    "bad-type", "bad-value", "bad-name", "bad-probability", "unknown-value", "duplicate-value",
    "not-finite", "out-of-range", "min-not-less-than-max", "no-bracket",
    "no-parameters", "no-values", "no-points",
]  # fmt: skip
"""Errors in one key, or in the keys of one mapping."""

SweepCode = Literal[
    "not-a-grid", "nothing-to-search", "wrong-method", "point-too-large", "not-in-space",
    "bad-expression", "bad-zip", "circular-condition", "infeasible", "too-sparse",
]  # fmt: skip
"""Errors in the sweep as a whole."""

WarningCode = Literal[
    "not-supported-yet", "no-program", "no-effect",
    "unknown-macro", "shadowed-macro", "hidden-parameter", "embedded-macro", "unsplit-argument",
    "long-argument", "slash-in-name", "changed-name", "constant-list", "exponent-bounds", "ambiguous-name",
    "uneven-repeats", "cut-off", "never-holds", "always-holds", "hardly-feasible",
]  # fmt: skip
"""Warnings about content that is legal, but probably not intended or not supported yet."""

Code = FileCode | ValueCode | SweepCode | WarningCode

Severity = Literal["error", "warning"]
"""Severity of a finding; no sweep is created from a file with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Error or warning without a `Place`; `path` is dotted: `parameters.opt.lr.when`, `constraints.0`."""

    path: str
    message: str
    code: Code
    suggestion: str | None = None
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Place:
    """Position in a file; both numbers count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding in a file; `path` is dotted (`parameters.opt.lr`), empty for the whole file."""

    file: str
    line: int | None
    column: int | None
    path: str
    severity: Severity
    code: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """Return `file:line:column: path: message` on one line, with control characters escaped."""
        where = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        parts = [where, self.path, self.message] if self.path else [where, self.message]
        hint = f"; did you mean `{self.suggestion}`?" if self.suggestion else ""
        return printable(": ".join(parts) + hint)


class TooManyErrorsError(Exception):
    """Error raised to stop the reading of a file after too many errors."""


@dataclass(slots=True)
class Findings:
    """All findings in one file so far."""

    file: str
    _found: list[Diagnostic] = field(default_factory=list)
    errors: int = 0
    """Number of errors among the findings."""

    def error(
        self, place: Place | None, path: str, code: Code, message: str, suggestion: str | None = None
    ) -> None:
        """Record an error; raise TooManyErrorsError once there are `MAX_ERRORS` errors."""
        self._record("error", place, path, code, message, suggestion)
        self.errors += 1
        if self.errors == MAX_ERRORS:
            message = f"reading stopped here, after {MAX_ERRORS} errors"
            self._record("error", place, "", "too-many-errors", message, None)
            raise TooManyErrorsError

    def warning(
        self, place: Place | None, path: str, code: Code, message: str, suggestion: str | None = None
    ) -> None:
        """Record a warning about content that is legal, but probably not intended or not supported yet."""
        self._record("warning", place, path, code, message, suggestion)

    @property
    def has_errors(self) -> bool:
        """True if any finding is an error."""
        return self.errors > 0

    def in_order(self) -> tuple[Diagnostic, ...]:
        """Return the findings sorted by place in the file; those at the same place keep their order."""
        return tuple(sorted(self._found, key=lambda found: (found.line or 0, found.column or 0)))

    def _record(
        self,
        severity: Severity,
        place: Place | None,
        path: str,
        code: Code,
        message: str,
        suggestion: str | None,
    ) -> None:
        line, column = (place.line, place.column) if place else (None, None)
        shown = path if len(path) <= _MAX_PATH else f"{path[: _MAX_PATH - 1]}…"
        self._found.append(Diagnostic(self.file, line, column, shown, severity, code, message, suggestion))


def unreadable_file(file: str, reason: str) -> Diagnostic:
    """Return the finding about a file that cannot be read."""
    return Diagnostic(file, None, None, "", "error", "unreadable-file", f"cannot read the file: {reason}")
