"""`sweepctl enqueue`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import note, output_of, output_option, write_document, write_rows
from sweepd.cli.problem import usage_problem
from sweepd.cli.settings import current_settings
from sweepd.errors import ClientError
from sweepd.spec.point import Json
from sweepd.views.text import counted

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client

_MOST_BYTES = 4 * 1024 * 1024


@click.command(
    cls=Command,
    examples=(
        "sweepctl enqueue k3x9v2ab --param lr=1e-3 --param opt.momentum=0.9 --first",
        "sweepctl enqueue k3x9v2ab --params '{\"lr\": 0.001}' -o json",
    ),
)
@click.argument("sweep", metavar="ID")
@click.option(
    "--param",
    "words",
    multiple=True,
    metavar="NAME=VALUE",
    help="One parameter, its value as in a sweep file; dots lead into groups. Repeatable.",
)
@click.option("--params", metavar="MAPPING", help="The point as JSON or YAML; --param wins over it.")
@click.option("--params-file", metavar="FILE", help="The same from a file; `-`: stdin.")
@click.option("--first", is_flag=True, help="Before every run that waits, not after them.")
@click.option("--request-id", default="", metavar="TEXT", help="The same text again adds nothing, for a day.")
@output_option(("name", "table", "wide", "json", "jsonl", "yaml", "csv"), "name")
def command(
    sweep: str,
    words: tuple[str, ...],
    params: str | None,
    params_file: str | None,
    first: bool,
    request_id: str,
    output_format: str,
) -> None:
    """Add a run of a point of your choice; it starts before any new point of the method.

    What the point leaves out is chosen by the method. The run counts for run_cap; a finished sweep continues
    with it. With repeats, as many runs as that are added. Prints their names.
    """
    from sweepd.cli.commands.define.creation import note_standstill
    from sweepd.cli.commands.steer.typed import assembled, names_of
    from sweepd.views.run import run_shape, runs_columns

    values = _values(words, params, params_file)
    settings = current_settings()
    with connect(settings) as client:
        name = client.sweep_name(sweep)
        point = assembled(names_of(client.get_sweep(name).spec), values)
        runs = _enqueued(client, name, point, first=first, request_id=request_id)
        rows = [run_shape(run) for run in runs]
        if output_format in ("json", "yaml"):
            write_document([*rows], output_format)
        else:
            write_rows(rows, output_of(output_format), runs_columns(rows), name="run")
        if output_format == "name":
            behind = "before every other run" if first else "behind the runs that wait, before any new point"
            note(f"{counted(len(rows), 'run')} added; to be started {behind}.")
            note_standstill(client, name, settings)


def _enqueued(
    client: Client, name: str, point: dict[str, Json], *, first: bool, request_id: str
) -> list[v1.Run]:
    from sweepd.cli.failures import problem_of

    try:
        return client.enqueue_run(name, point, first=first, request_id=request_id)
    except ClientError as error:
        problem = problem_of(error)
        if error.reason == "invalid-field":
            problem.next_step = f"`sweepctl get {name} --spec` shows what its parameters may be"
        raise problem from error


def _values(words: tuple[str, ...], params: str | None, params_file: str | None) -> list[tuple[str, Json]]:
    from sweepd.cli.commands.steer.typed import typed_values, typed_words

    if params is not None and params_file is not None:
        raise usage_problem("--params and --params-file exclude each other")
    if params is None and params_file is None and not words:
        raise usage_problem(
            "no point is given", next_step="say --param NAME=VALUE; what is left out the method chooses"
        )
    values: list[tuple[str, Json]] = []
    if params is not None:
        values += typed_values(params, "--params").items()
    if params_file is not None:
        values += typed_values(_content(params_file), params_file).items()
    return [*values, *typed_words(words, "--param").items()]


def _content(file: str) -> str:
    from pathlib import Path

    if file == "-":
        content = sys.stdin.buffer.read(_MOST_BYTES + 1)
    else:
        with Path(file).open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise usage_problem(f"{file} is larger than {_MOST_BYTES} bytes: no point is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise usage_problem(f"{file} is not UTF-8") from error
