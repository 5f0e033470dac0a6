"""Attempts that an agent holds, and the classification of their exits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class AttemptKey(NamedTuple):
    """Key of an attempt: the full name of its run, and its number."""

    run: str
    attempt: int

    def __str__(self) -> str:
        return self.run if self.attempt == 1 else f"{self.run} (attempt {self.attempt})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Slot and GPUs of an attempt, fixed from its start to its end."""

    # Counted from 0.
    slot: int
    # Devices visible to its process; None: all that are visible to the agent.
    gpus: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsFrom:
    """Sources of metrics that a script does not log itself; an empty source is not read."""

    stdout: str = ""
    file: str = ""
    tensorboard: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Run that was handed out to this agent, with everything needed to start it."""

    key: AttemptKey
    sweep: str
    number: int
    params: Mapping[str, Json]
    program: str
    command: tuple[str, ...]
    # Keys whose values are reported as observations; the first is the objective.
    watched_keys: tuple[str, ...]
    # Iterations whose rows are reported at once.
    rungs: frozenset[int]
    # Seconds between SIGTERM and SIGKILL.
    stop_grace: float
    # Seconds that the process may live without an agent.
    lost_after: float
    # Unix time of its arrival here; for display only.
    assigned_time: float
    # Index among the runs of its point, from 0; None: its point has one run.
    repeat: int | None = None
    # Module name under which the program imports sweepd; None: `sweepd`.
    compat: str | None = None
    # Sources of metrics that the script does not log itself; None: no sources.
    metrics_from: MetricsFrom | None = None
    # Proves to the scheduler that this agent owns the attempt; stored only in its folder, sent only in Hello.
    secret: bytes = field(default=b"", repr=False)


class ExitCause(StrEnum):
    """Cause of the end of a process, by which agent and scheduler decide whether the run has failed."""

    EXITED = "exited"
    SIGNALED = "signaled"
    OUT_OF_MEMORY = "out of memory"
    COMMANDED = "commanded"
    START_FAILED = "start failed"
    HANDED_BACK = "handed back"
    ORPHANED = "orphaned"
    INVALID_COMMAND = "invalid command"


_SIGTERM = 15
_NOT_STARTED = frozenset({ExitCause.START_FAILED, ExitCause.INVALID_COMMAND})
_CHARGED = frozenset({ExitCause.EXITED, ExitCause.SIGNALED, ExitCause.OUT_OF_MEMORY}) | _NOT_STARTED


class StopMode(StrEnum):
    """Mode of a stop: SIGTERM and later SIGKILL, or SIGKILL at once."""

    TERMINATE = "terminate"
    KILL = "kill"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder:
    """Order to end a process: mode, cause and reason."""

    mode: StopMode
    cause: ExitCause
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """End of a process as its supervisor observed it."""

    code: int | None = None
    # Nonzero exit code that the script itself reported for its run, whatever its process did afterwards.
    reported_code: int | None = None
    signal: int | None = None
    out_of_memory: bool = False
    # The process was ended because no agent adopted it or its watchdog was killed, or its end is unknown.
    orphaned: bool = False
    # The process was ended by order of its agent, or by a signal to every process on the machine.
    stopped: bool = False
    # The program had reported that its machine was about to be preempted.
    preempting: bool = False
    # Reason why this agent cannot start the process.
    start_error: str | None = None
    # Reason why no agent can start the process.
    command_error: str | None = None
    message: str = ""
    # Unix time; for display only.
    time: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """End of an attempt, as reported to the scheduler."""

    cause: ExitCause
    code: int | None
    signal: int | None
    message: str
    time: float

    @property
    def succeeded(self) -> bool:
        """True if the process exited by itself with code 0."""
        return self.cause is ExitCause.EXITED and self.code == 0

    @property
    def charged(self) -> bool:
        """True if the end counts as a failure: the attempt failed or could not be started."""
        return not self.succeeded and self.cause in _CHARGED

    @property
    def guarded(self) -> bool:
        """True if the agent's guards count the attempt: its exit code was not 0, or it could not start."""
        return self.cause in _NOT_STARTED or (self.cause is ExitCause.EXITED and self.code != 0)

    @property
    def failed(self) -> bool:
        """True unless the attempt succeeded, was stopped or was handed back; its log tail is then shown."""
        return not self.succeeded and self.cause not in {ExitCause.COMMANDED, ExitCause.HANDED_BACK}


def exit_of(outcome: Outcome, order: StopOrder | None, *, ending: bool = False) -> Exit:
    """Return the exit of an attempt; if a stop order reached the live process, it determines the cause.

    `ending`: the agent has received SIGTERM. Platforms send it to every process on a machine, so an attempt
    that ended by SIGTERM is then handed back, not counted as failed.
    """
    message, code = outcome.message, outcome.code
    if code is not None and outcome.reported_code is not None:
        code, message = (
            outcome.reported_code,
            f"the script ended the run with exit code {outcome.reported_code}",
        )
    if outcome.start_error is not None:
        cause, message = ExitCause.START_FAILED, outcome.start_error
    elif outcome.command_error is not None:
        cause, message = ExitCause.INVALID_COMMAND, outcome.command_error
    elif order is not None and outcome.stopped:
        cause, message = order.cause, order.reason
    elif outcome.stopped or (ending and outcome.signal == _SIGTERM):
        cause, message = (
            ExitCause.HANDED_BACK,
            "received SIGTERM from outside: its machine is being preempted",
        )
    elif outcome.preempting and (outcome.signal is not None or code != 0):
        cause, message = ExitCause.HANDED_BACK, "preempted, as its script had announced"
    elif outcome.orphaned:
        cause = ExitCause.ORPHANED
    elif outcome.out_of_memory:
        cause = ExitCause.OUT_OF_MEMORY
    elif outcome.signal is not None:
        cause = ExitCause.SIGNALED
    else:
        cause = ExitCause.EXITED
    return Exit(cause=cause, code=code, signal=outcome.signal, message=message, time=outcome.time)
