"""Process of `sweep-agent` that belongs to a caller: start, events, signals, and guaranteed end."""

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

# Values of `--wait` (for the first response of a server) and of `--grace` (for live runs and draining).
_WAIT, _GRACE = "15s", "10s"
_F_SETPIPE_SZ = 1031
_PIPE_SIZE = 2**20
_MAX_LINES = 20
# Cause that the agent names in its events after SIGINT.
_CTRL_C = "Ctrl-C"
_CHUNK = 64 * 1024
# Seconds to wait after each SIGTERM to the agent; after the second SIGTERM, the agent hands its runs back.
_CLOSE_SECONDS = (0.5, 3.0, 3.0, 3.0)
# Maximum time to wait for the last log lines of an agent that has ended.
_LAST_LINE_SECONDS = 1.0


class AgentProcess:
    """Agent process whose events and output are passed to callbacks in the thread that calls `wait`.

    A separate thread reads the events, so that the agent never waits for a busy caller. The agent monitors
    its caller and ends after the caller has ended, even if the caller was killed.
    """

    def __init__(self, flags: Sequence[str], environ: Mapping[str, str], *, shows_output: bool) -> None:
        # `-P`: modules in the working directory must not shadow the standard library.
        agent = [sys.executable, "-P", "-m", "sweepd_agent.main", "--caller", str(os.getpid())]
        agent += ["--log-format", "json", "--wait", _WAIT, "--grace", _GRACE]
        self.lines: deque[str] = deque(maxlen=_MAX_LINES)
        self._process = subprocess.Popen(
            [*agent, *flags],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if shows_output else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,  # so that Ctrl-C in a terminal or notebook does not reach the agent
        )
        self._events: deque[Event | None] = deque()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)
        self._output = b""
        self._interrupting = threading.RLock()
        self._interrupts = 0
        self._acknowledged = 0
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)
        assert self._process.stderr is not None
        with suppress(OSError):
            fcntl.fcntl(self._process.stderr, _F_SETPIPE_SZ, _PIPE_SIZE)
        self._reader = threading.Thread(target=self._read_events, args=(self._process.stderr,), daemon=True)
        self._reader.start()

    def wait(
        self,
        on_event: Callable[[Event], None],
        on_output: Callable[[Event], None],
        others: Mapping[int, Callable[[], None]],
    ) -> int:
        """Call the callbacks in this thread until the agent has ended; return its exit code.

        Args:
            on_event: receives the agent's log events, each after the output that preceded it.
            on_output: receives pieces of the output of runs.
            others: functions by descriptor; each is called when its descriptor is readable.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_reader, selectors.EVENT_READ, lambda: None)
            for descriptor, call in others.items():
                selector.register(descriptor, selectors.EVENT_READ, call)
            if self._process.stdout is not None:
                selector.register(self._process.stdout, selectors.EVENT_READ, lambda: None)
            while True:
                ready = [key for key, _ in selector.select()]
                self._clear_wake()
                # Handle the events that are queued now, each after the output that preceded it.
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
        """Send one more Ctrl-C to the agent; safe in a signal handler.

        The system merges pending signals of one kind, so each signal is sent only after the agent has
        acknowledged the previous one.
        """
        with self._interrupting:
            self._interrupts += 1
            if self._interrupts == self._acknowledged + 1:
                self.send(signal.SIGINT)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the agent; do nothing if the agent has ended."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def close(self) -> None:
        """End the agent and its runs: first by SIGTERM, finally by SIGKILL."""
        for seconds in _CLOSE_SECONDS:
            if self._process.poll() is None:
                self.send(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(seconds)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._reader.join(_LAST_LINE_SECONDS)
        os.close(self._wake_reader)
        # The reader thread closes the write end: it may still write as long as a process has the log open.

    def _read_events(self, log: IO[bytes]) -> None:
        with log:
            for raw in log:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                event = _document(line)
                if event is None or "event" not in event:
                    self.lines.append(line)
                else:
                    self._count_acknowledged(event)
                    self._push(event)
        self._push(None)
        os.close(self._wake_writer)

    def _count_acknowledged(self, event: Event) -> None:
        if event["event"] == "draining" and event.get("cause") == _CTRL_C:
            with self._interrupting:
                self._acknowledged += 1
                if self._interrupts > self._acknowledged:
                    self.send(signal.SIGINT)

    def _push(self, event: Event | None) -> None:
        self._events.append(event)
        with suppress(OSError):  # the pipe is full (`wait` will wake up) or closed (nobody waits)
            os.write(self._wake_writer, b"\0")

    def _clear_wake(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._wake_reader, _CHUNK):
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
    """Return the available bytes, empty at the end of the stream; None if no bytes are available yet."""
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
