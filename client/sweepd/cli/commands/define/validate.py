"""Validation of sweep files: options, findings, and `sweepctl validate`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Final

import click

from sweepd.calls.sweep_file import Overrides, SweepText, placing, read_sweep
from sweepd.cli.command import Function, command, option_group
from sweepd.cli.commands.define.preview_text import space_text
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output.formats import DOCUMENTS, note, output_option, write_document
from sweepd.cli.settings import current_settings
from sweepd.spec.finding import Diagnostic
from sweepd.spec.methods.sequence import count_distinct
from sweepd.spec.sweep_spec import SweepSpec
from sweepd.views.text import clean, counted, json_text

error_format_option = click.option(
    "--error-format", type=click.Choice(["text", "json"]), default="text", help="Format of the findings."
)


def checked_spec(text: SweepText, *, error_format: str, overrides: Overrides | None = None) -> SweepSpec:
    """Return the specification with the overrides applied; write findings to stderr.

    Raises:
        InvalidError: the findings include an error, or the file uses an unsupported key.
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
        return json_text(asdict(diagnostic))
    return f"warning: {diagnostic}" if diagnostic.severity == "warning" else str(diagnostic)


_overrides = option_group(
    "overrides",
    Overrides,
    click.option(
        "--entity",
        metavar="NAME",
        help="Entity of the sweep (else SWEEPD_ENTITY, the file, `config set`, `local`).",
    ),
    click.option(
        "--project",
        metavar="NAME",
        help="Project (else SWEEPD_PROJECT, the file, `config set`, the program's name).",
    ),
    click.option("--program", metavar="FILE", help="Program to run, instead of the file's."),
    click.option("--name", metavar="TEXT", help="Display name, instead of the file's."),
)


def definition_options(function: Function) -> Function:
    """Add the options that override keys of the file, as `overrides`, and `--error-format`."""
    return _overrides(error_format_option(function))


_MAX_COUNTED: Final = 100_000
"""Maximum number of points to count exactly; the size of a larger space is estimated."""


def _print_schema(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from sweepd.spec.schema import schema_text

        click.echo(schema_text(), nl=False)
        context.exit()


@command(
    "sweepctl validate sweep.yaml --error-format json", "sweepctl validate --schema > sweep-file.schema.json"
)
@click.argument("file", metavar="FILE")
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of sweep files, for editors.",
)
@error_format_option
@output_option(("table", *DOCUMENTS))
def validate(file: str, error_format: str, output_format: str) -> int:
    """Check a sweep file (`-`: stdin) and report every finding at once; needs no server."""
    text = read_sweep(file, placing=placing(Overrides(), current_settings().environ))
    valid = text.is_valid
    if output_format == "table":
        report(text.diagnostics, error_format)
        if error_format == "json":  # programs need only the findings and the exit code
            return ExitCode.OK if valid else ExitCode.INVALID
        if not valid:
            raise text.refusal()
        note(f"{clean(text.file_name)}: {_summary(text)}")
        return ExitCode.OK
    write_document(
        {
            "file": text.file_name,
            "valid": valid,
            "unsupported": list(text.unsupported),
            "diagnostics": [asdict(diagnostic) for diagnostic in text.diagnostics],
            "method": text.spec.method.name if text.spec else None,
            "size": count_distinct(text.spec, _MAX_COUNTED).value if text.spec else None,
        },
        output_format,
    )
    return ExitCode.OK if valid else ExitCode.INVALID


def _summary(text: SweepText) -> str:
    if text.spec is None:
        keys = ", ".join(f"`{key}`" for key in text.unsupported)
        return f"valid, but no sweep can be created from it yet: {keys} is not supported yet."
    spec, count = text.spec, count_distinct(text.spec, _MAX_COUNTED)
    searched = counted(len(spec.search_space.dimensions), "parameter")
    return f"valid. {spec.method.name}, {searched} to search, space: {space_text(count)}."
