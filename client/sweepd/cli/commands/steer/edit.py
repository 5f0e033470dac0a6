"""Changes to a sweep: `sweepctl edit` and `enqueue`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import command, gathered
from sweepd.cli.commands.define.creation import note_standstill
from sweepd.cli.commands.steer.typed import (
    Edit,
    assembled,
    names_of,
    option_of,
    typed_values,
    typed_words,
)
from sweepd.cli.failures import Problem, problem_of, usage_problem
from sweepd.cli.output.formats import (
    DOCUMENTS,
    change_output_option,
    note,
    output_of,
    output_option,
    write_change,
    write_document,
    write_rows,
)
from sweepd.cli.settings import connect
from sweepd.errors import ClientError
from sweepd.spec.point import Json
from sweepd.states import state_of
from sweepd.views.run import run_shape, runs_columns
from sweepd.views.sweep import sweep_shape
from sweepd.views.text import counted

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client


# Several people may edit at once; the edit that loses the race is retried on the new revision.
_ATTEMPTS = 5


def _cap(context: click.Context, parameter: click.Parameter, value: str | None) -> int | str | None:
    if value is None or value == "none":
        return value
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) < 2**63):
        raise click.BadParameter("a number from 1 on, or none", context, parameter)
    return int(value)


_edit_options = gathered(
    "changes",
    Edit,
    click.option(
        "--no-metadata", "no_metadata", multiple=True, metavar="KEY", help="Take this entry away. Repeatable."
    ),
    click.option(
        "--metadata",
        "metadata",
        multiple=True,
        metavar="KEY=VALUE",
        callback=lambda _context, _option, words: typed_words(words, "--metadata"),
        help="Set this entry, its value as in a sweep file. Repeatable.",
    ),
    click.option(
        "--no-tag", "no_tags", multiple=True, metavar="TEXT", help="Take this tag away. Repeatable."
    ),
    click.option("--tag", "tags", multiple=True, metavar="TEXT", help="Add this tag. Repeatable."),
    click.option("--description", metavar="TEXT", help="Display text."),
    click.option("--name", metavar="TEXT", help="Display name."),
    click.option(
        "--run-cap", metavar="N|none", callback=_cap, help="Most runs that it starts. none: without bound."
    ),
)


@command(
    "sweepctl edit k3x9v2ab --run-cap 200",
    "sweepctl edit k3x9v2ab --tag nightly --metadata owner=ada --run-cap none",
)
@click.argument("sweep", metavar="ID")
@_edit_options
@click.option(
    "--revision",
    type=click.IntRange(min=1, max=2**32 - 1),
    metavar="N",
    help="Only if it still has this revision.",
)
@change_output_option
def edit(sweep: str, changes: Edit, revision: int | None, output_format: str) -> None:
    """Change a sweep, running or ended: its bound, its texts, its labels.

    A raised run_cap lets a sweep continue that is finished because of it; a lowered one bounds new runs.
    Nothing else changes what its runs do.
    """
    if not changes:
        raise usage_problem("nothing is to be changed", next_step="`sweepctl edit --help`")
    with connect() as client:
        changed = _edited(client, client.sweep_name(sweep), changes, revision)
        if write_change([changed.name], sweep_shape(changed), output_format):
            note(f"Revision {changed.revision}; it is {state_of(changed)}.")
            if changes.run_cap is not None:
                note_standstill(client, changed.name)


def _edited(client: Client, name: str, edit: Edit, revision: int | None) -> v1.Sweep:
    for left in reversed(range(_ATTEMPTS)):
        sweep = client.get_sweep(name)
        message, mask = edit.of(sweep)
        try:
            return client.update_sweep(message, mask, revision=revision or sweep.revision)
        except ClientError as error:
            if error.reason == "invalid-field":
                raise _refusal(error, message) from error
            if revision is not None or error.reason != "stale-revision" or not left:
                raise
    raise AssertionError("the last attempt returns or raises")


def _refusal(error: ClientError, edited: v1.Sweep) -> Problem:
    """Return the server's objections in terms of options, not of message fields."""
    problem = problem_of(error)
    violations = "; ".join(f"{option_of(field, edited)}: {why}" for field, why in error.violations)
    problem.message = violations or problem.message
    problem.next_step = "`sweepctl edit --help` shows what can be changed"
    return problem


_MOST_BYTES = 4 * 1024 * 1024


@command(
    "sweepctl enqueue k3x9v2ab --param lr=1e-3 --param opt.momentum=0.9 --first",
    "sweepctl enqueue k3x9v2ab --params '{\"lr\": 0.001}' -o json",
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
@output_option(("name", "table", "wide", *DOCUMENTS, "csv"), "name")
def enqueue(
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
    values = _values(words, params, params_file)
    with connect() as client:
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
            note_standstill(client, name)


def _enqueued(
    client: Client, name: str, point: dict[str, Json], *, first: bool, request_id: str
) -> list[v1.Run]:
    try:
        return client.enqueue_run(name, point, first=first, request_id=request_id)
    except ClientError as error:
        problem = problem_of(error)
        if error.reason == "invalid-field":
            problem.next_step = f"`sweepctl get {name} --spec` shows what its parameters may be"
        raise problem from error


def _values(words: tuple[str, ...], params: str | None, params_file: str | None) -> list[tuple[str, Json]]:
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
