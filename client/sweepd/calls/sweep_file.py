"""Sweep file of a new sweep: its content, findings and overrides, and the entity and project of the sweep."""

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

_READ_LIMIT: Final = MAX_FILE_BYTES + 1
"""Maximum number of bytes to read: one more than the limit, to detect a file that is too large."""

_WRITER_SECONDS: Final = 2.0
"""Seconds to wait for a process that writes to a named pipe."""
_STDIN_NAME = "stdin"
_UNREADABLE = "unreadable-file"


def read_content(file: str) -> bytes:
    """Return the content of a file, or of stdin for `-`; at most one byte more than the size limit.

    Raises:
        OSError: the file cannot be read.
    """
    if file == "-":
        if sys.stdin is None:
            raise OSError(errno.EBADF, "stdin is closed")
        return sys.stdin.buffer.read(_READ_LIMIT)
    # Opening a named pipe would block until a writer opens it, possibly forever.
    with open(file, "rb", opener=_open_nonblocking) as stream:
        descriptor = stream.fileno()
        start = _first_byte(descriptor) if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else b""
        os.set_blocking(descriptor, True)
        return start + stream.read(_READ_LIMIT - len(start))


def _open_nonblocking(file: str, flags: int) -> int:
    return os.open(file, flags | os.O_NONBLOCK)


def _first_byte(descriptor: int) -> bytes:
    """Wait for a writer of a pipe; return the first byte, or nothing if it has not arrived yet.

    Raises:
        OSError: no writer opens the pipe in time.
    """
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    written = waiting.poll(_WRITER_SECONDS * 1000)
    try:
        start = os.read(descriptor, 1)
    except BlockingIOError:
        return b""
    if not start and not written:
        raise OSError(errno.EPIPE, "no process writes to this pipe")
    return start


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepText:
    """Sweep file and its findings.

    `unsupported` lists valid keys that the server does not support yet.
    """

    file_name: str
    content: bytes
    spec: SweepSpec | None
    diagnostics: tuple[Diagnostic, ...]
    unsupported: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """True if the findings include no error."""
        return not self._errors()

    def refusal(self) -> InvalidError:
        """Return the error for a file that is invalid or uses unsupported keys."""
        if self.is_valid:
            keys = ", ".join(f"`{key}`" for key in self.unsupported)
            message = f"{self.file_name} uses keys that are not supported yet: {keys}"
            next_step = "remove these keys; `sweepctl validate` checks the file with them"
        else:
            errors = self._errors()
            message = (
                f"{self.file_name} is not a valid sweep file: {errors} error{'' if errors == 1 else 's'}"
            )
            next_step = "fix the errors above; `sweepctl validate` checks the file without a server"
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
    """Values that override those of the sweep file; None keeps the value of the file."""

    name: str | None = None
    program: str | None = None
    project: str | None = None
    entity: str | None = None

    def applied(self, spec: SweepSpec) -> SweepSpec:
        """Return the specification with the new name and program; `parent_of` handles project and entity."""
        return replace(
            spec, name=spec.name if self.name is None else self.name, program=self.program or spec.program
        )


def read_sweep(file: str, *, placing: Collection[str] = ()) -> SweepText:
    """Read and check a file, or stdin for `-`; convert the values of the keys in `placing` to legal names."""
    # A file name may contain bytes that are not valid text; show them escaped.
    shown = _STDIN_NAME if file == "-" else os.fsencode(file).decode(errors="backslashreplace")
    try:
        content = read_content(file)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return text_of(Parsed(None, (unreadable_file(shown, reason),)), shown)
    return text_of(parse_text(content, file=shown, placing=placing), shown, content)


def text_of(parsed: Parsed, file_name: str, content: bytes = b"") -> SweepText:
    """Return a parsed file together with its name and content."""
    return SweepText(
        file_name=file_name,
        content=content,
        spec=parsed.spec,
        diagnostics=parsed.diagnostics,
        unsupported=parsed.unsupported,
    )


def placing(overrides: Overrides, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return those of the keys `entity` and `project` that no flag or environment variable overrides."""
    return tuple(key for key in PLACING_KEYS if not _overriding_value(key, overrides, environ))


def parent_of(
    spec: SweepSpec,
    overrides: Overrides,
    environ: Mapping[str, str],
    stored: Callable[[str], str] = lambda kind: "",
) -> str:
    """Return `entity/project` from flags, environment, file, stored settings or defaults, in this order.

    `stored` returns the stored setting of `entity` or `project`, or an empty text.

    Raises:
        InvalidError: the entity or the project is not a valid name.
    """
    entity = _overriding_value("entity", overrides, environ) or spec.entity or stored("entity") or "local"
    project = _overriding_value("project", overrides, environ) or spec.project or stored("project")
    project = project or project_of(spec.program, spec.command)
    for kind, part in (("entity", entity), ("project", project)):
        check_part(kind, part)
    return f"{entity}/{project}"


def check_part(kind: str, part: str) -> None:
    """Check the name of an entity or a project.

    Raises:
        InvalidError: the name is invalid; the error suggests a similar valid name if there is one.
    """
    if not is_part(part):
        near = f"write `{near}`; " if (near := as_part(part)) else ""
        raise invalid(
            f"{part!r} is not a valid {'entity' if kind == 'entity' else 'project'} name",
            f"{near}names have {LEGAL_PART}",
        )


def project_name(text: str, entity: str) -> str:
    """Return the full name of a project from a typed name; `entity` is the default entity.

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
    """Return the default project: the stem of the program, converted to a valid name, or `default`."""
    named = program or next((item for item in command if item.endswith((".py", ".sh"))), "")
    return as_part(PurePath(named).stem) or "default"


def _overriding_value(key: str, overrides: Overrides, environ: Mapping[str, str]) -> str | None:
    """Return the value from the flag or the environment variable of a key; None if neither is set."""
    flag = overrides.entity if key == "entity" else overrides.project
    return flag or environ.get(f"SWEEPD_{key.upper()}")
