"""`sweepctl logs`."""

from __future__ import annotations

import codecs
import sys
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.output.formats import note
from sweepd.cli.problem import Problem, not_found
from sweepd.cli.settings import current_settings
from sweepd.states import BAD_ENDS, state_of
from sweepd.views.text import clean, clean_lines, counted

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.calls.logs import Piece


@click.command(cls=Command, examples=("sweepctl logs k3x9v2ab:7", "sweepctl logs k3x9v2ab:7 -f --tail 4096"))
@click.argument("run", metavar="RUN")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until the run has ended.")
@click.option(
    "--attempt", type=click.IntRange(min=1), default=None, metavar="N", help="This attempt; else the newest."
)
@click.option(
    "--tail",
    "tail_bytes",
    type=click.IntRange(min=1),
    default=None,
    metavar="BYTES",
    help="Only about so many bytes at the end.",
)
def command(run: str, follow: bool, attempt: int | None, tail_bytes: int | None) -> None:
    """Show what a run has printed: standard output and error as the process wrote them."""
    from sweepd.calls.logs import Place

    with connect(current_settings()) as client:
        found = client.find_run(run)
        if attempt is not None and attempt > found.attempt:
            raise _no_attempt(found, attempt)
        at, writer = Place(attempt or 0, tail_bytes or 0), _Writer()
        printed = False
        for piece in client.read_log(found.name, at):
            writer.write(piece)
            printed = True
        if not printed and not (follow and found.sweep):
            note(_silence(found))
        if follow:
            pieces = client.follow_log(
                found.name,
                at,
                one_attempt=attempt is not None,
                on_gap=lambda error: note("The server is unavailable; waiting for it."),
                on_attempt=lambda number: note(f"Attempt {number}:"),
            )
            for piece in pieces:
                writer.write(piece)


def _no_attempt(run: v1.Run, attempt: int) -> Problem:
    return not_found(f"{run.name} has no attempt {attempt}; it has had {counted(run.attempt, 'attempt')}")


def _silence(run: v1.Run) -> str:
    """Return what to say of a run that has no log: where it stands, and why."""
    from sweepd.cli.show.describe import end_reason
    from sweepd.views.run import run_shape

    reason = end_reason(run_shape(run)) if state_of(run) in BAD_ENDS else clean(run.reason)
    why = f": {reason}" if reason else ""
    if not run.sweep:
        return (
            f"the console of {clean(run.name)}, a standalone run, is not captured: what it prints is where "
            f"it was started; it is {state_of(run)}{why}"
        )
    return f"{clean(run.name)} has printed nothing; it is {state_of(run)}{why}"


class _Writer:
    """Writes a log: on a terminal what is text, else the bytes."""

    def __init__(self) -> None:
        self._attempt = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, piece: Piece) -> None:
        """Write a piece."""
        attempt, content = piece
        if not sys.stdout.isatty():
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
            return
        if attempt != self._attempt:
            self._attempt = attempt
            self._decoder.reset()
        sys.stdout.write(clean_lines(self._decoder.decode(content)))
        sys.stdout.flush()
