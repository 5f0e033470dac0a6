"""What a caller sees of the runs: their values, their output within bounds, and how they failed."""

import json
from collections.abc import Iterator, Mapping, Sequence

_HEAD = 256 * 1024
_TAIL = 8 * 1024
_LONGEST_LINE = 4 * 1024
_LONGEST_VALUE = 200


class RunOutput:
    """Decides what is shown of one run's output: the beginning as it comes, and the end when it has ended.

    A run may print without end, and a notebook keeps all that it is shown.
    """

    def __init__(self, run: str, *, named: bool) -> None:
        self._run = run
        # Lines begin with the run's name, where several are shown side by side.
        self._prefix = f"[{short(run)}] " if named else ""
        self._room = _HEAD
        self._line = ""
        self._is_mid_line = False
        self._tail = ""
        self._left_out = 0

    def take(self, text: str) -> str:
        """Return what is shown of a further piece."""
        now, later = text[: self._room], text[self._room :]
        self._room -= len(now)
        kept = self._tail + later
        self._tail = kept[-_TAIL:]
        self._left_out += len(kept) - len(self._tail)
        return self._formed(now)

    def end(self) -> str:
        """Return what is shown once the run has ended."""
        shown = self._formed("", last=True)
        if self._left_out:
            shown += "\n" if self._is_mid_line else ""
            shown += f"… {self._left_out:,} characters are left out; all of it: sweepctl logs {self._run}\n"
            # A line that was cut is no line.
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
        if self._line and (last or len(self._line) > _LONGEST_LINE):
            lines.append(self._line)
            self._line = ""
        return "".join(f"{self._prefix}{line}\n" for line in lines)


def heading(run: str, attempt: int, params: Mapping[str, object]) -> Iterator[str]:
    """Yield the lines that say which run starts, and with which values."""
    again = f" (attempt {attempt})" if attempt > 1 else ""
    yield f"Agent Starting Run: {short(run)}{again} with config:"
    for name, value in params.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"\t{printable(name)}: {_cut(printable(shown))}"


def ending(run: str, event: Mapping[str, object]) -> str | None:
    """Return the line that says how a run ended, unless it ended well."""
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
    """Return a text with what would steer a terminal made visible."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text
    )


def last_words(lines: Sequence[str]) -> str:
    """Return what a process said last, without the mark of an error."""
    return "\n".join(lines).removeprefix("error: ")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
