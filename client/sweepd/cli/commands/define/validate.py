"""`sweepctl validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from sweepd.cli.command import Command
from sweepd.cli.commands.define.sweep_options import error_format_option
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output.formats import note, output_option, write_document
from sweepd.cli.settings import current_settings
from sweepd.views.text import clean, counted

if TYPE_CHECKING:
    from sweepd.calls.sweep_file import SweepText

_STEPS: Final = 100_000
"""Points that are counted one by one at most; beyond, an estimate is enough here."""


def _print_schema(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from sweepd.spec.schema import schema_text

        click.echo(schema_text(), nl=False)
        context.exit()


@click.command(
    cls=Command,
    examples=(
        "sweepctl validate sweep.yaml --error-format json",
        "sweepctl validate --schema > sweep-file.schema.json",
    ),
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
@output_option(("table", "json", "jsonl", "yaml"))
def command(file: str, error_format: str, output_format: str) -> int:
    """Check a sweep file (`-`: stdin) and report every finding at once; needs no server."""
    from sweepd.calls.sweep_file import Overrides, placing, read_sweep
    from sweepd.cli.commands.define.sweep_options import finding_shape, report
    from sweepd.spec.methods.sequence import count_distinct

    text = read_sweep(file, placing=placing(Overrides(), current_settings().environ))
    valid = text.is_valid
    if output_format == "table":
        report(text.diagnostics, error_format)
        if error_format == "json":  # for programs: the findings and the exit code say it all
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
            "diagnostics": [finding_shape(diagnostic) for diagnostic in text.diagnostics],
            "method": text.spec.method.name if text.spec else None,
            "size": count_distinct(text.spec, _STEPS).value if text.spec else None,
        },
        output_format,
    )
    return ExitCode.OK if valid else ExitCode.INVALID


def _summary(text: SweepText) -> str:
    from sweepd.cli.commands.define.preview_text import space_text
    from sweepd.spec.methods.sequence import count_distinct

    if text.spec is None:
        keys = ", ".join(f"`{key}`" for key in text.unsupported)
        return f"valid, but no sweep can be created of it yet: {keys} is not supported yet."
    spec, count = text.spec, count_distinct(text.spec, _STEPS)
    searched = counted(len(spec.search_space.dimensions), "parameter")
    return f"valid. {spec.method.name}, {searched} to search, space: {space_text(count)}."
