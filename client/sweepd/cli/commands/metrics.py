"""`sweepctl metrics`."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweepd.cli.output import note, output_of, output_option, row_options, write_rows
from sweepd.cli.problem import usage_problem
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb

if TYPE_CHECKING:
    from sweepd.cli.rows import Row
    from sweepd.cli.table import Column
    from sweepd.metrics_from.sources import Source
    from sweepd.spec import MetricsFrom

_KINDS = ("stdout", "file", "tensorboard")
_FORM = "sweepctl metrics test FILE [--from PATH]"
_VARIABLE = re.compile(r"\$\{envvar:([^}]*)\}")


@click.command(
    cls=Verb,
    examples=(
        "sweepctl metrics test sweep.yaml --from train.log",
        "python train.py | sweepctl metrics test sweep.yaml --from - -o json",
    ),
)
@click.argument("words", metavar="test FILE", nargs=-1)
@click.option(
    "--from",
    "path",
    metavar="PATH",
    help="Read this log, table or folder of event files; - for stdin.",
)
@click.option("--as", "kind", type=click.Choice(_KINDS), help="What PATH is, if that is not clear.")
@row_options
@output_option()
def command(
    words: tuple[str, ...],
    path: str | None,
    kind: str | None,
    columns: str | None,
    sort: str | None,
    filters: tuple[str, ...],
    limit: int | None,
    output_format: str,
) -> None:
    """Show what `metrics_from` of a sweep file would read; needs no server.

    Without --from the paths of the file itself are read, with variables of this environment in place.
    """
    from sweepd.cli.sweep_file import checked_spec, read_sweep

    if len(words) != 2 or words[0] != "test":
        raise usage_problem("metrics is called in another way", next_step=_FORM)
    spec = checked_spec(read_sweep(words[1]), error_format="text")
    wanted = spec.metrics_from
    if wanted is None:
        raise usage_problem(f"{words[1]} has no metrics_from", next_step="add `metrics_from: {stdout: …}`")
    rows: list[Row] = []
    for source in _sources(wanted, path, kind, current_settings().environ):
        rows += _rows(source)
        for complaint in source.complaints.taken():
            note(f"warning: {complaint}")
    keys = sorted({key for row in rows for key in _values(row)})
    objective = spec.metric.name if spec.metric else None
    if rows and objective and objective not in keys:
        note(f"warning: the sweep optimises `{objective}`, not among what is read: {', '.join(keys)}")
    output = output_of(output_format, columns=columns, sort=sort, filters=filters, limit=limit)
    write_rows(rows, output, _columns(keys), name="source", empty="Nothing would be read.")


def _sources(
    wanted: MetricsFrom, path: str | None, kind: str | None, environ: Mapping[str, str]
) -> Iterator[Source]:
    from sweepd.metrics_from.sources import EventFolder, file_source, output_source

    if path is None:
        if not wanted.file and not wanted.tensorboard:
            raise usage_problem("nothing says where output is to be had", next_step=f"{_FORM}, or --from -")
        if wanted.file:
            yield file_source(Path(_expanded(wanted.file, environ)), 0)
        if wanted.tensorboard:
            yield EventFolder(Path(_expanded(wanted.tensorboard, environ)), {}, {})
        return
    chosen = kind or _kind_of(wanted, path)
    if chosen == "tensorboard":
        yield EventFolder(Path(path), {}, {})
        return
    if chosen == "stdout" and not wanted.stdout:
        raise usage_problem("metrics_from has no `stdout`", next_step="say --as file")
    with _file(path) as file:
        name = Path(_expanded(wanted.file, environ)).name if wanted.file else file.name
        if chosen == "stdout":
            yield output_source(wanted.stdout, file, 0)
        else:
            yield file_source(file, 0, name=name)


class _file:  # noqa: N801 -- reads as the phrase that it is
    """A file by its path; what comes from stdin goes to one of its own for a while."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._own: Path | None = None

    def __enter__(self) -> Path:
        if self._path != "-":
            if not Path(self._path).is_file():
                raise usage_problem(f"{self._path} is no file", next_step=_FORM)
            return Path(self._path)
        descriptor, name = tempfile.mkstemp(prefix="sweepctl-")
        self._own = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            while piece := sys.stdin.buffer.read(1 << 16):
                file.write(piece)
        return self._own

    def __exit__(self, *_: object) -> None:
        if self._own is not None:
            self._own.unlink()


def _kind_of(wanted: MetricsFrom, path: str) -> str:
    if Path(path).is_dir():
        return "tensorboard"
    if wanted.stdout and wanted.file:
        return "file" if Path(path).suffix == Path(wanted.file).suffix else "stdout"
    return "stdout" if wanted.stdout else "file"


def _expanded(path: str, environ: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: environ.get(found[1], ""), path)


def _rows(source: Source) -> list[Row]:
    from sweepd.cli.metric_shapes import real

    rows: list[Row] = []
    for found in source.look(ended=True):
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
    from sweepd.cli.table import Column

    return [
        Column("source", "source"),
        Column("step", "step"),
        *(Column(key, f"values.{key}") for key in keys),
    ]
