"""`sweepctl metrics`."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from sweepd.calls.sweep_file import read_sweep
from sweepd.cli.command import command
from sweepd.cli.commands.define.validate import checked_spec
from sweepd.cli.failures import usage_problem
from sweepd.cli.output.formats import Output, note, row_output, write_rows
from sweepd.cli.settings import current_settings
from sweepd.metrics_from.sources import EventFolder, Source, file_source, output_source
from sweepd.spec.sweep_spec import MetricsFrom
from sweepd.views.rows import Column, Row
from sweepd.views.text import clean, quoted_list
from sweepd.views.values import real

_KINDS = ("stdout", "file", "tensorboard")
_USAGE = "sweepctl metrics test FILE [--from PATH] [--as stdout|file|tensorboard]"
_VARIABLE = re.compile(r"\$\{envvar:([^}]*)\}")


@command(
    "sweepctl metrics test sweep.yaml --from train.log",
    "python train.py | sweepctl metrics test sweep.yaml --from - -o json",
)
@click.argument("words", metavar="test FILE", nargs=-1)
@click.option(
    "--from", "path", metavar="PATH", help="Read this log, table or folder of event files; - for stdin."
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(_KINDS),
    help="How to read PATH; needed only if FILE has several sources and the suffix is ambiguous.",
)
@row_output
def metrics(words: tuple[str, ...], path: str | None, kind: str | None, output: Output) -> None:
    """Show what `metrics_from` of a sweep file would read; needs no server.

    Without --from, the paths in FILE are read, with environment variables expanded. The output of a script
    has no path: for `stdout`, pass a log file with --from, or pipe the output in.
    """
    if len(words) != 2 or words[0] != "test":
        raise usage_problem("metrics takes `test FILE`", next_step=_USAGE)
    spec = checked_spec(read_sweep(words[1]), error_format="text")
    wanted = spec.metrics_from
    if wanted is None:
        raise usage_problem(f"{words[1]} has no metrics_from", next_step="add `metrics_from: {stdout: …}`")
    rows: list[Row] = []
    for source in _sources(wanted, path, kind, current_settings().environ):
        rows += _rows(source)
        for complaint in source.complaints.taken():
            note(f"warning: {clean(complaint)}")
    keys = sorted({key for row in rows for key in _values(row)})
    objective = spec.metric.name if spec.metric else None
    if rows and objective and objective not in keys:
        note(f"warning: the sweep optimises `{objective}`, which is not among {quoted_list(keys)}")
    write_rows(rows, output, _columns(keys), name="source", empty="Nothing would be read.")


def _sources(
    wanted: MetricsFrom, path: str | None, kind: str | None, environ: Mapping[str, str]
) -> Iterator[Source]:
    """Yield the sources to read: PATH, or the paths in the sweep file.

    Raises:
        Problem: there is nothing to read, or `metrics_from` lacks the kind of PATH.
    """
    if path is None:
        yield from _default_sources(wanted, environ)
        return
    chosen = kind or _kind_of(wanted, path)
    _check_kind(wanted, chosen)
    if chosen == "tensorboard":
        if not Path(path).is_dir():
            raise usage_problem(f"{path} is not a folder", next_step="name a folder with event files")
        yield EventFolder(Path(path), {}, {})
        return
    with _file(path) as given:
        if chosen == "stdout":
            yield output_source(wanted.stdout, given, 0)
        else:
            yield file_source(given, 0, name=Path(wanted.file).name)


def _default_sources(wanted: MetricsFrom, environ: Mapping[str, str]) -> Iterator[Source]:
    """Yield the sources at the paths in the sweep file."""
    if not wanted.file and not wanted.tensorboard:
        raise usage_problem(
            "metrics_from has only `stdout`, so the output of the script is needed",
            next_step="pass a log of the output with --from LOG, or pipe it in with --from -",
        )
    if wanted.file:
        yield file_source(Path(_expanded(wanted.file, environ)), 0)
    if wanted.tensorboard:
        yield EventFolder(Path(_expanded(wanted.tensorboard, environ)), {}, {})
    if wanted.stdout:
        note("note: `stdout` was not tested; pass the output of the script with --from")


def _kind_of(wanted: MetricsFrom, path: str) -> str:
    """Return the default kind of PATH: `tensorboard` for a folder, else the kind that its suffix suggests."""
    if Path(path).is_dir() and wanted.tensorboard:
        return "tensorboard"
    if wanted.stdout and wanted.file:
        kind = "file" if Path(path).suffix == Path(wanted.file).suffix else "stdout"
        note(f"note: {path} is read as `{kind}` because of its suffix; --as overrides this")
        return kind
    if wanted.stdout:
        return "stdout"
    return "file" if wanted.file else "tensorboard"


def _check_kind(wanted: MetricsFrom, kind: str) -> None:
    """Reject a kind of source that is not in `metrics_from`.

    Raises:
        Problem: `metrics_from` lacks this kind.
    """
    present = [name for name in _KINDS if getattr(wanted, name)]
    if kind not in present:
        raise usage_problem(
            f"metrics_from has no `{kind}`",
            next_step=f"--as {' or --as '.join(present)}, or add it to the file",
        )


@contextmanager
def _file(path: str) -> Iterator[Path]:
    """Yield the path of a file; copy stdin (`-`) to a temporary file."""
    if path != "-":
        if not Path(path).is_file():
            raise usage_problem(f"{path} is not a file", next_step=_USAGE)
        yield Path(path)
        return
    descriptor, name = tempfile.mkstemp(prefix="sweepctl-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield Path(name)
    finally:
        Path(name).unlink()


def _expanded(path: str, environ: Mapping[str, str]) -> str:
    """Return a path with each `${envvar:NAME}` expanded, as an agent expands it in this environment."""
    for name in _VARIABLE.findall(path):
        if name not in environ:
            note(f"warning: {name} is not set here, so {path} is not the path that a run will use")
    return _VARIABLE.sub(lambda found: environ.get(found[1], ""), path)


def _rows(source: Source) -> list[Row]:
    rows: list[Row] = []
    for found in source.look(ended=True):
        if found is None:
            continue
        values: Row = {
            key: real(value) if isinstance(value, float) else value
            for key, value in found.row.values.items()
            if isinstance(value, str | int | float)
        }
        rows.append({"source": found.source, "step": found.row.step, "values": values})
    return rows


def _values(row: Row) -> Row:
    values = row["values"]
    assert isinstance(values, dict)
    return values


def _columns(keys: list[str]) -> list[Column]:
    return [
        Column("source", "source"),
        Column("step", "step"),
        *(Column(key, f"values.{key}", long=True) for key in keys),
    ]
