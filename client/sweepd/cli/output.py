"""The `-o` formats of the reading verbs: options, and writing rows or one object to stdout."""

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import click

from sweepd.cli.problem import Problem, usage_problem
from sweepd.cli.rows import Choice, Row, knows, lookup, paths
from sweepd.cli.settings import Settings, current_settings
from sweepd.cli.table import Column, distinct, table
from sweepd.cli.text import cell, clean, json_text
from sweepd.spec.point import Json
from sweepd.spec.wording import nearest

FORMATS = ("table", "wide", "json", "jsonl", "yaml", "csv", "name")
Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How one call wants its result."""

    format: str
    columns: Sequence[str] = ()
    choice: Choice = field(default_factory=Choice)

    @property
    def structured(self) -> bool:
        """Tell whether a program reads it rather than a person."""
        return self.format not in ("table", "wide")


def output_option(formats: Sequence[str] = FORMATS, default: str = "table") -> Callable[[Function], Function]:
    """Return the option `-o`, whose default is that of environment or context where the verb has it."""

    def chosen(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
        if value is not None:
            return value
        wanted = context.ensure_object(Settings).told("output")
        return wanted if wanted in formats else default

    return click.option(
        "-o",
        "--output",
        "output_format",
        type=click.Choice(formats),
        callback=chosen,
        help=f"Format; {default} if nothing is said.",
    )


def row_options(function: Function) -> Function:
    """Add the options by which a list is chosen from and ordered."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), help="At most so many rows."),
        click.option(
            "--filter",
            "filters",
            multiple=True,
            metavar="NAME=VALUE",
            help="Only rows where it holds: = != < <= > >= ~. Repeatable.",
        ),
        click.option("--sort", metavar="NAME", help="Order by this value; -NAME: greatest first."),
        click.option(
            "--columns", metavar="NAMES", help="Only these values: dotted names of the JSON, with commas."
        ),
    ):
        function = option(function)
    return function


def output_of(
    output_format: str,
    *,
    columns: str | None = None,
    sort: str | None = None,
    filters: Sequence[str] = (),
    limit: int | None = None,
) -> Output:
    """Return what the options say."""
    names = tuple(name.strip() for name in (columns or "").split(",") if name.strip())
    return Output(format=output_format, columns=names, choice=Choice(filters=filters, sort=sort, limit=limit))


def chosen_rows(rows: Sequence[Row], output: Output, columns: Sequence[Column] = ()) -> list[Row]:
    """Return the rows that are wanted, in their order.

    Args:
        rows: what there is.
        output: how it is wanted.
        columns: those of the table, whose names are legal whatever the rows have.

    Raises:
        Problem: a name that nothing here has.
    """
    for name in (*output.columns, *output.choice.paths):
        if rows and not any(knows(row, name) for row in rows):
            shown = [column.path for column in columns if not column.composed]
            if name not in shown:
                raise _no_such_column(name, {*shown, *(path for row in rows for path in paths(row))})
    return output.choice.of(rows)


def _no_such_column(name: str, legal: Iterable[str]) -> Problem:
    # People know a parameter by its own name, so the last part may be what is near.
    by_end = {path.rpartition(".")[2]: path for path in sorted(legal)}
    near = nearest(name, sorted(legal))
    if name in by_end or near is None:
        end = name if name in by_end else nearest(name.rpartition(".")[2], by_end)
        near = by_end[end] if end is not None else None
    return usage_problem(
        f"no column {name}" + (f"; did you mean `{near}`?" if near else ""),
        next_step="`-o json` shows the names that there are",
    )


def write_rows(
    rows: Sequence[Row], output: Output, columns: Sequence[Column], *, name: str, empty: str = ""
) -> None:
    """Write a list.

    Args:
        rows: what there is; filtered, ordered and cut here.
        output: how it is wanted.
        columns: those of the table, the wide ones included.
        name: path of the value that `-o name` prints.
        empty: said on stderr when a person would see headings alone.
    """
    write_chosen(chosen_rows(rows, output, columns), output, columns, name=name, empty=empty)


def write_chosen(
    chosen: Sequence[Row], output: Output, columns: Sequence[Column], *, name: str, empty: str = ""
) -> None:
    """Write rows that were chosen before."""
    if not chosen and empty and not output.structured:
        note(empty)
        return
    if output.format in ("table", "wide"):
        wanted = _columns(
            output, [column for column in columns if output.format == "wide" or not column.wide]
        )
        short = output.format == "table" and sys.stdout.isatty()
        page(table(chosen, distinct(wanted), colored=current_settings().colored(sys.stdout), short=short))
    elif output.format == "csv":
        _write_csv(chosen, output.columns or [column.path for column in columns if not column.composed])
    elif output.format == "name":
        click.echo("".join(f"{cell(lookup(row, name))}\n" for row in chosen), nl=False)
    else:
        write_document([_reduced(row, output.columns) for row in chosen], output.format)


def write_document(document: Json, output_format: str) -> None:
    """Write JSON, JSON lines or YAML."""
    if output_format == "yaml":
        from sweepd.cli.yaml_text import yaml_text  # here, as its library takes time to load

        text = yaml_text(document)
    elif output_format == "jsonl":
        lines = document if isinstance(document, list) else [document]
        text = "".join(json_text(line) + "\n" for line in lines)
    else:
        text = json_text(document, indent=2) + "\n"
    put(text)


def put(text: str) -> None:
    """Write a result to stdout, at once: what is said of it on stderr comes after it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def note(text: str) -> None:
    """Say something to the person, on stderr; stdout carries data only."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def page(text: str) -> None:
    """Write a text, through a pager if it is longer than the terminal is high."""
    size = shutil.get_terminal_size()
    pager = _pager(current_settings()) if sys.stdout.isatty() and text.count("\n") > size.lines else None
    if pager is None:
        put(text)
        return
    # Ctrl-C is the pager's, as where it stops a search; a handler, unlike SIG_IGN, is not passed on to it.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        subprocess.run(pager, input=text, text=True, check=False)
    finally:
        signal.signal(signal.SIGINT, before)


def _pager(settings: Settings) -> list[str] | None:
    chosen = settings.environ.get("PAGER", "less")
    words = chosen.split()
    if not words or settings.environ.get("TERM") == "dumb" or shutil.which(words[0]) is None:
        return None
    os.environ.setdefault("LESS", "FRSX")
    return words


def _columns(output: Output, columns: Sequence[Column]) -> Sequence[Column]:
    if not output.columns:
        return columns
    known = {column.path: column for column in columns}
    return [known.get(name) or Column(name, name) for name in output.columns]


def _reduced(row: Row, names: Sequence[str]) -> Json:
    return {name: lookup(row, name) for name in names} if names else row


def _write_csv(rows: Sequence[Row], paths: Sequence[str]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(paths)
    writer.writerows([_csv_cell(lookup(row, path)) for path in paths] for row in rows)
    put(text.getvalue())


def _csv_cell(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value) if sys.stdout.isatty() else value
    return json_text(value)
