"""Files and logs of a run: `sweepctl files` and `logs`."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweepd.calls.logs import Piece, Place
from sweepd.cli.command import command
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.failures import not_found, usage_problem
from sweepd.cli.output.formats import Output, note, row_output, write_rows
from sweepd.cli.settings import connect
from sweepd.errors import ClientError
from sweepd.objects.download import DigestError, UnsafeNameError, place_of, save
from sweepd.private_files import make_folder
from sweepd.spec.wording import nearest
from sweepd.states import BAD_ENDS, state_of
from sweepd.views.entities import FILES, file_shape
from sweepd.views.run import run_shape
from sweepd.views.text import clean, clean_lines, counted

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client


@command("sweepctl files k3x9v2ab:7 git.diff", "sweepctl files k3x9v2ab:7 --download run7")
@click.argument("run", metavar="RUN")
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--download", metavar="DIR", type=click.Path(path_type=Path), help="Download the files into DIR."
)
@row_output
def files(run: str, name: str | None, download: Path | None, output: Output) -> int | None:
    """List the files of a run: those that its agent recorded, and those in the folder `files` of its script.

    With NAME the content of one file goes to stdout.
    """
    with connect() as client:
        found = client.find_run(run).name
        files = list(client.list_files(found))
        if name is not None:
            files = [_file_named(found, files, name)]
            if files[0].left_out:
                stayed = f"was not uploaded: {files[0].left_out}"
                raise not_found(f"the content of {name} of {found} {stayed}")
        if download is not None:
            return _download(client, found, files, download)
        if name is not None:
            _print(client, found, files[0])
            return None
    rows = [file_shape(file) for file in files]
    write_rows(rows, output, FILES, name="name", empty=f"{found} has no files yet.")
    return None


def _file_named(run: str, files: list[v1.RunFile], name: str) -> v1.RunFile:
    for file in files:
        if file.name == name:
            return file
    near = nearest(name, [file.name for file in files])
    raise not_found(
        f"{run} has no file {name}",
        next_step=f"did you mean `{near}`?" if near else f"`sweepctl files {run}` lists its files",
    )


def _print(client: Client, run: str, file: v1.RunFile) -> None:
    pieces = client.read_file(run, file.name)
    if not sys.stdout.isatty():
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    try:
        text = b"".join(pieces).decode()
    except UnicodeDecodeError:
        next_step = f"sweepctl files {run} {file.name} --download DIR"
        raise usage_problem(f"{file.name} is not text", next_step=next_step) from None
    click.echo(clean_lines(text), nl=not text.endswith("\n"))


def _download(client: Client, run: str, files: list[v1.RunFile], folder: Path) -> int:
    make_folder(folder)
    written = 0
    failed = False
    for file in files:
        if file.left_out:
            note(f"{clean(file.name)} was not uploaded: {clean(file.left_out)}")
            continue
        try:
            save(place_of(folder, file.name), client.read_file(run, file.name), file.digest)
            written += 1
        except (UnsafeNameError, DigestError, ClientError) as error:
            if isinstance(error, ClientError) and error.code != "DATA_LOSS":
                raise
            failed = True
            note(f"error: {clean(str(error))}")
    note(f"{counted(written, 'file')} of {clean(run)} in {folder}")
    return ExitCode.FAILURE if failed else ExitCode.OK


@command("sweepctl logs k3x9v2ab:7", "sweepctl logs k3x9v2ab:7 -f --tail 4096")
@click.argument("run", metavar="RUN")
@click.option("-f", "--follow", is_flag=True, help="Follow new lines until the run has ended.")
@click.option(
    "--attempt",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Attempt to show; default: the newest.",
)
@click.option(
    "--tail",
    "tail_bytes",
    type=click.IntRange(min=1),
    default=None,
    metavar="BYTES",
    help="Show only about this many bytes from the end.",
)
def logs(run: str, follow: bool, attempt: int | None, tail_bytes: int | None) -> None:
    """Show the output of a run: standard output and error as the process wrote them."""
    with connect() as client:
        found = client.find_run(run)
        if attempt is not None and attempt > found.attempt:
            had = counted(found.attempt, "attempt")
            raise not_found(f"{found.name} has no attempt {attempt}; it has {had}")
        at, writer = Place(attempt or 0, tail_bytes or 0), _Writer()
        printed = False
        for piece in client.read_log(found.name, at):
            writer.write(piece)
            printed = True
        if not printed and not (follow and found.sweep):
            note(_no_log_message(found))
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


def _no_log_message(run: v1.Run) -> str:
    """Return the message for a run that has no log: its state and the reason."""
    from sweepd.cli.show.describe import end_reason

    reason = end_reason(run_shape(run)) if state_of(run) in BAD_ENDS else clean(run.reason)
    why = f": {reason}" if reason else ""
    if not run.sweep:
        return (
            f"the output of {clean(run.name)}, a standalone run, is not captured: look at the terminal where "
            f"it was started; the run is {state_of(run)}{why}"
        )
    return f"{clean(run.name)} has printed nothing; it is {state_of(run)}{why}"


class _Writer:
    """Writer of a log: cleaned text on a terminal, raw bytes elsewhere."""

    def __init__(self) -> None:
        self._attempt = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, piece: Piece) -> None:
        """Write a piece of the log."""
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
