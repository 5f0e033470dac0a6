"""Document tree between a loader and the reader, with places, and findings about them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

from sweepd.spec.finding import Code, Severity
from sweepd.spec.limits import MAX_ERRORS
from sweepd.spec.point import Json
from sweepd.spec.wording import printable

NOT_SUPPORTED_YET: Final = "not-supported-yet"
_SHOWN_PATH: Final = 300


@dataclass(frozen=True, slots=True)
class Place:
    """Position in a file; both numbers count from 1."""

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
    """Everything found in one file so far; reading continues after each finding, up to `MAX_ERRORS`."""

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
        """Number of errors among the findings."""
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


Scalar = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value."""

    value: Scalar
    place: Place | None


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple["Node", ...]
    place: Place | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value; `place` is that of the key."""

    place: Place | None
    node: "Node"


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping with unique text keys, in the order written."""

    entries: dict[str, Entry]
    place: Place | None

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, key: str) -> bool:
        return key in self.entries


Node = ScalarNode | SequenceNode | MappingNode


def plain(node: Node) -> Json:
    """Return the value of a node without places; a node behind an alias is copied at each use."""
    match node:
        case ScalarNode(value=value):
            return value
        case SequenceNode(items=items):
            return [plain(item) for item in items]
        case MappingNode(entries=entries):
            return {key: plain(entry.node) for key, entry in entries.items()}


def place_of(root: Node, path: Sequence[str | int]) -> Place | None:
    """Return the place of the value at a path, or of the innermost thing on the way that is there."""
    node = root
    for part in path:
        if isinstance(node, MappingNode) and isinstance(part, str) and part in node.entries:
            node = node.entries[part].node
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            break
    return node.place


def read_json(findings: Findings, node: Node, path: str) -> Json:
    """Return the value of a node, recording as errors the numbers that JSON does not have."""
    match node:
        case ScalarNode(value=float() as value) if not isfinite(value):
            message = f'{value} has no form that every program reads; write it as text, "{value}"'
            findings.error(node.place, path, "not-finite", message)
        case SequenceNode(items=items):
            for index, item in enumerate(items):
                read_json(findings, item, f"{path}[{index}]")
        case MappingNode(entries=entries):
            for key, entry in entries.items():
                read_json(findings, entry.node, f"{path}.{key}")
        case _:
            pass
    return plain(node)


def is_finite(value: Json) -> bool:
    """Tell whether a value has no number that JSON does not have."""
    match value:
        case float():
            return isfinite(value)
        case list():
            return all(map(is_finite, value))
        case dict():
            return all(map(is_finite, value.values()))
        case _:
            return True
