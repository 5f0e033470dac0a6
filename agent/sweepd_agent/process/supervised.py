"""Supervised process of an attempt: starts it, finds it after a restart, signals it and awaits its end."""

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sweepd_agent
from sweepd_agent.core.attempt import Outcome, StopMode
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.process import proc
from sweepd_agent.process.pidfd import call_at_end, open_process, readable
from sweepd_agent.process.record import number, read_record, whole_number
from sweepd_agent.process.supervisor import EXIT_FILE, PROCESS_FILE

# Isolated and without site-packages, Python starts in a third of the time, and the supervisor does not depend
# on the environment of the trial.
_SUPERVISOR = (
    "-I",
    "-S",
    "-c",
    (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); "
        "from sweepd_agent.process.supervisor import main; main()"
    ),
    str(Path(sweepd_agent.__file__).parent.parent),
)
# Seconds to wait for another supervisor of the attempt to record its process, or for a watchdog to end.
_PATIENCE = 2.0
# Maximum number of kill passes: new processes may appear during a pass, and a hung process remains.
_ROUNDS = 20
# Reasons why a supervisor has ended its run without an order, by key of its exit record.
_UNORDERED_ENDS = {
    "orphaned": "no agent reconnected to it in time",
    "unwatched": "its supervisor's watchdog was killed",
}
_SIGNALS = {StopMode.TERMINATE: signal.SIGTERM, StopMode.KILL: signal.SIGUSR1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Time limits that a supervisor enforces, in seconds."""

    orphan_after: float
    stop_grace: float


class SupervisedProcess:
    """Process, live or ended, under a supervisor of this agent or an earlier one."""

    def __init__(
        self, folder: AttemptFolder, pid: int, pidfd: int | None, *, started_time: float | None = None
    ) -> None:
        self.pid = pid
        self.started_time = started_time
        self._folder = folder
        self._pidfd = pidfd

    @property
    def alive(self) -> bool:
        """True if its supervisor was live when looked up."""
        return self._pidfd is not None

    def stop(self, mode: StopMode) -> None:
        """Signal the supervisor to end the whole process tree; do nothing if the supervisor has ended."""
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, _SIGNALS[mode])

    async def ended(self) -> Outcome:
        """Wait until the whole process tree has ended; return the outcome."""
        if self._pidfd is not None:
            await readable(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        if (known := outcome(self._folder)) is not None:
            return known
        if (watchdog := _open_watchdog(self._folder)) is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(readable(watchdog), _PATIENCE)
            os.close(watchdog)
        return _kill_remaining(self._folder)


class Supervised:
    """Registry of the processes that agents have started, by attempt folder."""

    def find(self, folder: AttemptFolder) -> SupervisedProcess | None:
        """Return the process of an attempt, live or ended; None if it was never started.

        If the supervisor was lost, kill the attempt's remaining processes, so that another may start.
        """
        process = find(folder)
        if process is not None and not process.alive and outcome(folder) is None:
            if (watchdog := _open_watchdog(folder)) is not None:
                ended = select.poll()
                ended.register(watchdog, select.POLLIN)
                ended.poll(_PATIENCE * 1_000)
                os.close(watchdog)
            _kill_remaining(folder)
        return process

    def outcome(self, folder: AttemptFolder) -> Outcome | None:
        """Return the outcome of the process; None if unknown."""
        return outcome(folder)


async def launch(
    folder: AttemptFolder,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    agent_lock: Path,
    limits: Limits,
) -> SupervisedProcess:
    """Start the process of an attempt, unless an earlier agent has started it.

    If an earlier agent has started the process but died before recording that, return that process. If the
    supervisor fails or is killed before it has recorded the process, return an ended process with id 0.

    Raises:
        OSError: the arguments cannot be written, or no supervisor can be started.
    """
    folder.write_arguments(list(arguments))
    flags = (str(folder.path), str(agent_lock), f"{limits.orphan_after}", f"{limits.stop_grace}")
    supervisor = subprocess.Popen(  # noqa: ASYNC220 -- takes a millisecond, and no other task may run meanwhile
        [sys.executable, *_SUPERVISOR, *flags],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert supervisor.stdout is not None
    with supervisor.stdout as output:
        await readable(output.fileno())
        started = bool(output.read(1))
    if not started and await _exit_code(supervisor) != 0:
        return find(folder) or SupervisedProcess(folder, 0, None)
    process = await _await_identity(folder, patience=0.0 if started else _PATIENCE)
    _reap_later(supervisor)
    return process


def find(folder: AttemptFolder) -> SupervisedProcess | None:
    """Return the process of an attempt, live or ended; None if it was never started."""
    identity = read_record(str(folder.path / PROCESS_FILE))
    if identity is None:
        return SupervisedProcess(folder, 0, None) if outcome(folder) is not None else None
    pid = whole_number(identity, "pid") or 0
    pidfd = _open_recorded(identity, "supervisor")
    if pidfd is None:
        return SupervisedProcess(folder, pid, None)
    return SupervisedProcess(folder, pid, pidfd, started_time=number(identity, "time"))


def outcome(folder: AttemptFolder) -> Outcome | None:
    """Return the outcome that the supervisor has recorded; None if there is no record."""
    record = read_record(str(folder.path / EXIT_FILE))
    if record is None:
        return None
    lost = next((message for name, message in _UNORDERED_ENDS.items() if record.get(name) == "1"), "")
    return Outcome(
        code=whole_number(record, "code"),
        signal=whole_number(record, "signal"),
        out_of_memory=record.get("out_of_memory") == "1",
        orphaned=bool(lost),
        stopped=record.get("stopped") == "1",
        start_error=record.get("start_error"),
        message=lost,
        time=number(record, "time"),
    )


async def _await_identity(folder: AttemptFolder, *, patience: float) -> SupervisedProcess:
    """Wait until the supervisor has recorded its process or a failed start; return the process."""
    deadline = asyncio.get_running_loop().time() + patience
    while (process := find(folder)) is None:
        if asyncio.get_running_loop().time() >= deadline:
            raise OSError(f"the supervisor of {folder.path} did not start")
        await asyncio.sleep(0.01)
    return process


def _open_watchdog(folder: AttemptFolder) -> int | None:
    """Return a descriptor of the watchdog of a dead supervisor; None if the watchdog has ended."""
    identity = read_record(str(folder.path / PROCESS_FILE))
    return None if identity is None else _open_recorded(identity, "watchdog")


def _open_recorded(identity: Mapping[str, str], name: str) -> int | None:
    """Return a descriptor of the process with the recorded id and start; None if it has ended."""
    pid = whole_number(identity, name)
    if pid is None or identity.get("boot") != proc.boot_id():
        return None
    return open_process(pid, whole_number(identity, f"{name}_start"))


async def _exit_code(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a child; return its exit code."""
    with contextlib.suppress(ProcessLookupError):
        pidfd = os.pidfd_open(process.pid)
        await readable(pidfd)
        os.close(pidfd)
    return process.wait()


def _kill_remaining(folder: AttemptFolder) -> Outcome:
    """Kill the remaining processes of an attempt whose supervisor left no exit record; return the outcome."""
    identity = read_record(str(folder.path / PROCESS_FILE))
    if identity is not None and identity.get("boot") != proc.boot_id():
        return Outcome(orphaned=True, message="its host went down or was restarted")
    for _ in range(_ROUNDS):
        remaining = proc.of_folder("SWEEPD_RUN_DIR", str(folder.path))
        if not remaining:
            break
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    return Outcome(orphaned=True, message="its supervisor was killed or failed")


def _reap_later(supervisor: subprocess.Popen[bytes]) -> None:
    """Reap a supervisor when it ends, so that no zombie is left."""
    try:
        pidfd = os.pidfd_open(supervisor.pid)
    except ProcessLookupError:
        supervisor.poll()
    else:
        call_at_end(pidfd, supervisor.wait)
