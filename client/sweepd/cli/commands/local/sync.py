"""`sweepctl sync`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect, target
from sweepd.cli.output.formats import FORMATS, note, output_of, output_option, write_rows
from sweepd.cli.problem import usage_problem
from sweepd.cli.settings import Settings, current_settings
from sweepd.durations import parse_duration
from sweepd.rpc.discovery import Target
from sweepd.views.rows import Column
from sweepd.views.text import clean, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sweepd.cli.commands.local.run_folders import Found, Outcome
    from sweepd.client import Client

_AT_ONCE = 2


@click.command(cls=Command, examples=("sweepctl sync", "sweepctl sync sweepd-runs/20260131-174501-k3x9v2ab"))
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--grace",
    metavar="DURATION",
    default="1m",
    help="Give up a folder without progress for so long; 1m by default.",
)
@output_option(FORMATS)
def command(folders: tuple[Path, ...], grace: str, output_format: str) -> int:
    """Sync runs that are in folders on this machine only.

    DIR is the folder of a standalone run, one that holds such folders, or the state folder of an agent that
    is gone; by default `sweepd-runs` here. What the server has already is not sent again: the call may be
    repeated, and continues where it was cut off. A run whose script still runs is followed from then on.
    """
    from sweepd.cli.commands.local.run_folders import RUN_FOLDERS, find

    settings = current_settings()
    try:
        seconds = parse_duration(grace)
    except ValueError as error:
        raise usage_problem(f"--grace: {error}") from None
    found = find(folders or (Path(RUN_FOLDERS),))
    with connect(settings) as client:
        client.server_info()  # no agent is started for an unavailable server
        outcomes: list[Outcome] = []
        # The table has what is said of each; on one screen with it, that would be there twice.
        on_screen = output_format in ("table", "wide") and sys.stdout.isatty()
        if on_screen:
            note(f"Syncing {counted(len(found), 'folder')} …")
        for outcome in _synced(client, found, target(settings), settings, seconds):
            outcomes.append(outcome)
            if not on_screen:
                note(_outcome_text(outcome))
    rows = [outcome.shape() for outcome in outcomes]
    columns = _columns(explained=any(outcome.message for outcome in outcomes))
    write_rows(rows, output_of(output_format), columns, name="run")
    return max(outcome.exit_code for outcome in outcomes)


def _synced(
    client: Client, found: Sequence[Found], server: Target, settings: Settings, grace: float
) -> Iterator[Outcome]:
    """Sync folders, two at a time, and yield the outcome of each, in their order."""
    from concurrent.futures import ThreadPoolExecutor

    from sweepd.cli.commands.local.run_folders import Outcome, is_there, sync_folder

    def one(each: Found) -> Outcome:
        if each.run and is_there(client, each):
            return Outcome(found=each, what="there-already")
        return sync_folder(each, server, settings.environ, grace=grace)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(one, found)


def _outcome_text(outcome: Outcome) -> str:
    name = clean(outcome.found.run or str(outcome.found.path))
    message = f": {clean(outcome.message)}" if outcome.message else ""
    match outcome.what:
        case "brought-in":
            runs = "" if outcome.found.run else f" of {counted(len(outcome.runs), 'run')}"
            return f"{name}: {counted(outcome.rows, 'row')}{runs} synced"
        case "there-already":
            return f"{name}: there already"
        case "followed":
            return f"{name}: followed from now on{message}"
        case _:
            return f"{name}: not synced completely{message}"


def _columns(*, explained: bool) -> list[Column]:
    return [
        Column("run", "run"),
        Column("outcome", "outcome"),
        Column("rows", "rows"),
        Column("folder", "folder", wide=True),
        Column("message", "message", wide=not explained),
    ]
