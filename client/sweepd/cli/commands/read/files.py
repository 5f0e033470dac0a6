"""`sweepctl files`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweepd.cli.command import Command
from sweepd.cli.connection import connect
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output.formats import Output, note, row_output, write_rows
from sweepd.cli.problem import Problem, not_found, usage_problem
from sweepd.cli.settings import current_settings
from sweepd.errors import ClientError
from sweepd.private_files import make_folder
from sweepd.spec.wording import nearest
from sweepd.views.text import clean, clean_lines, counted

if TYPE_CHECKING:
    from sweepd import v1
    from sweepd.client import Client


@click.command(
    cls=Command,
    examples=(
        "sweepctl files k3x9v2ab:7 git.diff",
        "sweepctl files k3x9v2ab:7 --download run7",
    ),
)
@click.argument("run", metavar="RUN")
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--download",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write them below DIR.",
)
@row_output
def command(
    run: str,
    name: str | None,
    download: Path | None,
    output: Output,
) -> int | None:
    """List the files of a run: what its agent has recorded, and what its script left in its folder `files`.

    With NAME the content of one file goes to stdout.
    """
    from sweepd.views.file import FILES, file_shape

    with connect(current_settings()) as client:
        found = client.find_run(run).name
        files = list(client.list_files(found))
        if name is not None:
            files = [_named(found, files, name)]
            if files[0].left_out:
                raise _absent(found, files[0])
        if download is not None:
            return _download(client, found, files, download)
        if name is not None:
            _print(client, found, files[0])
            return None
    rows = [file_shape(file) for file in files]
    write_rows(rows, output, FILES, name="name", empty=f"{found} has no files yet.")
    return None


def _named(run: str, files: list[v1.RunFile], name: str) -> v1.RunFile:
    for file in files:
        if file.name == name:
            return file
    near = nearest(name, [file.name for file in files])
    raise not_found(
        f"{run} has no file {name}",
        next_step=f"did you mean `{near}`?" if near else f"`sweepctl files {run}` lists its files",
    )


def _absent(run: str, file: v1.RunFile) -> Problem:
    return not_found(f"the content of {file.name} of {run} stayed on its machine: {file.left_out}")


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
        raise usage_problem(f"{file.name} is not a text", next_step=next_step) from None
    click.echo(clean_lines(text), nl=not text.endswith("\n"))


def _download(client: Client, run: str, files: list[v1.RunFile], folder: Path) -> int:
    from sweepd.objects.download import DigestError, UnsafeNameError, place_of, save

    make_folder(folder)
    written = 0
    failed = False
    for file in files:
        if file.left_out:
            note(f"{clean(file.name)} is not here: {clean(file.left_out)}")
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
