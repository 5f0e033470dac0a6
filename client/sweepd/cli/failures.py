"""Mapping of errors (of the server, the command line, or our own) to problems that a user can act on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from sweepd.cli.exit_code import ExitCode
from sweepd.cli.problem import Problem, not_found, usage_problem

if TYPE_CHECKING:
    from sweepd.errors import ClientError

_EXIT_CODES = {
    "NOT_FOUND": ExitCode.NOT_FOUND,
    "UNAUTHENTICATED": ExitCode.DENIED,
    "PERMISSION_DENIED": ExitCode.DENIED,
    "UNAVAILABLE": ExitCode.UNREACHABLE,
    "DEADLINE_EXCEEDED": ExitCode.UNREACHABLE,
}
_RUN = re.compile(r"([^/]+/[^/]+/[^/]+)-\d+")
PROJECTS_STEP = "`sweepctl list --projects` shows the projects that there are"
# `{name}` is replaced by the name in the metadata of the error.
_NEXT_STEPS = {
    "no-such-name": "`sweepctl list` shows the sweeps that there are",
    "name-taken": "leave out --id, or choose another",
    "bad-token": "use a token of this server: `sweepctl login ADDRESS`, SWEEPD_TOKEN or --token-file; "
    "the server keeps its own in `access-token` of its data folder",
    "not-allowed": "`sweepctl whoami` shows what your token allows",
    "service-unavailable": "`sweepd status` shows which services run; the call works again once it is back",
    "storage-unavailable": "make room or repair that place; the server resumes by itself",
    "request-id-reused": "use a fresh --request-id for another call",
    "cap-reached": "`sweepctl edit {name} --run-cap N` raises it",
    "wrong-state": "`sweepctl explain {name}` tells how it came to that",
    "data-damaged": "all else can be read; to have it again, stop the server and put back all databases of "
    "its data folder from one copy",
    "databases-differ": "stop the server and put back all databases of its data folder from one copy; "
    "if one of them is lost for good, `sweepd pair --data DIR` makes what is left belong together",
    "request-quota": "repeat the call without --request-id, or later: ids are forgotten after 24 h",
    "stale-revision": "look at it again, `sweepctl get {name}`, and repeat the call",
}


def problem_of(error: Exception) -> Problem:
    """Return `error` as a problem for the user."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, click.UsageError):
        return _of_usage(error)
    from sweepd.errors import ClientError
    from sweepd.rpc.contexts import ConfigError
    from sweepd.rpc.discovery import BrokenContextsError, NoContextError, NoServerError

    if isinstance(error, ClientError):
        return _of_client(error)
    if isinstance(error, OSError) and error.strerror:
        return Problem(message=f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    if isinstance(error, NoContextError):
        return not_found(f"there is no context {error.name}", name=error.name, next_step=error.next_step)
    if isinstance(error, BrokenContextsError | ConfigError):
        return Problem(message=str(error))
    if isinstance(error, NoServerError):
        return Problem(message=str(error), exit_code=ExitCode.UNREACHABLE, status="UNAVAILABLE")
    return Problem(
        message=f"unexpected {type(error).__name__}: {error}",
        next_step="call again with --debug for the traceback, and report it",
        status="INTERNAL",
    )


def _of_usage(error: click.UsageError) -> Problem:
    path = error.ctx.command_path if error.ctx else "sweepctl"
    return usage_problem(error.format_message().rstrip("."), next_step=f"`{path} --help`")


def _of_client(error: ClientError) -> Problem:
    if error.code == "UNAVAILABLE" and not error.reason:
        return _unreachable(error)
    exit_code = _EXIT_CODES.get(error.code, ExitCode.FAILURE)
    if error.code == "INVALID_ARGUMENT":
        exit_code = ExitCode.INVALID if error.reason == "invalid-sweep" else ExitCode.USAGE
    cause = "; ".join(f"{field}: {why}" for field, why in error.violations)
    return Problem(
        message=error.said or error.code,
        cause="" if cause == error.said else cause,
        next_step=error.next_step or _next_step(error.reason, error.metadata.get("name", "")),
        exit_code=exit_code,
        status=error.code,
        reason=error.reason,
        metadata=error.metadata,
    )


def _next_step(reason: str, name: str) -> str:
    if reason == "no-such-name":
        if run := _RUN.fullmatch(name):
            return f"`sweepctl runs {run[1]}` shows the runs that there are"
        if name.count("/") == 1:
            return PROJECTS_STEP
        if name and "/" not in name:
            return "`sweepctl agents` shows the agents, `sweepctl get ID` which of them are quarantined"
    return _NEXT_STEPS.get(reason, "").replace("{name}", name or "ID")


def _unreachable(error: ClientError) -> Problem:
    from sweepd.rpc.failure import unreachable_cause

    return Problem(
        message=f"no server answers at {error.address}",
        cause=unreachable_cause(error.said),
        next_step="start one with `sweepd up`, or name another with --server or SWEEPD_ADDRESS",
        exit_code=ExitCode.UNREACHABLE,
        status="UNAVAILABLE",
    )
