"""Output formats (`-o`): their options, and functions that write rows or an object to stdout."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import click

from sweepd.cli.command import Function, option_group
from sweepd.cli.failures import Problem, usage_problem
from sweepd.cli.output.table import csv_text, cut, distinct, draw_table
from sweepd.cli.settings import Settings, current_settings
from sweepd.spec.point import Json
from sweepd.spec.wording import nearest
from sweepd.views.rows import Choice, Column, Row, lookup, may_have, paths
from sweepd.views.text import cell, clean, counted, json_text

DOCUMENTS = ("json", "jsonl", "yaml")
FORMATS = ("table", "wide", *DOCUMENTS, "csv", "name")
_RAW = "sweepctl.csv_raw"
_MAX_NAMED = 30
_MIN_WIDTH = 40
"""Minimum table width, in terminal columns."""
columns_option = click.option(
    "--columns",
    metavar="NAMES",
    help="Columns to show, separated by commas: headings, or dotted names of the JSON.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Output options: the format, and the choice of rows and columns."""

    format: str
    columns: Sequence[str] = ()
    choice: Choice = field(default_factory=Choice)
    # For CSV: write texts unchanged, including formulas and control characters.
    raw: bool = False

    @property
    def structured(self) -> bool:
        """True if the format is for programs rather than people."""
        return self.format not in ("table", "wide")


