"""Log lines for people: one line per event that is shown to them."""

import json
from collections.abc import Callable, Mapping

from sweepd.spec.wording import printable
from sweepd_agent.core.attempt import AttemptKey, ExitCause, Json

_LONGEST_VALUE = 60
_LONGEST_LINE = 200
_NOTICE = "sweepd: "
_SIGKILL = 9
Fields = Mapping[str, Json]


def line(event: str, key: AttemptKey | None, fields: Fields) -> str | None:
    """Return the line of an event; None for an event that people need not see.

    Control characters from scripts, files and the network are escaped, so the result is always one line.
    """
    describe = _LINES.get(event)
    return None if describe is None else printable(describe(short_name(key), fields))


def short_name(key: AttemptKey | None) -> str:
    """Return the display name of an attempt: its run's id, and the attempt number unless that is 1."""
    if key is None:
        return ""
    name = key.run.rpartition("/")[2]
    return name if key.attempt == 1 else f"{name} (attempt {key.attempt})"


def _connected(_: str, fields: Fields) -> str:
    way = " (direct)" if fields.get("way") == "direct" else ""
    return f"connected to {fields.get('server')}{way}"


def _disconnected(_: str, fields: Fields) -> str:
    again = f"; retrying in {float(wait):.1f} s" if isinstance(wait := fields.get("wait_s"), float) else ""
    runs = "; runs continue" if fields.get("runs") else ""
    return f"{fields.get('message') or 'the stream ended'}{runs}{again}"


def _started(run: str, fields: Fields) -> str:
    params = fields.get("params")
    values = params.items() if isinstance(params, dict) else ()
    shown = " ".join(f"{printable(name)}={_cut(_value(value))}" for name, value in values)
    return f"run {run} started: {shown}" if shown else f"run {run} started"


def how_ended(cause: str, code: int | None, signal: int | None) -> str:
    """Return a description of the end of a process."""
    match cause:
        case ExitCause.EXITED:
            return "finished" if code == 0 else f"failed with exit code {code}"
        case ExitCause.SIGNALED:
            killer = ", often because memory ran out" if signal == _SIGKILL else ""
            return f"failed by signal {signal}{killer}"
        case ExitCause.START_FAILED:
            return "failed to start"
        case ExitCause.INVALID_COMMAND:
            return "failed: its command cannot be run"
        case ExitCause.COMMANDED:
            return "stopped by the scheduler"
        case _:
            return cause


def _ended(run: str, fields: Fields) -> str:
    code, signal, message = fields.get("exit_code"), fields.get("signal"), fields.get("message")
    how = how_ended(
        str(fields.get("cause")),
        code if isinstance(code, int) else None,
        signal if isinstance(signal, int) else None,
    )
    if message:
        return f"run {run} {how}: {message}"
    if (last_line := fields.get("last_line")) is None:
        return f"run {run} {how}"
    return f"run {run} {how}: {last_line}; full log: sweepctl logs {run.partition(' ')[0]}"


def last_lines(text: str, count: int) -> list[str]:
    """Return the last `count` lines of a log that are not blank, cut to the maximum line length.

    Notices of the SDK, e.g. about ignored arguments, are left out, because they do not explain an exit.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(_NOTICE)]
    return [printable(line)[:_LONGEST_LINE] for line in lines[-count:]]


def _withheld(_: str, fields: Fields) -> str:
    sweep, message = str(fields.get("sweep")).rpartition("/")[2], printable(str(fields.get("message")))
    if fields.get("reason") is None:
        return f"sweep {sweep}: this agent is eligible for runs again"
    return f"sweep {sweep}: this agent is not eligible for runs: {message}"


def _draining(_: str, fields: Fields) -> str:
    line = f"{fields.get('cause')}: taking no new runs"
    return f"{line}; {fields.get('message')}" if fields.get("runs") else line


def _exiting(_: str, fields: Fields) -> str:
    message = fields.get("message")
    return f"error: {message}" if message else f"done: {fields.get('cause')}"


_LINES: Mapping[str, Callable[[str, Fields], str]] = {
    "connected": _connected,
    "disconnected": _disconnected,
    "run_started": _started,
    "run_adopted": lambda run, _: f"run {run} continues, adopted by this agent",
    "run_ended": _ended,
    "claimed": lambda _, fields: f"run {fields.get('run')} is registered at {fields.get('server')}",
    "notice": lambda run, fields: (
        f"run {run}: {fields.get('message')}" if run else str(fields.get("message"))
    ),
    "fenced": lambda run, fields: (
        f"run {run}: {printable(str(fields.get('message')))}; ending its process here"
    ),
    "withheld": _withheld,
    "draining": _draining,
    "exiting": _exiting,
}


def _value(value: Json) -> str:
    """Return a parameter formatted as in the tables of the command line."""
    match value:
        case float():
            return f"{value:.4g}"
        case str():
            return printable(value)
        case _:
            return printable(json.dumps(value, ensure_ascii=False))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
