"""`sweepctl logs`."""

from __future__ import annotations

import codecs
import sys
import time
from typing import TYPE_CHECKING

import click

from sweepd.cli.output import note
from sweepd.cli.settings import current_settings
from sweepd.cli.verb import Verb
from sweepd.states import FINAL_RUN

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.cli.problem import Problem
    from sweepd.client import Client

_LISTEN_SECONDS = 2.0


@click.command(cls=Verb, examples=("sweepctl logs k3x9v2ab:7", "sweepctl logs k3x9v2ab:7 -f --tail 4096"))
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
    from sweepd.cli.connection import connect

    with connect(current_settings()) as client:
        found = client.find_run(run)
        if attempt is not None and attempt > found.attempt:
            raise _no_attempt(found, attempt)
        reader = _Reader(client, found.name, attempt=attempt or 0, tail_bytes=tail_bytes or 0)
        printed = reader.read()
        if not printed and not (follow and found.sweep):
            note(_silence(found))
        if follow:
            reader.attempt = reader.attempt or max(found.attempt, 1)
            _follow(client, found.name, reader, fixed=attempt is not None)


def _no_attempt(run: v1.Run, attempt: int) -> Problem:
    from sweepd.cli.problem import not_found
    from sweepd.cli.text import counted

    return not_found(f"{run.name} has no attempt {attempt}; it has had {counted(run.attempt, 'attempt')}")


def _silence(run: v1.Run) -> str:
    """Return what to say of a run that has no log: where it stands, and why."""
    from sweepd.calls.states import run_state
    from sweepd.cli.describe import end_reason
    from sweepd.cli.shapes import run_shape
    from sweepd.cli.text import clean

    reason = end_reason(run_shape(run)) if run_state(run) in ("failed", "crashed") else clean(run.reason)
    why = f": {reason}" if reason else ""
    if not run.sweep:
        return (
            f"the console of {clean(run.name)}, a run by hand, is not captured: what it prints is where it "
            f"was started; it is {run_state(run)}{why}"
        )
    return f"{clean(run.name)} has printed nothing; it is {run_state(run)}{why}"


class _Reader:
    """Writes a log on, from where it has got to."""

    def __init__(self, client: Client, run: str, *, attempt: int, tail_bytes: int) -> None:
        self._client = client
        self._run = run
        self.attempt = attempt
        self._offset = 0
        self._tail_bytes = tail_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self, *, listen_seconds: float | None = None) -> bool:
        """Write what is new, listening for a while if asked to; tell whether there was anything."""
        from sweepd.errors import ClientError

        fresh = False
        try:
            for piece in self._client.read_log(
                self._run,
                attempt=self.attempt,
                offset=self._offset,
                tail_bytes=self._tail_bytes,
                follow=listen_seconds is not None,
                seconds=listen_seconds,
            ):
                fresh = self._write(piece.attempt, piece.offset, piece.content) or fresh
        except ClientError as error:
            if listen_seconds is None or error.code != "DEADLINE_EXCEEDED":
                raise
        return fresh

    def begin(self, attempt: int) -> None:
        """Turn to another attempt."""
        self.attempt, self._offset, self._tail_bytes = attempt, 0, 0
        self._decoder.reset()

    def _write(self, attempt: int, offset: int, content: bytes) -> bool:
        from sweepd.cli.text import clean_lines

        self.attempt = attempt
        self._offset = offset + len(content)
        self._tail_bytes = 0
        if sys.stdout.isatty():
            sys.stdout.write(clean_lines(self._decoder.decode(content)))
            sys.stdout.flush()
        else:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        return bool(content)


def _follow(client: Client, name: str, reader: _Reader, *, fixed: bool) -> None:
    """Write on, attempt by attempt, until the run has ended and nothing more comes.

    Restarts of the server are waited for. The end of a run is known before the rest of its log has arrived:
    only silence tells that this is all.
    """
    from sweepd.calls.following import PASSING
    from sweepd.calls.states import run_state
    from sweepd.errors import ClientError

    told = False
    while True:
        try:
            run = client.get_run(name)
            fresh = reader.read(listen_seconds=_LISTEN_SECONDS)
            told = False
        except ClientError as error:
            if error.code not in PASSING | {"DEADLINE_EXCEEDED"}:
                raise
            if not told:
                note("The server is away; waiting for it.")
            told = True
            time.sleep(_LISTEN_SECONDS / 2)
            continue
        if fresh:
            continue
        is_past = run.attempt > reader.attempt
        if is_past and not fixed:
            reader.begin(reader.attempt + 1)
            note(f"Attempt {reader.attempt}:")
        elif is_past or run_state(run) in FINAL_RUN:
            return
