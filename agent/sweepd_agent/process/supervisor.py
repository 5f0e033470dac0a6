"""Supervisor of the process of one attempt: starts the process, records its end, and ends its tree.

It outlives its agent, so that a restarted agent finds the process. It is a subreaper: orphans of the process,
in any session, become its children, so that the tree below it is complete. On SIGTERM it terminates the tree,
and kills it after the stop grace; on SIGUSR1 it kills the tree. It also ends the tree if the lock of the
agent's folder stays free for `orphan_after` seconds. If the supervisor itself is killed, the kernel kills the
process, and the watchdog kills all its descendants.

It is started for every run, so it is small: no unneeded import, no package with a heavy `__init__`.
"""

import errno
import os
import signal
import sys
import time

from sweepd_agent.process.proc import boot_id, memory_kills, start_ticks
from sweepd_agent.process.record import is_locked, try_lock, write_record
from sweepd_agent.process.termination import (
    DIED,
    Termination,
    continue_below_watchdog,
    signal_at_death_of,
)

ARGUMENTS_FILE = "arguments"
PROCESS_FILE = "process"
EXIT_FILE = "exit"
LOG_FILE = "output.log"
_LOCK_FILE = "supervisor.lock"

_LOOK_EVERY = 0.5
# Shorter interval, used if the run must end soon after its agent.
_LOOK_SOON = 0.1
# Seconds between SIGTERM and SIGKILL for leftovers of a process, and for an orphaned tree.
_SHORT_GRACE = 1.0
_AWAITED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1, DIED)
_DEFAULT_IN_TRIAL = (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, *_AWAITED)
# Seconds that an earlier supervisor of the attempt may take to start the process, or to end its tree.
_PATIENCE = 1.5


