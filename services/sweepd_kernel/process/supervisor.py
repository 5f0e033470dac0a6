"""Supervisor of several services: forks, monitors and restarts them, and ends them in reverse order.

Heavy modules are imported before the forks, and shared. No gRPC object may exist in this process, as its
threads would not survive a fork; so children report through pipes instead of health checks.
"""

import gc
import logging
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from types import FrameType
from typing import Literal, TypeAlias

from sweepd.backoff import Backoff
from sweepd_kernel.errors import StartError
from sweepd_kernel.process import os_process
from sweepd_kernel.process.running_server import ServiceState, State

# A daemon must end within 10 s: one step per service, then SIGKILL.
STEP = 1.5
KILL_AFTER = 8.5
KILL_AFTER_WHEN_HURRIED = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


Report: TypeAlias = Literal["ready", "waiting", "failed", "held"]
"""Report of a start: the service serves, waits for its storage, refuses to start, or its data is in use."""


Reporter: TypeAlias = Callable[[Report, str], None]
"""Callback for a report and its text, which is the address or the reason."""


@dataclass(slots=True)
class ReportPipe:
    """Pipe on which a process reports its start to its parent; no pipe if the descriptor is negative."""

    descriptor: int = -1

    def report(self, report: Report, text: str) -> None:
        """Write a line with a report and its text, the address or the reason."""
        if self.descriptor >= 0:
            os.write(self.descriptor, f"{report} {' '.join(text.splitlines())}\n".encode())

    def close(self) -> None:
        """Close the pipe; in a forked child, only the child's descriptor."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


@dataclass(slots=True, kw_only=True)
class Child(ServiceState):
    """Supervised service with its current process."""

    run: Callable[[Reporter], None]
    """Function that runs the service in the child process until a signal ends it."""
    pipe: int = -1
    received: bytes = b""
    """Bytes of an incomplete report line."""
    started: float = 0.0
    restart_at: float = 0.0
    backoff: Backoff = field(default_factory=Backoff)

    def public_state(self) -> ServiceState:
        """Return the state without the fields that only the supervisor uses."""
        return ServiceState(**{each.name: getattr(self, each.name) for each in fields(ServiceState)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """Callbacks for events of the supervised services."""

    ready: Callable[[], None]
    """Called once, when all services serve."""
    waiting: Callable[[str], None]
    """Called with the reason when a service cannot start yet and retries."""
    changed: Callable[[Sequence[Child]], None]
    """Called when the state of a service has changed."""
    forked: Callable[[], None]
    """Called in each new child, to release resources that belong to the supervisor alone."""


class Supervisor:
    """Supervisor that keeps the processes of `children` running until SIGTERM or SIGINT."""

    def __init__(self, children: Sequence[Child], callbacks: Callbacks, log: logging.Logger) -> None:
        """Create a supervisor of services.

        Args:
            children: services in the order of start; they are ended in reverse order.
            callbacks: called on events of the services.
            log: log of ends and restarts.
        """
        self._children = children
        self._callbacks = callbacks
        self._log = log
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._waker = socket.socketpair()
        self._pid = os.getpid()
        self._was_ready = False
        self._refused = ""
        self._signals_received = 0

    def run(self) -> int:
        """Run the services; return 0 once all of them have ended.

        Raises:
            StartError: a service refused to start, or `waiting` raised this error; all services have ended.
        """
        self._catch_signals()
        gc.collect()
        gc.freeze()  # else garbage collection would write to, and so copy, the pages shared with children
        try:
            for child in self._children:
                self._start(child)
            while not self._signals_received and not self._refused:
                self._wait(self._next_restart())
                self._reap()
                self._start_again()
        finally:
            self._stop_all()
        if self._refused:
            raise StartError(self._refused)
        return 0

    def _start(self, child: Child) -> None:
        reader, writer = os.pipe()
        try:
            pid = os.fork()
        except OSError:  # `_start_again` retries, so close the descriptors
            os.close(reader)
            os.close(writer)
            raise
        if pid == 0:
            os.close(reader)
            self._run_child(child, ReportPipe(writer))
        os.close(writer)
        os.set_blocking(reader, False)
        self._selector.register(reader, selectors.EVENT_READ, child)
        child.pid, child.pipe, child.received = pid, reader, b""
        child.started, child.restart_at = time.monotonic(), 0.0
        self._change(child, State.STARTING)

    def _run_child(self, child: Child, pipe: ReportPipe) -> None:
        """Run the service in the forked process; never return."""
        code = 1
        try:
            os_process.die_with_parent(self._pid)
            os.setpgid(0, 0)  # so that Ctrl-C reaches only the supervisor, which ends the services in order
            self._release_inherited()
            child.run(pipe.report)
            code = 0
        except StartError as error:
            pipe.report("failed", str(error))
        except BaseException:  # noqa: BLE001 (nothing may unwind into the supervisor's stack)
            traceback.print_exc()
        finally:
            with suppress(OSError, ValueError):  # the log may be on a full disk
                logging.shutdown()
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _release_inherited(self) -> None:
        """Release the resources of the supervisor in a child."""
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        self._selector.close()
        self._wakeup.close()
        self._waker.close()
        for other in self._children:
            if other.pipe >= 0:
                os.close(other.pipe)
        self._callbacks.forked()

    def _catch_signals(self) -> None:
        self._wakeup.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._wakeup, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._signals_received += 1

    def _wait(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, Child):
                self._listen(key.data)
            else:
                self._drain_wakeups()

    def _drain_wakeups(self) -> None:
        try:
            while self._wakeup.recv(4096):
                pass
        except BlockingIOError:
            return

    def _listen(self, child: Child) -> None:
        """Read the reports of a child; the end of the child is detected by `_reap`."""
        try:
            read = os.read(child.pipe, 65_536)
        except BlockingIOError:
            return
        if not read:
            self._close_pipe(child)
            return
        *lines, child.received = (child.received + read).split(b"\n")
        for line in lines:
            report, _, text = line.decode().partition(" ")
            self._record(child, report, text)

    def _record(self, child: Child, report: str, text: str) -> None:
        child.reason = "" if report == "ready" else text
        if report == "ready":
            self._change(child, State.SERVING)
            if not self._was_ready and all(each.state == State.SERVING for each in self._children):
                self._was_ready = True
                self._callbacks.ready()
        elif report == "waiting":
            self._change(child, State.WAITING)
            self._log.error("%s cannot start yet: %s", child.name, text)
            self._callbacks.waiting(text)

    def _close_pipe(self, child: Child) -> None:
        if child.pipe >= 0:
            self._selector.unregister(child.pipe)
            os.close(child.pipe)
            child.pipe = -1

    def _reap(self) -> None:
        for child in self._children:
            if child.pid:
                pid, status = os.waitpid(child.pid, os.WNOHANG)
                if pid:
                    self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, code: int) -> None:
        if child.pipe >= 0:
            self._listen(child)
        self._close_pipe(child)
        pid, child.pid = child.pid, 0
        if self._signals_received or self._refused:
            self._change(child, State.STOPPED)
            return
        if not self._was_ready and code == 1:
            # During the start, a service that refuses to start ends the server; later, it is restarted.
            self._refused = f"{child.name}: {child.reason or 'it ended during its start'}"
            return
        now = time.monotonic()
        delay = child.backoff.next_delay(lasted=now - child.started)
        child.restart_at = now + delay
        child.restarts += 1
        self._change(child, State.DOWN)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._log.warning(
            "%s ended with %s, restarts in %.1f s",
            child.name,
            how,
            delay,
            extra={"pid": pid, **({"reason": child.reason} if child.reason else {})},
        )

    def _next_restart(self) -> float | None:
        due = [child.restart_at for child in self._children if child.restart_at]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _start_again(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.restart_at and child.restart_at <= now:
                try:
                    self._start(child)
                except OSError as error:  # a temporary lack of memory or processes
                    child.restart_at = now + child.backoff.next_delay()
                    self._log.warning("%s cannot be started: %s", child.name, error.strerror)

    def _change(self, child: Child, state: State) -> None:
        child.state = state
        self._callbacks.changed(self._children)

    def _stop_all(self) -> None:
        """End the services in reverse order."""
        received = min(self._signals_received, 1)  # so that a second signal hurries the shutdown
        order = [child.name for child in reversed(self._children) if child.pid]
        plan = StopPlan(order, time.monotonic())
        while alive := {child.name: child.pid for child in self._children if child.pid}:
            now = time.monotonic()
            if self._signals_received > received:
                received = sys.maxsize
                plan.hurry(now)
            for name, number in plan.due(now, alive):
                os_process.send(alive[name], number)
            self._wait(plan.pause(now))
            self._reap()


class StopPlan:
    """Plan of a shutdown: processes get SIGTERM one after another, and SIGKILL if they are overdue.

    Each gets SIGTERM when its predecessor has ended, or STEP seconds after its predecessor got it.
    """

    def __init__(self, names: Sequence[str], now: float) -> None:
        """Create a plan from names of processes in the order of SIGTERM; `now`: monotonic seconds."""
        self._waiting = list(names)
        self._ending: list[str] = []
        self._next_step = now
        self._kill_at = now + KILL_AFTER

    def hurry(self, now: float) -> None:
        """Make SIGTERM due at once for all remaining processes, and SIGKILL soon after."""
        self._next_step = 0.0
        self._kill_at = min(self._kill_at, now + KILL_AFTER_WHEN_HURRIED)

    def due(self, now: float, alive: Collection[str]) -> list[tuple[str, signal.Signals]]:
        """Return the signals to send now; `alive`: names of the processes that still run."""
        signals: list[tuple[str, signal.Signals]] = []
        while self._waiting and (now >= self._next_step or not any(name in alive for name in self._ending)):
            name = self._waiting.pop(0)
            if name in alive:
                self._ending.append(name)
                signals.append((name, signal.SIGTERM))
                if self._next_step:
                    self._next_step = now + STEP
        if now >= self._kill_at:
            self._kill_at = now + STEP
            signals += [(name, signal.SIGKILL) for name in alive]
        return signals

    def pause(self, now: float) -> float:
        """Return the seconds until `due` should be called again."""
        deadlines = [self._kill_at, *([self._next_step] if self._waiting else [])]
        return max(0.01, min(deadlines) - now)
