"""Changes to a sweep: `sweepctl edit` and `enqueue`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import command, option_group
from sweepd.cli.commands.define.creation import note_standstill
from sweepd.cli.commands.steer.typed import Edit, assembled, names_of, option_of, typed_values, typed_words
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


# Concurrent edits may conflict; an edit that fails for this reason is retried on the new revision.
_ATTEMPTS = 5


def _cap(context: click.Context, parameter: click.Parameter, value: str | None) -> int | str | None:
    if value is None or value == "none":
        return value
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) < 2**63):
        raise click.BadParameter("expected an integer of at least 1, or none", context, parameter)
    return int(value)


_edit_options = option_group(
    "changes",
    Edit,
    click.option(
        "--no-metadata", "no_metadata", multiple=True, metavar="KEY", help="Remove this entry. Repeatable."
    ),
    click.option(
        "--metadata",
        "metadata",
        multiple=True,
        metavar="KEY=VALUE",
        callback=lambda _context, _option, words: typed_words(words, "--metadata"),
        help="Set this entry; values as in a sweep file. Repeatable.",
    ),
    click.option("--no-tag", "no_tags", multiple=True, metavar="TEXT", help="Remove this tag. Repeatable."),
    click.option("--tag", "tags", multiple=True, metavar="TEXT", help="Add this tag. Repeatable."),
    click.option("--description", metavar="TEXT", help="Description."),
    click.option("--name", metavar="TEXT", help="Display name."),
    click.option(
        "--run-cap", metavar="N|none", callback=_cap, help="Maximum number of runs. none: no limit."
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
    help="Edit only if the sweep still has this revision.",
)
@change_output_option
def edit(sweep: str, changes: Edit, revision: int | None, output_format: str) -> None:
    """Change a sweep, running or ended: run_cap, name, description, tags, metadata.

    A sweep that has finished because of its run_cap continues if the cap is raised; a lower run_cap limits
    new runs. No other change affects the runs.
    """
    if not changes:
        raise usage_problem("nothing to change", next_step="`sweepctl edit --help`")
    with connect() as client:
        changed = _edited(client, client.sweep_name(sweep), changes, revision)
        if write_change([changed.name], sweep_shape(changed), output_format):
            note(f"Revision {changed.revision}; the sweep is {state_of(changed)}.")
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
    """Return the problem for a rejected edit, with options in place of message fields."""
    problem = problem_of(error)
    violations = "; ".join(f"{option_of(field, edited)}: {why}" for field, why in error.violations)
    problem.message = violations or problem.message
    problem.next_step = "`sweepctl edit --help` shows what can be changed"
    return problem


_MAX_BYTES = 4 * 1024 * 1024


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
    help="One parameter; values as in a sweep file, dots for groups. Repeatable.",
)
@click.option("--params", metavar="MAPPING", help="The point as JSON or YAML; --param takes precedence.")
@click.option("--params-file", metavar="FILE", help="The point from a file; `-`: stdin.")
@click.option("--first", is_flag=True, help="Put the run before all waiting runs, not after them.")
@click.option(
    "--request-id",
    default="",
    metavar="TEXT",
    help="Idempotency key: repeating it within a day adds the run only once.",
)
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
    """Add a run with parameters of your choice; it starts before any new point of the method.

    The method chooses the parameters left out. The run counts towards run_cap; a finished sweep continues
    with it. With repeats, one run per repeat is added. Prints the names of the runs.
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
            behind = "before every other run" if first else "after the waiting runs, before any new point"
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
            problem.next_step = f"`sweepctl get {name} --spec` shows its parameters"
        raise problem from error


def _values(words: tuple[str, ...], params: str | None, params_file: str | None) -> list[tuple[str, Json]]:
    if params is not None and params_file is not None:
        raise usage_problem("--params and --params-file are mutually exclusive")
    if params is None and params_file is None and not words:
        raise usage_problem(
            "no point given", next_step="pass --param NAME=VALUE; the method chooses the parameters left out"
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
        content = sys.stdin.buffer.read(_MAX_BYTES + 1)
    else:
        with Path(file).open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise usage_problem(f"{file} is larger than {_MAX_BYTES} bytes, too large for a point")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise usage_problem(f"{file} is not UTF-8") from error
