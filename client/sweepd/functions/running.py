"""`sweepd.agent`: runs of a sweep on this machine, as its program or as calls of a function."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Self

from sweepd.durations import duration_text
from sweepd.functions.agent_console import AgentConsole
from sweepd.functions.agent_process import AgentProcess
from sweepd.functions.errors import AgentError
from sweepd.functions.payload import check_function, pack, private_folder
from sweepd.functions.run_output import error_text
from sweepd.functions.sweep_name import sweep_name
from sweepd.rpc.discovery import NoContextError, NoServerError, resolve
from sweepd.script.errors import UsageError

_Handler = Callable[[int, FrameType | None], object] | int | None
_FAILURE, _NOT_FOUND, _UNREACHABLE = 1, 3, 6
_DAY = 86_400.0
# As the agent starts its supervisors: modules in the working directory must not shadow the standard library.
_BOOTSTRAP = "import sys; sys.path.append(sys.argv[1]); from sweepd.functions.{} import main; main()"
_INLINE = "module://matplotlib_inline"


class Interrupts:
    """Context manager that handles signals by a callback, in the main thread only.

    Restores the previous handlers on exit.
    """

    def __init__(
        self, numbers: tuple[signal.Signals, ...], on_signal: Callable[[signal.Signals], None]
    ) -> None:
        self._numbers = numbers
        self._on_signal = on_signal
        self._before: dict[signal.Signals, _Handler] = {}

    @property
    def active(self) -> bool:
        """True if signals are handled here."""
        return signal.SIGINT in self._before

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in self._numbers:
            before = signal.getsignal(number)
            # Ignored signals stay ignored, as in background jobs; handlers not set by Python cannot be
            # restored.
            if before is not None and before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, lambda number, frame: self._on_signal(signal.Signals(number)))
        return self

    def __exit__(self, *details: object) -> None:
        while self._before:
            signal.signal(*self._before.popitem())


if TYPE_CHECKING:
    from sweepd.views.sweep import SweepRecord


def agent(
    sweep_id: str | SweepRecord,
    function: Callable[[], object] | None = None,
    entity: str | None = None,
    project: str | None = None,
    count: int | None = None,
    forward_signals: bool = False,
    term_timeout: float | None = None,
    max_consecutive_failed_runs: int | None = None,
    *,
    in_process: bool = False,
    slots: int = 1,
    fail_fast: bool = True,
) -> None:
    """Run trials of a sweep on this machine until the sweep ends or `count` runs have ended.

    Starts a `sweep-agent`, which ends before this returns. Ctrl-C, or interrupting the notebook kernel,
    starts no more runs and waits for the live ones; a second one terminates them, a third one kills them.
    KeyboardInterrupt is raised afterwards.

    Args:
        sweep_id: `id`, `project/id` or `entity/project/id`, or a `Sweep`.
        function: called without arguments for each run, in a new process. Default: run the sweep's program.
            In the function, `sweepd.init()` and `sweepd.config` are those of the run.
        entity: entity of the sweep, if `sweep_id` has none.
        project: project of the sweep, if `sweep_id` has none.
        count: number of runs after which the agent ends.
        forward_signals: whether SIGTERM and SIGHUP drain the agent before they take effect in this process,
            and the first Ctrl-C terminates live runs at once.
        term_timeout: seconds, from 1 to a day, for live runs to end after such a SIGTERM or SIGHUP before
            they are terminated and handed back. Default: 10.
        max_consecutive_failed_runs: number of consecutive failed runs, not counting stopped ones, after which
            the agent ends with an error.
        in_process: whether to call the function in this process and thread, one run after the other. Objects
            in memory persist, and native code cannot be stopped.
        slots: number of concurrent runs.
        fail_fast: whether to end with an error after three failed runs in the first minute, or once at least
            five and nearly all have failed.

    Raises:
        FunctionError: the function needs arguments or refers to an object that cannot be pickled.
        AgentError: no server, unknown sweep, guard tripped, …; `exit_code` is that of the agent.
        KeyboardInterrupt: Ctrl-C was pressed.
        UsageError: invalid argument.
    """
    name = sweep_name(sweep_id, entity=entity, project=project, environ=os.environ)
    _check_counts(count=count, slots=slots, max_consecutive_failed_runs=max_consecutive_failed_runs)
    _check_seconds(term_timeout=term_timeout)
    if function is not None:
        check_function(function)
    if in_process and (function is None or slots != 1):
        raise UsageError("in_process=True is for a function, and for one slot")
    try:
        address = resolve(None, os.environ).address
    except NoContextError as error:
        raise AgentError(str(error), _NOT_FOUND) from None
    except NoServerError as error:
        raise AgentError(str(error), _UNREACHABLE) from None
    flags = ["--sweep", name, "--slots", str(slots), "--no-adopt", "--interpreter", sys.executable]
    flags += [] if count is None else ["--count", str(count)]
    flags += [] if term_timeout is None else ["--grace", duration_text(float(term_timeout))]
    if max_consecutive_failed_runs is not None:
        flags += ["--max-consecutive-failed-runs", str(max_consecutive_failed_runs)]
    flags += ["--fail-fast"] if fail_fast else []
    with ExitStack() as stack:
        console = AgentConsole(shows_names=slots > 1, impatient=forward_signals)
        if function is not None:
            folder = stack.enter_context(private_folder(os.environ))
            if in_process:
                from sweepd.functions.in_process import Caller

                console.caller = stack.enter_context(Caller(function, folder))
            else:
                pack(function, folder)
            flags += ["--stand-in", json.dumps(_run_command("call_proxy" if in_process else "child", folder))]
        code = _run_agent(console, flags, stack, forward_signals=forward_signals)
    console.resume_signal()
    if console.interrupted:
        raise KeyboardInterrupt
    if code != 0:
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        message = console.error or error_text(console.lines) or f"the agent {how}"
        if code == _UNREACHABLE:
            message += f" at {address}; start one with `sweepd up -d`, or name another with SWEEPD_ADDRESS"
        raise AgentError(message, code if code > 0 else _FAILURE)


def _run_agent(console: AgentConsole, flags: list[str], stack: ExitStack, *, forward_signals: bool) -> int:
    """Run the agent until it has ended, and return its exit code."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if forward_signals else (signal.SIGINT,)
    interrupts = stack.enter_context(Interrupts(numbers, console.on_signal))
    shows_output = console.caller is None
    if shows_output:
        flags.append("--show-output=json")
    process = AgentProcess(flags, _environment(), shows_output=shows_output)
    stack.callback(process.close)
    console.attach(process)
    others: dict[int, Callable[[], None]] = {}
    if (caller := console.caller) is not None:
        caller.receives_signals = interrupts.active
        others[caller.fileno()] = caller.run_next
    return process.wait(console.take_event, console.take_output, others)


def _run_command(module: str, folder: Path) -> list[str]:
    """Return the command that each run executes instead of a program."""
    home = Path(__file__).parent.parent.parent
    return [sys.executable, "-P", "-c", _BOOTSTRAP.format(module), str(home), str(folder)]


def _environment() -> dict[str, str]:
    """Return the environment of the agent and its runs, without a notebook's inline plots."""
    environ = dict(os.environ)
    if environ.get("MPLBACKEND", "").startswith(_INLINE):
        environ["MPLBACKEND"] = "agg"
    return environ


def _check_counts(**given: object) -> None:
    for name, number in given.items():
        if number is not None and not (isinstance(number, int) and number >= 1):
            raise UsageError(f"{name}: an integer of at least 1, not {number!r}")


def _check_seconds(**given: object) -> None:
    for name, seconds in given.items():
        if seconds is not None and not (isinstance(seconds, int | float) and 1 <= seconds <= _DAY):
            raise UsageError(f"{name}: seconds, from 1 to {_DAY:g}, not {seconds!r}")
