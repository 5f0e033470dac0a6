"""`sweepctl validate`."""

from __future__ import annotations

import click

from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output import note, output_option, write_document
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb


@click.command(
    cls=Verb,
    examples=("sweepctl validate sweep.yaml", "sweepctl validate - --error-format json < sweep.yaml"),
)
@click.argument("file", metavar="FILE")
@click.option(
    "--error-format", type=click.Choice(["text", "json"]), default="text", help="How findings are written."
)
@output_option(("table", "json", "jsonl", "yaml"))
def command(file: str, error_format: str, output_format: str) -> int:
    """Check a sweep file (`-`: stdin) and report every finding at once; needs no server."""
    from sweepd.cli.placement import name_findings, placed
    from sweepd.cli.sweep_file import Overrides, checked_spec, finding_shape, read_sweep
    from sweepd.cli.text import counted

    environ = current_settings().environ
    text = read_sweep(file)
    if output_format == "table":
        spec = checked_spec(text, error_format=error_format)
        placed(text, spec, overrides=Overrides(), environ=environ, error_format=error_format)
        size = spec.search_space.size
        points = "unbounded" if size is None else counted(size, "point")
        searched = counted(len(spec.search_space.dimensions), "parameter")
        note(f"{text.file_name}: valid. {spec.method.value}, {searched} to search, space: {points}.")
        return ExitCode.OK
    misnamed = name_findings(text, text.spec, Overrides(), environ) if text.spec else []
    valid = text.spec is not None and not misnamed
    write_document(
        {
            "file": text.file_name,
            "valid": valid,
            "diagnostics": [finding_shape(diagnostic) for diagnostic in (*text.diagnostics, *misnamed)],
            "method": text.spec.method.value if text.spec else None,
            "size": text.spec.search_space.size if text.spec else None,
        },
        output_format,
    )
    return ExitCode.OK if valid else ExitCode.INVALID
