"""Dependencies that the attempts of an agent share, and the ports through which they use the agent."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

from sweepd_agent.context.recorder import Recorder
from sweepd_agent.core.attempt import AttemptKey, Outcome, StopMode
from sweepd_agent.core.events import Event
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.files.state_folder import StateFolder
from sweepd_agent.log import Log


class LiveProcess(Protocol):
    """Process of an attempt, live or ended."""

    @property
    def pid(self) -> int:
        """Process id; 0 if it is unknown or the process was never started."""

    @property
    def started_time(self) -> float | None:
        """Unix time at which the process started; None if unknown."""

    @property
    def alive(self) -> bool:
        """True if the process was live when looked up."""

    def stop(self, mode: StopMode) -> None:
        """End the process; do nothing if it has already ended."""

    async def ended(self) -> Outcome:
        """Wait for the end of the process; return the outcome."""


class Processes(Protocol):
    """Registry of the processes of attempts."""

    def find(self, folder: AttemptFolder) -> LiveProcess | None:
        """Return the process of an attempt, live or ended; None if it was never started."""

    def outcome(self, folder: AttemptFolder) -> Outcome | None:
        """Return the outcome of the process; None if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Dependencies that all attempts of an agent share."""

    folder: StateFolder
    environ: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    # Name of the shared checkpoint storage; empty if it is not shared.
    storage: str = ""
    interpreter: str | None = None
    # Module name under which runs import sweepd, unless their sweep names one; None: `sweepd`.
    compat: str | None = None
    adopt: bool = True
    # Single-threaded executor that copies the output of runs to the agent's stdout; None: not copied.
    output: Executor | None = None
    # Whether the output is copied as JSON lines that name the run.
    output_as_json: bool = False
    # Command that replaces the command of every run; None: runs keep their commands.
    call_proxy: Sequence[str] | None = None
    log: Log
    # Recorder of the context of runs; None: not recorded.
    recorder: Recorder | None
    # Registry of the processes of attempts.
    processes: Processes
    # Maximum bytes of rows that an attempt keeps on disk.
    spool_limit: int
    # Executor for slow disk access, such as syncs, so that the event loop does not wait for it.
    disk: Executor
    monotonic: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    # Lock held by the attempt that is reading rows.
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Home(Protocol):
    """Port through which attempts use their agent."""

    @property
    def flush_interval(self) -> float:
        """Seconds for which rows may be buffered, as granted by the scheduler."""

    def handle(self, event: Event) -> None:
        """Pass an event to the state machine."""

    def resumed(self, key: AttemptKey) -> None:
        """Report the step from which an attempt has resumed."""

    def fail(self, work: asyncio.Task[None]) -> None:
        """End the agent if the task `work` has failed; done callback of the tasks that an agent needs."""

    def wake(self) -> None:
        """Wake the stream, so that it sends new reports."""

    def recorded(self, key: AttemptKey) -> None:
        """Send the recorded context of an attempt, or drop the attempt if all its data is delivered."""
