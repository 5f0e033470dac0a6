"""Output of runs for the caller: parameters, bounded output and failures."""

import json
from collections.abc import Iterator, Mapping, Sequence

_HEAD = 256 * 1024
_TAIL = 8 * 1024
_MAX_LINE = 4 * 1024
_MAX_VALUE = 200


class RunOutput:
    """Bounded output of one run: its beginning as it comes, and its end once it has ended.

    A run may print without limit, and a notebook stores all output.
    """

    def __init__(self, run: str, *, named: bool) -> None:
        self._run = run
        # Prefix of lines where several runs print.
        self._prefix = f"[{short(run)}] " if named else ""
        self._room = _HEAD
        self._line = ""
        self._is_mid_line = False
        self._tail = ""
        self._left_out = 0

    def take(self, text: str) -> str:
        """Return the part of a piece that is printed now."""
        now, later = text[: self._room], text[self._room :]
        self._room -= len(now)
        kept = self._tail + later
        self._tail = kept[-_TAIL:]
        self._left_out += len(kept) - len(self._tail)
        return self._formed(now)

    def end(self) -> str:
        """Return the output that is printed once the run has ended."""
        shown = self._formed("", last=True)
        if self._left_out:
            shown += "\n" if self._is_mid_line else ""
            shown += f"… {self._left_out:,} characters are left out; all of it: sweepctl logs {self._run}\n"
            # Drop a truncated line.
            self._tail = self._tail.partition("\n")[2] or self._tail
            self._is_mid_line = False
        shown += self._formed(self._tail, last=True)
        return shown + ("\n" if self._is_mid_line else "")

    def _formed(self, text: str, *, last: bool = False) -> str:
        if not self._prefix:
            self._is_mid_line = not text.endswith("\n") if text else self._is_mid_line
            return text
        *whole, self._line = (self._line + text).split("\n")
        lines = [*whole]
        if self._line and (last or len(self._line) > _MAX_LINE):
            lines.append(self._line)
            self._line = ""
        return "".join(f"{self._prefix}{line}\n" for line in lines)


def heading(run: str, attempt: int, params: Mapping[str, object]) -> Iterator[str]:
    """Yield the lines that announce a run and its parameters."""
    again = f" (attempt {attempt})" if attempt > 1 else ""
    yield f"Agent Starting Run: {short(run)}{again} with config:"
    for name, value in params.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"\t{printable(name)}: {_cut(printable(shown))}"


def ending(run: str, event: Mapping[str, object]) -> str | None:
    """Return the line that reports the end of a run; None if it succeeded."""
    cause, code, message = event.get("cause"), event.get("exit_code"), event.get("message")
    if cause == "exited":
        how = None if code == 0 else f"failed with exit code {code}"
    elif cause == "signaled":
        how = f"failed by signal {event.get('signal')}"
    else:
        how = {"commanded": "was stopped", "start failed": "failed to start"}.get(
            str(cause), f"ended: {cause}"
        )
    if how is None:
        return None
    return f"Run {short(run)} {how}" + (f": {printable(str(message))}" if message else "")


def short(run: str) -> str:
    """Return the id of a run."""
    return run.rpartition("/")[2]


def printable(text: str) -> str:
    """Return text with control characters escaped."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text
    )


def error_text(lines: Sequence[str]) -> str:
    """Return the last lines of a process without the prefix `error: `."""
    return "\n".join(lines).removeprefix("error: ")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…"
