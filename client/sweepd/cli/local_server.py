"""Finding the server of this account, or starting one in the background."""

import subprocess

from sweepd.cli.children import program
from sweepd.cli.connection import connect
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.output import note
from sweepd.cli.problem import Problem
from sweepd.cli.settings import Settings
from sweepd.cli.text import clean
from sweepd.client import CallError, Client
from sweepd.discovery import NoServerError

_START_SECONDS = 60.0


def find_or_start(settings: Settings) -> tuple[Client, bool]:
    """Return a client of a server that answers, and whether it had to be started; it stays in the background.

    A server that was named (flag, environment) is never replaced by another.

    Raises:
        CallError: the server that was named does not answer, or does not let us in.
        Problem: none could be started.
    """
    found = _answering(settings)
    if found is not None:
        return found, False
    note("No server runs here; starting one: sweepd up -d")
    _start()
    found = _answering(settings)
    if found is None:
        raise Problem(
            message="the server was started, but does not answer",
            next_step="`sweepd status` shows what runs",
            exit_code=ExitCode.UNREACHABLE,
            status="UNAVAILABLE",
        )
    note(f"It serves at {found.address}, and stays: `sweepd down` stops it.")
    return found, True


def _answering(settings: Settings) -> Client | None:
    named = settings.server or settings.environ.get("SWEEPD_ADDRESS")
    try:
        client = connect(settings)
    except NoServerError:
        return None
    try:
        client.server_info()
    except CallError as error:
        client.close()
        if named or error.failure.code not in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
            raise
        return None
    except BaseException:
        client.close()
        raise
    return client


def _start() -> None:
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
            message="the server did not start in time", next_step="try `sweepd up` by hand"
        ) from error
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise Problem(
            message="the server could not be started",
            cause=clean(said[-1].removeprefix("error: ")) if said else "",
            next_step="try `sweepd up` by hand",
        )
