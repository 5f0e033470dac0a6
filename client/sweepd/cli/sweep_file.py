"""Reading a sweep file for a verb: its bytes, its findings, and what flags and environment change in it."""

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import click

from sweepd.cli.exit_code import ExitCode
from sweepd.cli.file_content import read_content
from sweepd.cli.output import note
from sweepd.cli.problem import Problem
from sweepd.cli.text import counted, json_text
from sweepd.spec import Diagnostic, Parsed, SweepSpec, parse_text, unreadable_file
from sweepd.spec.point import Json

_STDIN_NAME = "stdin"
UNREADABLE = "unreadable-file"
Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepText:
    """A sweep file as it was read, and what was found in it."""

    file_name: str
    content: bytes
    spec: SweepSpec | None
    diagnostics: tuple[Diagnostic, ...]
    # Keys that are right, but with which no sweep can be created yet.
    unsupported: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Tell whether there is no error among the findings."""
        return all(diagnostic.severity != "error" for diagnostic in self.diagnostics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the command line says instead of the file."""

    name: str | None = None
    program: str | None = None
    project: str | None = None
    entity: str | None = None


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


def checked_spec(text: SweepText, *, error_format: str, overrides: Overrides | None = None) -> SweepSpec:
    """Return the specification with the overrides; findings go to stderr.

    Raises:
        Problem: there is an error among the findings, or something that is not supported yet.
    """
    tell(text.diagnostics, error_format)
    if not text.is_valid:
        raise invalid(text.file_name, text.diagnostics)
    if text.spec is None:
        raise not_supported(text)
    return text.spec if overrides is None else overridden(text.spec, overrides)


def overridden(spec: SweepSpec, overrides: Overrides) -> SweepSpec:
    """Return a specification with what is said instead of it; where it lives is said elsewhere."""
    return replace(
        spec,
        name=spec.name if overrides.name is None else overrides.name,
        program=overrides.program or spec.program,
    )


def tell(diagnostics: Iterable[Diagnostic], error_format: str) -> None:
    """Write findings to stderr."""
    for diagnostic in diagnostics:
        note(finding_line(diagnostic, error_format))


def invalid(file_name: str, diagnostics: Sequence[Diagnostic]) -> Problem:
    """Return the problem that sums up findings that were told."""
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    is_there = all(diagnostic.code != UNREADABLE for diagnostic in diagnostics)
    return Problem(
        message=f"{file_name} is no valid sweep: {counted(errors, 'error')}",
        exit_code=ExitCode.INVALID,
        status="INVALID_ARGUMENT",
        reason="invalid-sweep",
        next_step="fix what is named above; `sweepctl validate` checks without a server"
        if is_there
        else "name a sweep file that can be read, or `-` for stdin",
    )


def not_supported(text: SweepText) -> Problem:
    """Return the problem of a file that is right, but of which no sweep can be made yet."""
    keys = ", ".join(f"`{key}`" for key in text.unsupported)
    return Problem(
        message=f"{text.file_name} is not supported yet: it has {keys}",
        exit_code=ExitCode.INVALID,
        status="INVALID_ARGUMENT",
        reason="invalid-sweep",
        next_step="leave out what is named above; `sweepctl validate` goes on checking the file as it is",
    )


def finding_line(diagnostic: Diagnostic, error_format: str) -> str:
    """Return a finding on one line: `file:line:column: path: message`, or JSON."""
    if error_format == "json":
        return json_text(finding_shape(diagnostic))
    return f"warning: {diagnostic}" if diagnostic.severity == "warning" else str(diagnostic)


def finding_shape(diagnostic: Diagnostic) -> dict[str, Json]:
    """Return a finding as JSON."""
    return {
        "file": diagnostic.file,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "path": diagnostic.path,
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "suggestion": diagnostic.suggestion,
    }


def definition_options(function: Function) -> Function:
    """Add the options that stand for keys of the file."""
    for option in (
        click.option(
            "--error-format",
            type=click.Choice(["text", "json"]),
            default="text",
            help="How findings about the file are written.",
        ),
        click.option(
            "--entity",
            metavar="NAME",
            help="Entity to create it in (else SWEEPD_ENTITY, the file, `config set`, `local`).",
        ),
        click.option(
            "--project",
            metavar="NAME",
            help="Project (else SWEEPD_PROJECT, the file, `config set`, the program's name).",
        ),
        click.option("--program", metavar="FILE", help="Program to run, instead of the file's."),
        click.option("--name", metavar="TEXT", help="Display name, instead of the file's."),
    ):
        function = option(function)
    return function
