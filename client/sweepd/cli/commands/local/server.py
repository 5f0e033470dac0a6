"""Server of this account: found, or started in the background."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

from sweepd.cli.commands.local.processes import program
from sweepd.cli.connection import connect
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output.formats import note
from sweepd.cli.problem import Problem
from sweepd.cli.settings import Settings
from sweepd.errors import ClientError
from sweepd.rpc.discovery import BrokenContextsError, NoContextError, NoServerError
from sweepd.views.text import clean

if TYPE_CHECKING:
    from sweepd.client import Client

_START_SECONDS = 60.0
_READY = re.compile(r"grpc=(?P<gateway>\S+) data=(?P<data>.+)")
_HELD = re.compile(r"(?P<data>.+) is in use by process \d+, a server at (?P<gateway>\S+)")


def find_or_start(settings: Settings) -> tuple[Client, bool]:
    """Return a client of a server that answers, and whether it had to be started; it stays in the background.

    A server that was named (flag, environment, context) is never replaced by another.

    Raises:
        ClientError: the server that was named does not answer, or does not let us in.
        NoServerError: the context that is to be used does not exist, or none can be read.
        Problem: none could be started.
    """
    found = _answering(settings)
    if found is not None:
        return found, False
    note("No server runs here; starting one: sweepd up -d")
    cause = _start()
    found = _answering(settings)
    if found is None:
        raise Problem(
            message="a server runs, but is not the one that is looked for",
            cause=clean(cause),
            next_step=way_out(cause),
            exit_code=ExitCode.UNREACHABLE,
            status="UNAVAILABLE",
        )
    note(f"It serves at {found.address}, and stays: `sweepd down` stops it.")
    return found, True


def _answering(settings: Settings) -> Client | None:
    named = settings.server or settings.environ.get("SWEEPD_ADDRESS")
    try:
        client = connect(settings)
    except (NoContextError, BrokenContextsError):
        raise  # a server was named, and it is not known which
    except NoServerError:
        return None
    try:
        client.server_info()
    except ClientError as error:
        client.close()
        if named or error.code not in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
            raise
        return None
    except BaseException:
        client.close()
        raise
    return client


def _start() -> str:
    """Start a server, or learn where one runs already; return what `sweepd up -d` says of it."""
    try:
        result = subprocess.run(
            [program("sweepd"), "up", "-d"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Problem(
            message="the server did not start in time",
            next_step="`sweepd up` in the foreground shows all that it says",
        ) from error
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines()
        cause = clean(lines[-1].removeprefix("error: ")) if lines else ""
        raise Problem(message="the server could not be started", cause=cause, next_step=way_out(cause))
    return result.stdout.strip()


def way_out(cause: str) -> str:
    """Return what helps where `sweepd up -d` ended with `cause`."""
    held = _HELD.search(cause) or _READY.search(cause)
    if held is not None:
        token_file = shlex.quote(f"{held['data']}/access-token")
        return f"use that server: --server {held['gateway']} --token-file {token_file}"
    if cause.startswith("cannot write"):
        return "start it with its data elsewhere, and call again: `sweepd up -d --data DIR`"
    if cause.startswith("cannot listen"):
        return "start it on a free port, and call again: `sweepd up -d --listen 127.0.0.1:0`"
    return "`sweepd up` in the foreground shows all that it says"
