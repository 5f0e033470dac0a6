"""Sweep files as they were read: content, findings, and the values that a caller puts in their place."""

import os
from collections.abc import Collection
from dataclasses import dataclass, replace

from sweepd.calls.file_content import read_content
from sweepd.errors import InvalidError
from sweepd.spec import Diagnostic, Parsed, SweepSpec, parse_text, unreadable_file

_STDIN_NAME = "stdin"
_UNREADABLE = "unreadable-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepText:
    """A sweep file and its findings.

    `unsupported` are keys that are right, but with which no sweep can be created yet.
    """

    file_name: str
    content: bytes
    spec: SweepSpec | None
    diagnostics: tuple[Diagnostic, ...]
    unsupported: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """True if there is no error among the findings."""
        return not self._errors()

    def refusal(self) -> InvalidError:
        """Return the error of a file of which no sweep can be made; it counts the findings."""
        if self.is_valid:
            keys = ", ".join(f"`{key}`" for key in self.unsupported)
            message = f"{self.file_name} is not supported yet: it has {keys}"
            next_step = "leave out what is named above; `sweepctl validate` checks the file as it is"
        else:
            errors = self._errors()
            message = f"{self.file_name} is not a valid sweep: {errors} error{'' if errors == 1 else 's'}"
            next_step = "fix what is named above; `sweepctl validate` checks without a server"
            if any(diagnostic.code == _UNREADABLE for diagnostic in self.diagnostics):
                next_step = "name a sweep file that can be read, or `-` for stdin"
        return InvalidError(
            message,
            code="INVALID_ARGUMENT",
            reason="invalid-sweep",
            next_step=next_step,
            diagnostics=self.diagnostics,
        )

    def _errors(self) -> int:
        return sum(diagnostic.severity == "error" for diagnostic in self.diagnostics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Values that take precedence over those of the file; None: the file's."""

    name: str | None = None
    program: str | None = None
    project: str | None = None
    entity: str | None = None

    def applied(self, spec: SweepSpec) -> SweepSpec:
        """Return a specification with name and program replaced; `placement` sees to the others."""
        return replace(
            spec,
            name=spec.name if self.name is None else self.name,
            program=self.program or spec.program,
        )


def read_sweep(file: str, *, placing: Collection[str] = ()) -> SweepText:
    """Read and check a file, or stdin for `-`; `placing`: the keys that say where its sweep will live."""
    # A name need not be text: what is none in it is shown as bytes.
    shown = _STDIN_NAME if file == "-" else os.fsencode(file).decode(errors="backslashreplace")
    try:
        content = read_content(file)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return text_of(Parsed(None, (unreadable_file(shown, reason),)), shown)
    return text_of(parse_text(content, file=shown, placing=placing), shown, content)


def text_of(parsed: Parsed, file_name: str, content: bytes = b"") -> SweepText:
    """Return what was parsed, with what it was parsed from."""
    return SweepText(
        file_name=file_name,
        content=content,
        spec=parsed.spec,
        diagnostics=parsed.diagnostics,
        unsupported=parsed.unsupported,
    )
