"""`sweepctl edit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import note, output_option, put, write_document
from sweepd.cli.problem import Problem, usage_problem
from sweepd.cli.settings import current_settings
from sweepd.errors import ClientError
from sweepd.states import state_of

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.cli.commands.steer.typed import Edit
    from sweepd.client import Client

# Several people may edit at once; who comes second looks again and repeats.
_ATTEMPTS = 5


def _cap(context: click.Context, parameter: click.Parameter, value: str | None) -> int | str | None:
    if value is None or value == "none":
        return value
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) < 2**63):
        raise click.BadParameter("a number from 1 on, or none", context, parameter)
    return int(value)


@click.command(
    cls=Command,
    examples=(
        "sweepctl edit k3x9v2ab --run-cap 200",
        "sweepctl edit k3x9v2ab --tag nightly --metadata owner=ada --run-cap none",
    ),
)
@click.argument("sweep", metavar="ID")
@click.option(
    "--run-cap", metavar="N|none", callback=_cap, help="Most runs that it starts. none: without bound."
)
@click.option("--name", metavar="TEXT", help="Display name.")
@click.option("--description", metavar="TEXT", help="Display text.")
@click.option("--tag", "tags", multiple=True, metavar="TEXT", help="Add this tag. Repeatable.")
@click.option("--no-tag", "no_tags", multiple=True, metavar="TEXT", help="Take this tag away. Repeatable.")
@click.option(
    "--metadata",
    "metadata",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set this entry, its value as in a sweep file. Repeatable.",
)
@click.option(
    "--no-metadata", "no_metadata", multiple=True, metavar="KEY", help="Take this entry away. Repeatable."
)
@click.option(
    "--revision",
    type=click.IntRange(min=1, max=2**32 - 1),
    metavar="N",
    help="Only if it still has this revision.",
)
@output_option(("name", "json", "jsonl", "yaml"), "name")
def command(
    sweep: str,
    run_cap: int | str | None,
    name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    no_tags: tuple[str, ...],
    metadata: tuple[str, ...],
    no_metadata: tuple[str, ...],
    revision: int | None,
    output_format: str,
) -> None:
    """Change a sweep, running or ended: its bound, its texts, its labels.

    A raised run_cap lets a sweep continue that is finished because of it; a lowered one bounds new runs.
    Nothing else changes what its runs do.
    """
    from sweepd.cli.commands.define.creation import note_standstill
    from sweepd.cli.commands.steer.typed import Edit, typed_words
    from sweepd.views.sweep import sweep_shape

    edit = Edit(
        run_cap=run_cap,
        name=name,
        description=description,
        tags=tags,
        no_tags=no_tags,
        metadata=typed_words(metadata, "--metadata"),
        no_metadata=no_metadata,
    )
    if not edit:
        raise usage_problem("nothing is to be changed", next_step="`sweepctl edit --help`")
    settings = current_settings()
    with connect(settings) as client:
        changed = _edited(client, client.sweep_name(sweep), edit, revision)
        if output_format == "name":
            put(f"{changed.name}\n")
            note(f"Revision {changed.revision}; it is {state_of(changed)}.")
            if run_cap is not None:
                note_standstill(client, changed.name, settings)
    if output_format != "name":
        write_document(sweep_shape(changed), output_format)


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
    """Return what the server objects to in the words of the call, not in those of the contract."""
    from sweepd.cli.commands.steer.typed import option_of
    from sweepd.cli.failures import problem_of

    problem = problem_of(error)
    violations = "; ".join(f"{option_of(field, edited)}: {why}" for field, why in error.violations)
    problem.message = violations or problem.message
    problem.next_step = "`sweepctl edit --help` shows what can be changed"
    return problem
