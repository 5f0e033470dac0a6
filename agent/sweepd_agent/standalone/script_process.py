"""Process of a script that a person has started: watched but not supervised, and not a child of the agent.

Its outcome is the first of these that is known: the end that the script has reported before its exit, the
exit code that the system reports, the end recorded at exit. If none is known, the run is orphaned. Only a
stop by a person sends a signal: SIGTERM to the process alone, as its group may include other processes.
"""

import asyncio
import contextlib
import os
import signal

from sweepd_agent.core.attempt import ExitCause, Outcome, StopMode
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.process import proc
from sweepd_agent.process.pidfd import exit_code, open_process, readable, reports_exit_codes
from sweepd_agent.standalone.run import StandaloneFolder

# Seconds between checks for the end of a run, whose process may continue.
_LOOK_EVERY = 0.5
# Seconds that a process may take to exit after it has reported its end.
_LAST_SECONDS = 10.0


class ScriptProcess:
    """Process of a script, live or ended."""

    def __init__(self, folder: StandaloneFolder, pid: int, pidfd: int | None) -> None:
        self.pid = pid
        run = folder.run()
        self.started_time = run.started if run is not None else None
        self._folder = folder
        self._pidfd = pidfd

    @property
    def alive(self) -> bool:
        """True if the run had not ended when looked up."""
        return self._pidfd is not None

    def stop(self, mode: StopMode) -> None:
        """Send SIGTERM to the script if the recorded order is a command of the scheduler."""
        order = self._folder.order()
        if self._pidfd is not None and order is not None and order.cause is ExitCause.COMMANDED:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)

    async def ended(self) -> Outcome:
        """Wait until the script has reported its end or its process has ended; return the outcome."""
        if self._pidfd is not None:
            gone = asyncio.create_task(readable(self._pidfd))
            while not gone.done() and not _has_ended(self._folder):
                await asyncio.wait({gone}, timeout=_LOOK_EVERY)
            if reports_exit_codes(self._pidfd) and _prefers_process_code(self._folder):
                await asyncio.wait({gone}, timeout=_LAST_SECONDS)
                code = await exit_code(self._pidfd) if gone.done() else None
                if code is not None and code >= 0:
                    self._folder.write_exit_code(code)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            os.close(self._pidfd)
            self._pidfd = None
        return outcome(self._folder)


class Scripts:
    """Registry of the scripts of run folders.

    Args:
        script: process id and descriptor of the script that started this agent; it may have ended.
    """

    def __init__(self, script: tuple[int, int] | None = None) -> None:
        self._script = script

    def find(self, folder: AttemptFolder) -> ScriptProcess:
        """Return the process of the script in a folder, live or ended."""
        assert isinstance(folder, StandaloneFolder)
        script = folder.script()
        known, self._script = self._script, None
        if known is not None and script is not None and script.pid == known[0]:
            return ScriptProcess(folder, script.pid, known[1])
        if script is None or script.boot != proc.boot_id() or _has_ended(folder):
            return ScriptProcess(folder, script.pid if script else 0, None)
        return ScriptProcess(folder, script.pid, open_process(script.pid, script.start))

    def outcome(self, folder: AttemptFolder) -> Outcome:
        """Return the outcome of the run in a folder."""
        assert isinstance(folder, StandaloneFolder)
        return outcome(folder)


def outcome(folder: StandaloneFolder) -> Outcome:
    """Return the outcome of a run that has ended."""
    order = folder.order()
    stopped = order is not None and order.cause is ExitCause.COMMANDED
    run, recorded = folder.run(), folder.exit_code()
    if run is not None and run.ended is not None:
        code = recorded if recorded is not None and run.at_exit else (run.exit_code or 0) & 0xFF
        return Outcome(code=code, stopped=stopped, time=run.ended)
    if recorded is not None:
        return Outcome(code=recorded, stopped=stopped, time=folder.last_activity())
    script = folder.script()
    if script is not None and script.boot != proc.boot_id():
        why = "its script ended when its host went down or was restarted"
    else:
        why = "its script ended without recording an exit code; it was probably killed"
    return Outcome(orphaned=True, stopped=stopped, message=why, time=folder.last_activity())


def _has_ended(folder: StandaloneFolder) -> bool:
    """Return True if the script has ended its run; its process may continue."""
    run = folder.run()
    return run is not None and run.ended is not None


def _prefers_process_code(folder: StandaloneFolder) -> bool:
    """Return True if the exit code of the process takes precedence over the script's record."""
    run = folder.run()
    return run is None or run.ended is None or run.at_exit
