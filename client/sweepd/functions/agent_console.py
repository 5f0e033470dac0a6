"""Agent console: prints events and output of an agent in its caller, and forwards signals to the agent."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sweepd.functions.agent_process import AgentProcess, Event
from sweepd.spec.wording import printable

if TYPE_CHECKING:
    from sweepd.functions.in_process import Caller

_INTERRUPT_MESSAGES = (
    "no new runs start here; live runs continue to their end. Interrupt again to terminate them",
    "terminating the live runs; interrupt again to kill them",
    "killing the live runs",
)
_HANDED_BACK = "handed back"


class AgentConsole:
    """Console that prints events and output of an agent in the caller's thread, and forwards signals."""

    def __init__(self, *, shows_names: bool, terminates_at_once: bool) -> None:
        self.process: AgentProcess | None = None
        self.caller: Caller | None = None
        self.lines: Sequence[str] = ()
        # Message of an agent that has failed.
        self.error = ""
        self.interrupted = False
        self._shows_names = shows_names
        # Whether the first Ctrl-C terminates live runs instead of waiting for them.
        self._terminates_at_once = terminates_at_once
        self._steps = 0
        self._last_signal: signal.Signals | None = None
        self._lost = False
        self._outputs: dict[tuple[object, object], RunOutput] = {}
        self._started: set[tuple[object, object]] = set()
        self._output_before_start: dict[tuple[object, object], list[str]] = {}

    def take_event(self, event: Event) -> None:
        """Handle a log event of the agent, and print it if it concerns the user."""
        message = printable(str(event.get("message") or ""))
        match event["event"]:
            case "run_adopted":
                self._started.add(_key(event))
            case "run_started":
                self._run_started(event)
            case "run_ended":
                self._run_ended(event)
            case "notice" | "withheld" if message:
                _say(message)
            case "disconnected" if not self._lost and event.get("runs"):
                self._lost = True
                _say(f"{message or 'the connection is lost'}; runs continue")
            case "connected" if self._lost:
                self._lost = False
                _say("connected again")
            case "fenced":
                _say(f"run {event.get('run')} now belongs to another agent; ending its process here")
            case "draining" if self._last_signal is not None:
                _say(f"{self._last_signal.name}: no new run starts here; {message}")
            case "exiting":
                self.error = message

    def take_output(self, piece: Event) -> None:
        """Print a piece of a run's output; delay the piece until the start of the run is announced."""
        key = _key(piece)
        if key not in self._started:
            self._output_before_start.setdefault(key, []).append(str(piece.get("text")))
            return
        if key not in self._outputs:
            self._outputs[key] = RunOutput(str(piece.get("run")), named=self._shows_names)
        _show(self._outputs[key].take(str(piece.get("text"))))

    def on_signal(self, number: signal.Signals) -> None:
        """Forward a signal to the agent; called from a signal handler."""
        if number is not signal.SIGINT:
            self._last_signal = number
            if self.process is not None:
                self.process.send(signal.SIGTERM)
            return
        if self.caller is not None and self.caller.raise_stop():
            return
        self.interrupted = True
        steps = 2 if self._terminates_at_once and not self._steps else 1
        self._steps += steps
        if self.process is not None:
            for _ in range(steps):
                self.process.interrupt()
        try:
            _say(_INTERRUPT_MESSAGES[min(self._steps, len(_INTERRUPT_MESSAGES)) - 1])
        except RuntimeError:
            return  # the signal interrupted another write to this stream

    def attach(self, process: AgentProcess) -> None:
        """Forward signals to this agent, including signals received before this call."""
        self.process, self.lines = process, process.lines
        for _ in range(self._steps):
            process.interrupt()
        if self._last_signal is not None:
            process.send(signal.SIGTERM)

    def resume_signal(self) -> None:
        """Send this process the signal that was forwarded to the agent, now that the agent has ended."""
        if self._last_signal is not None:
            os.kill(os.getpid(), self._last_signal)

    def _run_started(self, event: Event) -> None:
        key = _key(event)
        self._started.add(key)
        if self.caller is not None:
            return  # `Caller` prints the heading right before it calls the function
        params, attempt = event.get("params"), event.get("attempt")
        values = params if isinstance(params, dict) else {}
        lines = heading(str(event.get("run")), attempt if isinstance(attempt, int) else 1, values)
        _show("".join(f"{line}\n" for line in lines))  # in one write, as notebooks store each write
        for text in self._output_before_start.pop(key, ()):
            self.take_output({**event, "text": text})

    def _run_ended(self, event: Event) -> None:
        key = _key(event)
        if (output := self._outputs.pop(key, None)) is not None:
            _show(output.end())
        self._started.discard(key)
        self._output_before_start.pop(key, None)
        line = ending(str(event.get("run")), event)
        if line is not None and not (self.interrupted and event.get("cause") == _HANDED_BACK):
            _say(line)


def _key(event: Event) -> tuple[object, object]:
    return event.get("run"), event.get("attempt")


def _show(text: str) -> None:
    if text:
        sys.stdout.write(text)
        sys.stdout.flush()


def _say(line: str) -> None:
    sys.stderr.write(f"sweepd: {line}\n")
    sys.stderr.flush()


_HEAD = 256 * 1024
_TAIL = 8 * 1024
_MAX_LINE = 4 * 1024
_MAX_VALUE = 200


class RunOutput:
    """Bounded output of one run: the beginning, returned at once, and the tail, returned at the end.

    A run may print without limit, and a notebook stores all output.
    """

    def __init__(self, run: str, *, named: bool) -> None:
        self._run = run
        # Prefix of each line if several runs print.
        self._prefix = f"[{short(run)}] " if named else ""
        self._room = _HEAD
        self._line = ""
        self._is_mid_line = False
        self._tail = ""
        self._omitted = 0

    def take(self, text: str) -> str:
        """Add a piece of output, and return the part to print now."""
        now, later = text[: self._room], text[self._room :]
        self._room -= len(now)
        kept = self._tail + later
        self._tail = kept[-_TAIL:]
        self._omitted += len(kept) - len(self._tail)
        return self._with_prefix(now)

    def end(self) -> str:
        """Return the output to print after the run has ended."""
        shown = self._with_prefix("", last=True)
        if self._omitted:
            shown += "\n" if self._is_mid_line else ""
            shown += f"… {self._omitted:,} characters omitted; full log: sweepctl logs {self._run}\n"
            # Drop a truncated line.
            self._tail = self._tail.partition("\n")[2] or self._tail
            self._is_mid_line = False
        shown += self._with_prefix(self._tail, last=True)
        return shown + ("\n" if self._is_mid_line else "")

    def _with_prefix(self, text: str, *, last: bool = False) -> str:
        if not self._prefix:
            self._is_mid_line = not text.endswith("\n") if text else self._is_mid_line
            return text
        *complete, self._line = (self._line + text).split("\n")
        lines = [*complete]
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
    """Return the id in a run's full name."""
    return run.rpartition("/")[2]


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…"
