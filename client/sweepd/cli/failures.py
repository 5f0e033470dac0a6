"""Failures of commands: problems shown to the user, and conversion of errors to problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import click

from sweepd.cli.exit_code import ExitCode
from sweepd.durations import parse_duration
from sweepd.errors import ClientError
from sweepd.spec.point import Json
from sweepd.views.text import clean, json_text

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Problem(Exception):  # noqa: N818 - a problem, not only an error
    """Problem that ends a command; `main` shows it."""

    message: str
    cause: str = ""
    # Lines to show after the message.
    details: Sequence[str] = ()
    next_step: str = ""
    exit_code: ExitCode = ExitCode.FAILURE
    # Canonical gRPC code, and the reason in the server's ErrorInfo.
    status: str = "UNKNOWN"
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    def lines(self) -> list[str]:
        """Return the problem as lines for a terminal."""
        lines = [f"error: {clean(self.message)}"]
        if self.cause:
            lines.append(f"  cause: {clean(self.cause)}")
        lines += [f"  {clean(line)}" for line in self.details]
        if self.next_step:
            lines.append(f"  next:  {clean(self.next_step)}")
        return lines

    def document(self) -> str:
        """Return the problem as one line of JSON."""
        metadata: dict[str, Json] = dict(self.metadata)
        error: dict[str, Json] = {
            "code": self.status,
            "reason": self.reason or None,
            "message": self.message,
            "cause": self.cause or "; ".join(line.strip() for line in self.details) or None,
            "nextStep": self.next_step or None,
            "exitCode": int(self.exit_code),
            "metadata": metadata,
        }
        return json_text({"error": error})


def usage_problem(message: str, *, next_step: str = "", cause: str = "") -> Problem:
    """Return the problem for incorrect usage of a command."""
    return Problem(
        message=message, cause=cause, next_step=next_step, exit_code=ExitCode.USAGE, status="INVALID_ARGUMENT"
    )


def option_seconds(option: str, text: str, *, next_step: str = "") -> float:
    """Return the duration of an option in seconds.

    Raises:
        Problem: the text is not a duration.
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise usage_problem(f"{option}: {error}", next_step=next_step) from error


def not_found(message: str, *, name: str = "", next_step: str = "", cause: str = "") -> Problem:
    """Return the problem for something that does not exist; `name` is the unknown name, if any."""
    return Problem(
        message=message,
        cause=cause,
        next_step=next_step,
        exit_code=ExitCode.NOT_FOUND,
        status="NOT_FOUND",
        reason="no-such-name" if name else "",
        metadata={"name": name} if name else {},
    )


class Readable:
    """Reader of lists that defers the first error about damaged data until `finish`."""

    def __init__(self) -> None:
        self._damage: ClientError | None = None

    def of(self, entries: Iterable[T]) -> Iterator[T]:
        """Yield `entries`; if they end with an error about damaged data, keep the error for `finish`."""
        try:
            yield from entries
        except ClientError as error:
            if error.code != "DATA_LOSS":
                raise
            self._damage = self._damage or error

    def finish(self) -> None:
        """Raise the deferred error, if any."""
        if self._damage is not None:
            raise self._damage


_EXIT_CODES = {
    "NOT_FOUND": ExitCode.NOT_FOUND,
    "UNAUTHENTICATED": ExitCode.DENIED,
    "PERMISSION_DENIED": ExitCode.DENIED,
    "UNAVAILABLE": ExitCode.UNREACHABLE,
    "DEADLINE_EXCEEDED": ExitCode.UNREACHABLE,
}
_RUN = re.compile(r"([^/]+/[^/]+/[^/]+)-\d+")
PROJECTS_STEP = "`sweepctl list --projects` lists the projects"
# `{name}` is replaced by the name in the metadata of the error.
_NEXT_STEPS = {
    "no-such-name": "`sweepctl list` lists the sweeps",
    "name-taken": "omit --id, or choose another id",
    "bad-token": "use a token of this server: `sweepctl login ADDRESS`, SWEEPD_TOKEN or --token-file; "
    "the server keeps its own in `access-token` of its data folder",
    "not-allowed": "`sweepctl whoami` shows what your token allows",
    "service-unavailable": "`sweepd status` shows which services run; retry once this one is back",
    "storage-unavailable": "free disk space or repair the storage; the server then resumes automatically",
    "request-id-reused": "use a new --request-id for another call",
    "cap-reached": "`sweepctl edit {name} --run-cap N` raises it",
    "wrong-state": "`sweepctl explain {name}` shows why",
    "data-damaged": "the rest can be read; to repair the damage, stop the server and restore all databases "
    "of its data folder from one backup",
    "databases-differ": "stop the server and restore all databases of its data folder from one backup; "
    "if one of them is lost for good, `sweepd pair --data DIR` pairs the remaining ones",
    "request-quota": "repeat the call without --request-id, or later: ids expire after 24 h",
    "stale-revision": "check it with `sweepctl get {name}`, and repeat the call",
}


def problem_of(error: Exception) -> Problem:
    """Convert an error to a problem."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, click.UsageError):
        return _of_usage(error)
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
        next_step="run again with --debug for the traceback, and report it",
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
            return f"`sweepctl runs {run[1]}` lists its runs"
        if name.count("/") == 1:
            return PROJECTS_STEP
        if name and "/" not in name:
            return "`sweepctl agents` lists the agents, `sweepctl get ID` shows those in quarantine"
    return _NEXT_STEPS.get(reason, "").replace("{name}", name or "ID")


def _unreachable(error: ClientError) -> Problem:
    from sweepd.rpc.failure import unreachable_cause

    return Problem(
        message=f"no server answers at {error.address}",
        cause=unreachable_cause(error.said),
        next_step="start one with `sweepd up`, or choose another with --server or SWEEPD_ADDRESS",
        exit_code=ExitCode.UNREACHABLE,
        status="UNAVAILABLE",
    )
