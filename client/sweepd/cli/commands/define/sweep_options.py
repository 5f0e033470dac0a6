"""The FILE argument of commands: its findings on stderr, and the options that stand for keys of it."""

from collections.abc import Callable, Iterable
from functools import wraps

import click

from sweepd.calls.sweep_file import Overrides, SweepText
from sweepd.cli.output.formats import note
from sweepd.spec.loading.nodes import Diagnostic
from sweepd.spec.point import Json
from sweepd.spec.sweep_spec import SweepSpec
from sweepd.views.text import json_text

error_format_option = click.option(
    "--error-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How findings about the file are written.",
)


def checked_spec(text: SweepText, *, error_format: str, overrides: Overrides | None = None) -> SweepSpec:
    """Return the specification with the overrides; findings go to stderr.

    Raises:
        InvalidError: there is an error among the findings, or something that is not supported yet.
    """
    report(text.diagnostics, error_format)
    if text.spec is None or not text.is_valid:
        raise text.refusal()
    return text.spec if overrides is None else overrides.applied(text.spec)


def report(diagnostics: Iterable[Diagnostic], error_format: str) -> None:
    """Write findings to stderr."""
    for diagnostic in diagnostics:
        note(finding_line(diagnostic, error_format))


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


def definition_options(function: Callable[..., object]) -> Callable[..., object]:
    """Add the options that stand for keys of the file, as `overrides`, and `--error-format`."""

    @wraps(function)
    def called(
        *, name: str | None, program: str | None, project: str | None, entity: str | None, **others: object
    ) -> object:
        overrides = Overrides(name=name, program=program, project=project, entity=entity)
        return function(overrides=overrides, **others)

    for option in (
        error_format_option,
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
        called = option(called)
    return called