def output_option(formats: Sequence[str] = FORMATS, default: str = "table") -> Callable[[Function], Function]:
    """Return the option `-o`; a default from the environment or context applies if it is in `formats`."""

    def chosen(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
        if value is not None:
            return value
        wanted = context.ensure_object(Settings).default("output")
        return wanted if wanted in formats else default

    option = click.option(
        "-o",
        "--output",
        "output_format",
        type=click.Choice(formats),
        callback=chosen,
        help=f"Format; {default} by default.",
    )
    return (lambda function: option(_raw_option(function))) if "csv" in formats else option


change_output_option = output_option(("name", *DOCUMENTS), "name")
"""Option `-o` of commands that change an object: print its name or the object."""


def _raw_option(function: Function) -> Function:
    """Add the option `--csv-raw`; `output_of` reads it."""

    def keep(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        context.meta[_RAW] = value

    return click.option(
        "--csv-raw",
        is_flag=True,
        expose_value=False,
        callback=keep,
        help="With -o csv: do not escape text that a spreadsheet would run as a formula.",
    )(function)


def output_of(
    output_format: str,
    *,
    columns: str | None = None,
    sort: str | None = None,
    filters: Sequence[str] = (),
    limit: int | None = None,
) -> Output:
    """Return the values of the output options as `Output`."""
    names = tuple(name.strip() for name in (columns or "").split(",") if name.strip())
    raw = bool(click.get_current_context().meta.get(_RAW))
    if raw and output_format != "csv":
        raise usage_problem("--csv-raw requires -o csv", next_step="add -o csv")
    choice = Choice(filters=filters, sort=sort, limit=limit)
    return Output(format=output_format, columns=names, choice=choice, raw=raw)


row_output = option_group(
    "output",
    output_of,
    output_option(),
    columns_option,
    click.option("--sort", metavar="NAME", help="Sort by this value; -NAME: descending."),
    click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="NAME=VALUE",
        help="Show only matching rows: = != < <= > >= ~. Repeatable.",
    ),
    click.option("--limit", type=click.IntRange(min=1), help="Maximum number of rows."),
)
"""Decorator that adds the options that select, sort and format rows, as the argument `output`."""


def chosen_rows(rows: Sequence[Row], output: Output, columns: Sequence[Column] = ()) -> list[Row]:
    """Filter, sort and limit rows by the output options.

    Args:
        rows: all rows.
        output: filters, order, limit and columns.
        columns: columns of the table; filters, order and limit may also name their headings.

    Raises:
        Problem: rows are given, but no row or column has a given name; or the name is that of a group.
    """
    for name in output.columns:
        _column(name, rows, columns)
    aliases = {name: _column(name, rows, columns).path for name in output.choice.paths}
    for name, path in aliases.items():
        if inner := next(
            (sorted(value) for row in rows if isinstance(value := lookup(row, path), dict)), None
        ):
            raise usage_problem(
                f"{name} is a group of values, which cannot be sorted or filtered",
                next_step=f"name one of them, such as {path}.{inner[0]}",
            )
    return output.choice.of(rows, aliases)


def _column(name: str, rows: Sequence[Row], columns: Sequence[Column]) -> Column:
    """Return the column with a name: a path of the JSON, or a heading of the table.

    Raises:
        Problem: no row or column has this name.
    """
    by_path: dict[str, Column] = {}
    for column in columns:
        if not column.composed:
            by_path.setdefault(column.path, column)
    headed = next((column for column in columns if column.heading == name.lower()), None)
    known = any(may_have(row, name) for row in rows)
    if name in by_path:
        return by_path[name]
    if headed is not None and not any(_plain(lookup(row, name)) for row in rows):
        return headed
    if known or not rows:
        return Column(name, name)
    raise _no_such_column(
        name, list(by_path), {path for row in rows for path in (*paths(row), *_metrics(row))}
    )


def _metrics(row: Row) -> Iterator[str]:
    """Yield the paths `metrics.KEY` of the logged keys of a run; rows include the values only on request."""
    keys = row.get("loggedKeys")
    yield from (f"metrics.{key}" for key in keys) if isinstance(keys, list) else ()


def _plain(value: Json) -> bool:
    """Return True if a value is neither null nor an object."""
    return value is not None and not isinstance(value, dict)


def _no_such_column(name: str, shown: Sequence[str], others: Iterable[str]) -> Problem:
    # Users may type only the last part of a path, so compare this part as well.
    legal = sorted({*shown, *others})
    by_end = {path.rpartition(".")[2]: path for path in legal}
    near = nearest(name, legal)
    if name in by_end or near is None:
        end = name if name in by_end else nearest(name.rpartition(".")[2], by_end)
        near = by_end[end] if end is not None else None
    named = list(dict.fromkeys([*shown, *(path for path in legal if "." not in path)]))
    more = f" and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else ""
    return usage_problem(
        f"unknown column: {name}" + (f"; did you mean `{near}`?" if near else ""),
        cause=f"the columns are {', '.join(map(clean, named[:_MAX_NAMED]))}{more}",
        next_step="`-o json` shows all names, including those of inner values",
    )


def write_rows(
    rows: Sequence[Row], output: Output, columns: Sequence[Column], *, name: str, empty: str = ""
) -> None:
    """Filter, sort and limit rows, and write them.

    Args:
        rows: all rows; filtered, ordered and limited here.
        output: output options.
        columns: columns of the table, including wide ones.
        name: path of the value that `-o name` prints.
        empty: note on stderr instead of a table without rows.
    """
    write_chosen(chosen_rows(rows, output, columns), output, columns, name=name, empty=empty)


def write_chosen(
    chosen: Sequence[Row], output: Output, columns: Sequence[Column], *, name: str, empty: str = ""
) -> None:
    """Write rows that have already been filtered, sorted and limited."""
    if not chosen and empty and not output.structured:
        note(empty)
        return
    if output.format in ("table", "wide"):
        text, hidden = table_text(chosen, output, columns)
        page(text)
        if hidden:
            notice = f"{counted(len(hidden), 'column')} left out (-o wide shows all): {', '.join(hidden)}"
            note(cut(notice, terminal_width() or len(notice)))
    elif output.format == "csv":
        wanted = _columns(chosen, output, [column for column in columns if not column.composed])
        headings = output.columns or [column.path for column in wanted]
        values = [[column.csv_value(row) for column in wanted] for row in chosen]
        put(csv_text(headings, values, raw=output.raw))
    elif output.format == "name":
        click.echo("".join(f"{cell(lookup(row, name))}\n" for row in chosen), nl=False)
    else:
        wanted = _columns(chosen, output, columns)
        reduced = [
            {name: _member(row, name, column) for name, column in zip(output.columns, wanted, strict=True)}
            if output.columns
            else row
            for row in chosen
        ]
        write_document(list(reduced), output.format)


def table_text(rows: Sequence[Row], output: Output, columns: Sequence[Column]) -> tuple[str, list[str]]:
    """Return rows as a table for stdout, and the headings of columns that do not fit the terminal."""
    listed = [column for column in columns if output.format == "wide" or not column.wide]
    wanted = distinct(_columns(rows, output, columns if output.columns else listed))
    return draw_table(
        rows,
        wanted,
        colored=current_settings().colored(sys.stdout),
        width=terminal_width() if output.format == "table" else None,
        all_of=bool(output.columns),
    )


def terminal_width() -> int | None:
    """Return the width of the terminal on stdout; None if stdout is not a terminal."""
    return max(shutil.get_terminal_size().columns, _MIN_WIDTH) if sys.stdout.isatty() else None


def write_document(document: Json, output_format: str) -> None:
    """Write a document as JSON, JSON lines or YAML."""
    if output_format == "yaml":
        from sweepd.cli.output.yaml_text import yaml_text  # imported here, because yaml is slow to import

        text = yaml_text(document)
    elif output_format == "jsonl":
        lines = document if isinstance(document, list) else [document]
        text = "".join(json_text(line) + "\n" for line in lines)
    else:
        text = json_text(document, indent=2) + "\n"
    put(text)


def write_change(names: Iterable[str], document: Json, output_format: str) -> bool:
    """Write changed objects as a document or by name; return True if by name."""
    if output_format in DOCUMENTS:
        write_document(document, output_format)
        return False
    put("".join(f"{name}\n" for name in names))
    return True


def put(text: str) -> None:
    """Write a result to stdout and flush it, so that notes on stderr follow it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def note(text: str) -> None:
    """Write a note for the user to stderr; stdout carries data only."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def page(text: str) -> None:
    """Write a text to stdout; use a pager if it has more lines than the terminal."""
    size = shutil.get_terminal_size()
    pager = _pager(current_settings()) if sys.stdout.isatty() and text.count("\n") > size.lines else None
    if pager is None:
        put(text)
        return
    # Leave Ctrl-C to the pager; child processes inherit SIG_IGN, but not a handler.
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


def _columns(rows: Sequence[Row], output: Output, columns: Sequence[Column]) -> Sequence[Column]:
    """Return the columns named in `output`; if it names none, all columns."""
    if not output.columns:
        return columns
    return [replace(_column(name, rows, columns), spare=0) for name in output.columns]


def _member(row: Row, name: str, column: Column) -> Json:
    """Return the value at a path, or if the row lacks the path, the value of the column."""
    return lookup(row, name) if may_have(row, name) else lookup(row, column.path)
