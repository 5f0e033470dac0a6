"""Problems for the user: one sentence, the cause, the next step, and an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sweepd.cli.exit_code import ExitCode
from sweepd.durations import parse_duration
from sweepd.errors import ClientError
from sweepd.spec.point import Json
from sweepd.views.text import clean, json_text


@dataclass(slots=True, kw_only=True)
class Problem(Exception):  # noqa: N818 - it carries more than an error's text
    """Problem that ends a command; `main` shows it."""

    message: str
    cause: str = ""
    # Further lines.
    details: Sequence[str] = ()
    next_step: str = ""
    exit_code: ExitCode = ExitCode.FAILURE
    # Canonical gRPC code, and the server's reason.
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
    """Return the problem of incorrect usage."""
    return Problem(
        message=message,
        cause=cause,
        next_step=next_step,
        exit_code=ExitCode.USAGE,
        status="INVALID_ARGUMENT",
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
    """Return the problem that something does not exist; `name` is the name that was not found, if any."""
    return Problem(
        message=message,
        cause=cause,
        next_step=next_step,
        exit_code=ExitCode.NOT_FOUND,
        status="NOT_FOUND",
        reason="no-such-name" if name else "",
        metadata={"name": name} if name else {},
    )


T = TypeVar("T")


class Readable:
    """Reader of lists that defers the first error about damaged data to the end."""

    def __init__(self) -> None:
        self._damage: ClientError | None = None

    def of(self, entries: Iterable[T]) -> Iterator[T]:
        """Yield entries up to the error about damaged data, which comes after all readable entries."""
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
