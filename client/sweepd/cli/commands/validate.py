"""`sweepctl validate`."""

from __future__ import annotations

import click

from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output import note, output_option, write_document
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
    from sweepd.cli.sweep_file import checked_spec, finding_shape, read_sweep

    text = read_sweep(file)
    if output_format == "table":
        spec = checked_spec(text, error_format=error_format)
        size = spec.search_space.size
        points = "unbounded" if size is None else f"{size} points"
        count = len(spec.search_space.dimensions)
        note(f"{text.file_name}: valid. {spec.method.value}, {count} parameters to search, space: {points}.")
        return ExitCode.OK
    write_document(
        {
            "file": text.file_name,
            "valid": text.spec is not None,
            "diagnostics": [finding_shape(diagnostic) for diagnostic in text.diagnostics],
            "method": text.spec.method.value if text.spec else None,
            "size": text.spec.search_space.size if text.spec else None,
        },
        output_format,
    )
    return ExitCode.OK if text.spec is not None else ExitCode.INVALID
