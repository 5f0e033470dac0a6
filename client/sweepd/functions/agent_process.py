"""The `sweep-agent` that works for a caller: started, heard, told to end, and never left behind."""

import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

Event = Mapping[str, object]

# For the first answer of a server; and for runs once the caller is gone, or for what is left to deliver.
_WAIT, _GRACE = "15s", "10s"
_F_SETPIPE_SZ = 1031
_PIPE_SIZE = 2**20
_KEPT_LINES = 20
# As the agent names the cause.
_CTRL_C = "Ctrl-C"
_CHUNK = 64 * 1024
# Seconds after each SIGTERM to an agent that is to end at once: the second one has it hand its runs back.
_LAST_SECONDS = (0.5, 3.0, 3.0, 3.0)
# For what an agent that has ended has logged.
_LAST_LINE_SECONDS = 1.0


class AgentProcess:
    """Brings events and output of an agent to the thread that waits in `stay`.

    A thread of its own takes in the events, so that an agent never waits for a caller that is busy. The agent
    watches its caller: it ends when that is gone, as by a kill.
    """

    def __init__(self, flags: Sequence[str], environ: Mapping[str, str], *, shows_output: bool) -> None:
        # `-P`: no module of the caller's folder stands in for one of Python's own.
        agent = [sys.executable, "-P", "-m", "sweepd_agent.main", "--caller", str(os.getpid())]
        agent += ["--log-format", "json", "--wait", _WAIT, "--grace", _GRACE]
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._process = subprocess.Popen(
            [*agent, *flags],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if shows_output else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,  # no Ctrl-C of a terminal reaches it, nor one of a notebook
        )
        self._events: deque[Event | None] = deque()
        self._awake, self._wake = os.pipe()
        os.set_blocking(self._awake, False)
        os.set_blocking(self._wake, False)
        self._output = b""
        self._interrupting = threading.RLock()
        self._presses = 0
        self._heard = 0
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)
        assert self._process.stderr is not None
        with suppress(OSError):
            fcntl.fcntl(self._process.stderr, _F_SETPIPE_SZ, _PIPE_SIZE)
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()

    def stay(
        self,
        on_event: Callable[[Event], None],
        on_output: Callable[[Event], None],
        others: Mapping[int, Callable[[], None]],
    ) -> int:
        """Call back, in this thread, until the agent has ended; return its exit code.

        Args:
            on_event: takes what the agent logs; all output that came before it was taken.
            on_output: takes a piece of a run's output.
            others: what to call when a descriptor can be read.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._awake, selectors.EVENT_READ, lambda: None)
            for descriptor, call in others.items():
                selector.register(descriptor, selectors.EVENT_READ, call)
            if self._process.stdout is not None:
                selector.register(self._process.stdout, selectors.EVENT_READ, lambda: None)
            while True:
                ready = [key for key, _ in selector.select()]
                self._drain_wake()
                # First what was logged before: the events that are there now, each after its output.
                for _ in range(len(self._events)):
                    event = self._events.popleft()
                    self._take_output(on_output, selector)
                    if event is None:
                        return self._process.wait()
                    on_event(event)
                self._take_output(on_output, selector)
                for key in ready:
                    key.data()

    def interrupt(self) -> None:
        """Press Ctrl-C for the agent, once more than before; may be called by a signal's handler.

        Two signals that a process has not heard yet are one to it: the next is sent once it has said that it
        heard the one before.
        """
        with self._interrupting:
            self._presses += 1
            if self._presses == self._heard + 1:
                self.send(signal.SIGINT)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to an agent that may have ended."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def close(self) -> None:
        """Leave no agent behind, and no run of it, whatever has happened here."""
        for seconds in _LAST_SECONDS:
            if self._process.poll() is None:
                self.send(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(seconds)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._listener.join(_LAST_LINE_SECONDS)
        os.close(self._awake)
        # The other end is closed by the thread, which may still write to it if somebody keeps the log open.

    def _listen(self, log: IO[bytes]) -> None:
        with log:
            for raw in log:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                event = _document(line)
                if event is None or "event" not in event:
                    self.lines.append(line)
                else:
                    self._note_heard(event)
                    self._tell(event)
        self._tell(None)
        os.close(self._wake)

    def _note_heard(self, event: Event) -> None:
        if event["event"] == "draining" and event.get("cause") == _CTRL_C:
            with self._interrupting:
                self._heard += 1
                if self._presses > self._heard:
                    self.send(signal.SIGINT)

    def _tell(self, event: Event | None) -> None:
        self._events.append(event)
        with suppress(OSError):  # full: it is awake anyway; nobody reads any more: so be it
            os.write(self._wake, b"\0")

    def _drain_wake(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._awake, _CHUNK):
                pass

    def _take_output(self, on_output: Callable[[Event], None], selector: selectors.BaseSelector) -> None:
        if self._process.stdout is None or self._process.stdout.closed:
            return
        while (piece := _read(self._process.stdout.fileno())) is not None:
            if not piece:
                selector.unregister(self._process.stdout)
                self._process.stdout.close()
                return
            *lines, self._output = (self._output + piece).split(b"\n")
            for line in lines:
                event = _document(line.decode())
                if event is not None:
                    on_output(event)


def _read(descriptor: int) -> bytes | None:
    """Return what is there to read, empty at the end; None: nothing at the moment."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None


def _document(line: str) -> Event | None:
    try:
        document: object = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
