"""Agent console: output for the caller while an agent works for it, and signals passed on to the agent."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweepd.functions.agent_process import AgentProcess, Event
from sweepd.functions.run_output import RunOutput, ending, heading, printable

if TYPE_CHECKING:
    from sweepd.functions.in_process import Caller

_STEPS = (
    "no new run starts here; live runs continue to their end. Once more terminates them",
    "terminating what runs. Once more kills it",
    "killing what runs",
)
_HANDED_BACK = "handed back"


class AgentConsole:
    """Prints for the agent in the caller's thread and passes signals on to it."""

    def __init__(self, *, shows_names: bool, impatient: bool) -> None:
        self.process: AgentProcess | None = None
        self.caller: Caller | None = None
        self.lines: Sequence[str] = ()
        # Reason of a failed agent.
        self.error = ""
        self.interrupted = False
        self._shows_names = shows_names
        # The first Ctrl-C terminates.
        self._impatient = impatient
        self._steps = 0
        self._last_signal: signal.Signals | None = None
        self._lost = False
        self._outputs: dict[tuple[object, object], RunOutput] = {}
        self._started: set[tuple[object, object]] = set()
        self._early: dict[tuple[object, object], list[str]] = {}

    def take_event(self, event: Event) -> None:
        """Print the log events that concern a user."""
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
                _say(f"run {event.get('run')} is another agent's by now; ending its process here")
            case "draining" if self._last_signal is not None:
                _say(f"{self._last_signal.name}: no new run starts here; {message}")
            case "exiting":
                self.error = message

    def take_output(self, piece: Event) -> None:
        """Print output of a run after the lines that announce its start."""
        key = _key(piece)
        if key not in self._started:
            self._early.setdefault(key, []).append(str(piece.get("text")))
            return
        if key not in self._outputs:
            self._outputs[key] = RunOutput(str(piece.get("run")), named=self._shows_names)
        _show(self._outputs[key].take(str(piece.get("text"))))

    def on_signal(self, number: signal.Signals) -> None:
        """Pass a signal on to the agent; called from a signal handler."""
        if number is not signal.SIGINT:
            self._last_signal = number
            if self.process is not None:
                self.process.send(signal.SIGTERM)
            return
        if self.caller is not None and self.caller.raise_stop():
            return
        self.interrupted = True
        steps = 2 if self._impatient and not self._steps else 1
        self._steps += steps
        if self.process is not None:
            for _ in range(steps):
                self.process.interrupt()
        try:
            _say(_STEPS[min(self._steps, len(_STEPS)) - 1])
        except RuntimeError:
            return  # in the middle of another write

    def attach(self, process: AgentProcess) -> None:
        """Pass signals on to this agent, including those received before."""
        self.process, self.lines = process, process.lines
        for _ in range(self._steps):
            process.interrupt()
        if self._last_signal is not None:
            process.send(signal.SIGTERM)

    def resume_signal(self) -> None:
        """Raise a signal that was passed on again, now that the agent has ended."""
        if self._last_signal is not None:
            os.kill(os.getpid(), self._last_signal)

    def _run_started(self, event: Event) -> None:
        key = _key(event)
        self._started.add(key)
        if self.caller is not None:
            return  # it prints that itself, right before it calls the function
        params, attempt = event.get("params"), event.get("attempt")
        values = params if isinstance(params, dict) else {}
        lines = heading(str(event.get("run")), attempt if isinstance(attempt, int) else 1, values)
        _show("".join(f"{line}\n" for line in lines))  # one write: notebooks store each
        for text in self._early.pop(key, ()):
            self.take_output({**event, "text": text})

    def _run_ended(self, event: Event) -> None:
        key = _key(event)
        if (output := self._outputs.pop(key, None)) is not None:
            _show(output.end())
        self._started.discard(key)
        self._early.pop(key, None)
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
