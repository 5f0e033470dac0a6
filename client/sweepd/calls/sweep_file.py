"""Sweep file of a new sweep: its content and findings, what stands above it, and its entity and project."""

import errno
import os
import select
import stat
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final

from sweepd.errors import InvalidError, invalid
from sweepd.name_part import LEGAL_PART, as_part, is_part
from sweepd.spec.finding import Diagnostic, unreadable_file
from sweepd.spec.limits import MAX_FILE_BYTES
from sweepd.spec.parse import PLACING_KEYS, Parsed, parse_text
from sweepd.spec.sweep_spec import SweepSpec

_MOST: Final = MAX_FILE_BYTES + 1
"""Most bytes to read: one beyond the limit shows that a file is too large."""

_PATIENCE: Final = 2.0
"""Seconds that a named pipe may be without a writer."""
_STDIN_NAME = "stdin"
_UNREADABLE = "unreadable-file"


def read_content(file: str) -> bytes:
    """Return the content of a file, `-` being stdin; at most one byte beyond the limit.

    Raises:
        OSError: it cannot be read.
    """
    if file == "-":
        if sys.stdin is None:
            raise OSError(errno.EBADF, "stdin is closed")
        return sys.stdin.buffer.read(_MOST)
    # Opening a named pipe would block until a writer opens it, possibly forever.
    with open(file, "rb", opener=_opened) as stream:
        descriptor = stream.fileno()
        start = _start(descriptor) if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else b""
        os.set_blocking(descriptor, True)
        return start + stream.read(_MOST - len(start))


def _opened(file: str, flags: int) -> int:
    return os.open(file, flags | os.O_NONBLOCK)


def _start(descriptor: int) -> bytes:
    """Return the first bytes of a pipe, once a writer has opened it; the writer may be slow.

    Raises:
        OSError: no writer opens it in time.
    """
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    written = waiting.poll(_PATIENCE * 1000)
    try:
        start = os.read(descriptor, 1)
    except BlockingIOError:
        return b""
    if not start and not written:
        raise OSError(errno.EPIPE, "nobody writes into this pipe")
    return start


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


def placing(overrides: Overrides, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of a file that nothing replaces: what they say must be legal."""
    return tuple(key for key in PLACING_KEYS if not _given(key, overrides, environ))


def parent_of(
    spec: SweepSpec,
    overrides: Overrides,
    environ: Mapping[str, str],
    kept: Callable[[str], str] = lambda kind: "",
) -> str:
    """Return `entity/project` by flag, environment, file, what is `kept` for such a case, then a default.

    A file may come from elsewhere, and its names were made legal when it was read; flags and variables are
    ours, and the error says what to write.

    Raises:
        InvalidError: a flag or a variable has no legal name.
    """
    entity = _given("entity", overrides, environ) or spec.entity or kept("entity") or "local"
    project = _given("project", overrides, environ) or spec.project or kept("project")
    project = project or project_of(spec.program, spec.command)
    for kind, part in (("entity", entity), ("project", project)):
        check_part(kind, part)
    return f"{entity}/{project}"


def check_part(kind: str, part: str) -> None:
    """Refuse what cannot be the name of an entity or a project.

    Raises:
        InvalidError: with the nearest legal name.
    """
    if not is_part(part):
        near = f"write `{near}`; " if (near := as_part(part)) else ""
        raise invalid(
            f"{part!r} cannot be the name of {'an entity' if kind == 'entity' else 'a project'}",
            f"{near}names have {LEGAL_PART}",
        )


def project_name(text: str, entity: str) -> str:
    """Return the full name of a project as a person types it: its entity may be left out.

    Raises:
        InvalidError: the text is not PROJECT or ENTITY/PROJECT.
    """
    parts = text.strip("/").split("/")
    if len(parts) == 1:
        parts = [entity or "local", *parts]
    if len(parts) != 2 or not all(parts):
        raise invalid(f"not a project: {text!r}", "write PROJECT or ENTITY/PROJECT")
    return "/".join(parts)


def project_of(program: str | None, command: Sequence[str] = ()) -> str:
    """Return the project that a program's name makes: its stem, in legal letters; else `default`."""
    named = program or next((item for item in command if item.endswith((".py", ".sh"))), "")
    return as_part(PurePath(named).stem) or "default"


def _given(key: str, overrides: Overrides, environ: Mapping[str, str]) -> str | None:
    """Return the value that takes precedence over the file's."""
    flag = overrides.entity if key == "entity" else overrides.project
    return flag or environ.get(f"SWEEPD_{key.upper()}")