class Supervisor:
    """Supervisor of an attempt's process, from its start to the end of its last descendant."""

    def __init__(
        self, folder: str, agent_lock: str, watchdog: int, *, orphan_after: float, stop_grace: float
    ) -> None:
        self._folder = folder
        self._watchdog = watchdog
        self._agent_lock = os.open(agent_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._orphan_after = orphan_after
        self._look_every = min(_LOOK_EVERY, max(_LOOK_SOON, orphan_after / 8))
        self._stop_grace = stop_grace
        self._agent_seen = time.monotonic()
        self._lock_changed = os.fstat(self._agent_lock).st_mtime_ns
        self._termination = Termination()
        self._ending: dict[str, int] = {}
        self._memory_kills = memory_kills()
        self._pid = 0
        self._status: int | None = None

    def start(self, arguments: list[str]) -> None:
        """Start the process, and record its identity before its start is reported.

        Raises:
            OSError: the program cannot be executed.
        """
        output = os.open(f"{self._folder}/{LOG_FILE}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            self._pid = _spawn(arguments, null, output)
        finally:
            os.close(output)
            os.close(null)
        own = os.getpid()
        identity: dict[str, str | int | float] = {
            "pid": self._pid,
            "supervisor": own,
            "supervisor_start": start_ticks(own) or 0,
            "watchdog": self._watchdog,
            "watchdog_start": start_ticks(self._watchdog) or 0,
            "boot": boot_id(),
            "time": time.time(),
        }
        try:
            write_record(f"{self._folder}/{PROCESS_FILE}", identity)
        except OSError:  # a process that no agent could find must not run
            self._kill()
            self.watch()
            os._exit(1)

    def report(self, end: dict[str, str | int | float]) -> None:
        """Record the end; while the write fails, retry until the run is abandoned."""
        while True:
            try:
                write_record(f"{self._folder}/{EXIT_FILE}", {**end, "time": time.time()}, sync=True)
            except FileNotFoundError:
                break  # the folder was removed, so the record is not needed
            except OSError:
                if self._abandoned():
                    break
                time.sleep(_LOOK_EVERY)
            else:
                break

    def watch(self) -> dict[str, int]:
        """Wait until the whole process tree has ended; return the end of the process."""
        while True:
            received = signal.sigtimedwait(_AWAITED, self._time_to_look())
            # Reap first: a process that had ended before the signal was not stopped by it.
            ended = self._reap()
            if received is not None and received.si_signo == self._fatal_signal():
                # The supervisor received the same signal: every process on the machine is being ended.
                self._ending["stopped"] = 1
            if ended:
                return self._end()
            if received is not None and received.si_signo == signal.SIGTERM:
                self._terminate("stopped", self._stop_grace)
            elif received is not None and received.si_signo == signal.SIGUSR1:
                self._kill("stopped")
            elif received is not None and received.si_signo == DIED:
                self._kill("unwatched")
            self._look_for_agent()
            self._termination.kill_when_due()

    def _time_to_look(self) -> float:
        return min(self._look_every, self._termination.time_left)

    def _reap(self) -> bool:
        """Reap ended processes; return True if the whole tree has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                break
            if pid == self._pid:
                self._status = status
        if self._status is not None and not self._termination.begun:
            self._terminate(None, _SHORT_GRACE)  # leftovers of the process
        return False

    def _look_for_agent(self) -> None:
        if self._abandoned() and "orphaned" not in self._ending:
            self._terminate("orphaned", _SHORT_GRACE)

    def _abandoned(self) -> bool:
        """True if there has been no agent for `orphan_after` seconds."""
        now = time.monotonic()
        # An agent touches the file when it takes the lock, however briefly it lives.
        changed = os.fstat(self._agent_lock).st_mtime_ns
        if changed != self._lock_changed or is_locked(self._agent_lock):
            self._agent_seen, self._lock_changed = now, changed
            return False
        return now - self._agent_seen >= self._orphan_after

    def _terminate(self, why: str | None, grace: float) -> None:
        self._record_cause(why)
        self._termination.terminate(grace)

    def _kill(self, why: str | None = None) -> None:
        self._record_cause(why)
        self._termination.kill()

    def _record_cause(self, why: str | None) -> None:
        if why is not None and self._status is None:
            self._ending[why] = 1

    def _fatal_signal(self) -> int | None:
        """Return the signal that has ended the process; None if there was no signal."""
        return os.WTERMSIG(self._status) if self._status and os.WIFSIGNALED(self._status) else None

    def _end(self) -> dict[str, int]:
        status = self._status or 0
        if os.WIFEXITED(status):
            return {"code": os.WEXITSTATUS(status), **self._ending}
        number = os.WTERMSIG(status)
        oom = number == signal.SIGKILL and memory_kills() > self._memory_kills
        return {"signal": number, "out_of_memory": int(oom), **self._ending}


def main() -> None:
    """Supervise the attempt of the folder in the arguments; report its start on stdout."""
    folder, agent_lock, orphan_after, stop_grace = sys.argv[1:]
    # The lock is held to the end, so only the first of two supervisors of an attempt starts its process.
    if not _lock_attempt(folder):
        os._exit(0)
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    watchdog = continue_below_watchdog()
    supervisor = Supervisor(
        folder, agent_lock, watchdog, orphan_after=float(orphan_after), stop_grace=float(stop_grace)
    )
    end: dict[str, str | int | float]
    try:
        with open(f"{folder}/{ARGUMENTS_FILE}", "rb") as file:  # noqa: PTH123 -- pathlib takes a third of the start-up
            supervisor.start([os.fsdecode(argument) for argument in file.read().split(b"\0")])
    except OSError as error:
        end = {"start_error": f"{error.filename or 'the program'}: {error.strerror}"}
    else:
        _report_start()
        end = dict(supervisor.watch())
    supervisor.report(end)
    os._exit(0)


def _lock_attempt(folder: str) -> bool:
    """Lock the attempt until this process and its child end; return False if another has started it."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        lock = try_lock(f"{folder}/{_LOCK_FILE}")
        if any(os.path.exists(f"{folder}/{name}") for name in (EXIT_FILE, PROCESS_FILE)):  # noqa: PTH110
            return False
        if lock is not None or time.monotonic() >= deadline:
            return lock is not None
        time.sleep(0.01)


def _spawn(arguments: list[str], null: int, output: int) -> int:
    """Start a process in a new session, killed when this process dies; return its id.

    Raises:
        OSError: the program cannot be executed.
    """
    parent = os.getpid()
    result, failed = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal_at_death_of(parent, signal.SIGKILL)
            os.setsid()
            for descriptor, source in enumerate((null, output, output)):
                os.dup2(source, descriptor)
            for number in _DEFAULT_IN_TRIAL:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            os.write(failed, str(_execute(arguments)).encode())
        finally:
            os._exit(127)
    os.close(failed)
    with os.fdopen(result, "rb") as file:
        code = file.read()
    if code:
        os.waitpid(pid, 0)
        raise OSError(int(code), os.strerror(int(code)), arguments[0])
    return pid


def _execute(arguments: list[str]) -> int:
    """Replace this process with a program, found as by `execvp`; return the error number on failure."""
    program = arguments[0]
    folders = os.environ.get("PATH", os.defpath).split(":")
    found = errno.ENOENT
    for path in (program,) if "/" in program else (f"{folder or '.'}/{program}" for folder in folders):
        try:
            os.execv(path, arguments)  # noqa: S606
        except OSError as error:
            number = error.errno or errno.ENOENT
            if number not in {errno.ENOENT, errno.ENOTDIR, errno.EACCES}:
                return number
            if number == errno.EACCES or "/" in program:
                found = number
    return found


def _report_start() -> None:
    """Report the start, and release pipe and terminal of the agent, which may end before this process."""
    try:  # noqa: SIM105 -- contextlib is slow to import
        os.write(1, b"started\n")
    except OSError:
        pass  # the agent was killed meanwhile; the next agent finds the process by its record
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


if __name__ == "__main__":
    main()
