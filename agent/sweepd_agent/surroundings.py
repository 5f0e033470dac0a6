"""Dependencies that the attempts of an agent share, and the ports through which they use it."""

import asyncio
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
    """The process of an attempt, alive or gone."""

    @property
    def pid(self) -> int:
        """Its process id; 0 if there never was one."""

    @property
    def started_time(self) -> float | None:
        """Unix time at which it started, if that is known."""

    @property
    def alive(self) -> bool:
        """True if it was there when it was looked for."""

    def stop(self, mode: StopMode) -> None:
        """Have it ended; nothing happens if it is gone already."""

    async def ended(self) -> Outcome:
        """Return how it ended, once it has."""


class Processes(Protocol):
    """Finds the processes of attempts again."""

    def find(self, folder: AttemptFolder) -> LiveProcess | None:
        """Return the process of an attempt, alive or gone; None if none was ever started."""

    def outcome(self, folder: AttemptFolder) -> Outcome | None:
        """Return how the process ended; None if that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Dependencies that all attempts of an agent share."""

    folder: StateFolder
    environ: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    interpreter: str | None = None
    # Whose module all runs here find sweepd under; None: as their sweeps say.
    compat: str | None = None
    adopt: bool = True
    # Where what runs print is copied to the agent's own output, one piece after the other; None: nowhere.
    output: Executor | None = None
    # Whether that is lines of JSON, which name their runs.
    output_as_json: bool = False
    # What is started for every run in place of its own command; None: that command.
    stand_in: Sequence[str] | None = None
    log: Log
    # Finds out where and of what runs run; None: that is not recorded.
    recorder: Recorder | None
    # How processes of attempts that are found on disk are looked for.
    processes: Processes
    # Bytes of rows that an attempt may keep on disk.
    spool_limit: int
    # Where files are synced; the event loop never waits for a disk.
    disk: Executor
    monotonic: Callable[[], float]
    wall_clock: Callable[[], float]
    # Whose turn it is to read rows.
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Home(Protocol):
    """The agent, as far as its attempts need it."""

    @property
    def flush_interval(self) -> float:
        """Seconds that rows may be gathered, as granted by the scheduler."""

    def handle(self, event: Event) -> None:
        """Let the machine decide on what has happened."""

    def resumed(self, key: AttemptKey) -> None:
        """Report the step from which an attempt has resumed."""

    def fail(self, work: asyncio.Task[None]) -> None:
        """Leave if a part of the agent has failed that must not."""

    def wake(self) -> None:
        """Have the stream look for reports."""

    def recorded(self, key: AttemptKey) -> None:
        """See whether anything of an attempt is left to send."""
