"""Function `sweepd.agent`, which runs a sweep on this machine, by its program or by function calls."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from sweepd.durations import duration_text
from sweepd.functions.agent_console import AgentConsole
from sweepd.functions.agent_process import AgentProcess
from sweepd.functions.payload import check_function, pack, private_folder
from sweepd.name_part import LEGAL_PART, as_part
from sweepd.rpc.discovery import NoContextError, NoServerError, resolve
from sweepd.script.errors import AgentError, UsageError

_Handler = Callable[[int, FrameType | None], object] | int | None
_FAILURE, _NOT_FOUND, _UNREACHABLE = 1, 3, 6
_DAY = 86_400.0
_DEFAULT_ENTITY = "local"
# Executed with `-P`: local modules must not shadow the standard library.
_BOOTSTRAP = "import sys; sys.path.append(sys.argv[1]); from sweepd.functions import child; child.{}()"
_INLINE = "module://matplotlib_inline"

if TYPE_CHECKING:
    from sweepd.views.sweep import SweepRecord


@contextmanager
def handled_signals(
    numbers: tuple[signal.Signals, ...], on_signal: Callable[[signal.Signals], None]
) -> Iterator[bool]:
    """Handle signals by a callback, in the main thread only; yield True if SIGINT is handled.

    Restore the previous handlers at the end.
    """
    previous_handlers: dict[signal.Signals, _Handler] = {}
    if threading.current_thread() is threading.main_thread():
        for number in numbers:
            handler = signal.getsignal(number)
            # Ignored signals, as in background jobs, remain ignored; handlers not set by Python cannot be
            # restored.
            if handler is not None and handler is not signal.SIG_IGN:
                previous_handlers[number] = handler
                signal.signal(number, lambda number, _: on_signal(signal.Signals(number)))
    try:
        yield signal.SIGINT in previous_handlers
    finally:
        while previous_handlers:
            signal.signal(*previous_handlers.popitem())


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

    This starts a `sweep-agent`, which ends before `agent` returns. After Ctrl-C, or an interrupt of the
    notebook kernel, no more runs start, and live runs continue to their end. A second Ctrl-C terminates the
    live runs, a third one kills them. KeyboardInterrupt is raised afterwards.

    Args:
        sweep_id: `id`, `project/id` or `entity/project/id`, or a `Sweep`.
        function: function to call without arguments for each run, in a new process. Default: the sweep's
            program. In the function, `sweepd.init()` and `sweepd.config` return the run and its values.
        entity: entity of the sweep, if `sweep_id` has none.
        project: project of the sweep, if `sweep_id` has none.
        count: number of runs after which the agent ends.
        forward_signals: whether SIGTERM and SIGHUP drain the agent before they take effect in this process,
            and whether the first Ctrl-C terminates live runs.
        term_timeout: seconds, from 1 to a day, that live runs have to end after a forwarded SIGTERM or SIGHUP
            before they are terminated and handed back. Default: 10.
        max_consecutive_failed_runs: number of consecutive failed runs, ignoring stopped runs, after which the
            agent ends with an error.
        in_process: whether to call the function in this process and thread, one run after the other. Objects
            in memory then persist between runs, and native code cannot be stopped.
        slots: number of concurrent runs.
        fail_fast: whether to end with an error after three failed runs in the first minute, or when at least
            five runs have failed and at most one run has not.

    Raises:
        FunctionError: the function needs arguments or refers to an object that cannot be pickled.
        AgentError: the agent ended with an error or could not start; `exit_code` is its exit code.
        KeyboardInterrupt: the user pressed Ctrl-C.
        UsageError: an argument is invalid.
    """
    name = sweep_name(sweep_id, entity=entity, project=project, environ=os.environ)
    _check_counts(count=count, slots=slots, max_consecutive_failed_runs=max_consecutive_failed_runs)
    _check_seconds(term_timeout=term_timeout)
    if function is not None:
        check_function(function)
    if in_process and (function is None or slots != 1):
        raise UsageError("in_process=True requires a function and a single slot")
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
        console = AgentConsole(shows_names=slots > 1, terminates_at_once=forward_signals)
        if function is not None:
            folder = stack.enter_context(private_folder(os.environ))
            if in_process:
                from sweepd.functions.in_process import Caller

                console.caller = stack.enter_context(Caller(function, folder))
                command = _run_command("proxy_call", folder)
            else:
                pack(function, folder)
                command = _run_command("call_function", folder)
            flags += ["--call-proxy", json.dumps(command)]
        code = _run_agent(console, flags, stack, forward_signals=forward_signals)
    console.resume_signal()
    if console.interrupted:
        raise KeyboardInterrupt
    if code != 0:
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        printed = "\n".join(console.lines).removeprefix("error: ")
        message = console.error or printed or f"the agent {how}"
        if code == _UNREACHABLE:
            message += f" at {address}; start one with `sweepd up -d`, or choose another with SWEEPD_ADDRESS"
        raise AgentError(message, code if code > 0 else _FAILURE)


def _run_agent(console: AgentConsole, flags: list[str], stack: ExitStack, *, forward_signals: bool) -> int:
    """Run an agent process until it has ended, and return its exit code."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if forward_signals else (signal.SIGINT,)
    handles_interrupts = stack.enter_context(handled_signals(numbers, console.on_signal))
    shows_output = console.caller is None
    if shows_output:
        flags.append("--show-output=json")
    process = AgentProcess(flags, _environment(), shows_output=shows_output)
    stack.callback(process.close)
    console.attach(process)
    others: dict[int, Callable[[], None]] = {}
    if (caller := console.caller) is not None:
        caller.receives_signals = handles_interrupts
        others[caller.fileno()] = caller.run_next
    return process.wait(console.take_event, console.take_output, others)


def _run_command(function: str, folder: Path) -> list[str]:
    """Return the command that runs execute instead of a program; it calls a function of module `child`."""
    home = Path(__file__).parent.parent.parent
    return [sys.executable, "-P", "-c", _BOOTSTRAP.format(function), str(home), str(folder)]


def _environment() -> dict[str, str]:
    """Return the environment of the agent and its runs; replace a notebook's inline backend for plots."""
    environ = dict(os.environ)
    if environ.get("MPLBACKEND", "").startswith(_INLINE):
        environ["MPLBACKEND"] = "agg"
    return environ


def _check_counts(**given: object) -> None:
    for name, number in given.items():
        if number is not None and not (isinstance(number, int) and number >= 1):
            raise UsageError(f"{name}: expected an integer of at least 1, not {number!r}")


def _check_seconds(**given: object) -> None:
    for name, seconds in given.items():
        if seconds is not None and not (isinstance(seconds, int | float) and 1 <= seconds <= _DAY):
            raise UsageError(f"{name}: expected seconds, from 1 to {_DAY:g}, not {seconds!r}")


def sweep_name(
    sweep_id: object, *, entity: str | None, project: str | None, environ: Mapping[str, str]
) -> str:
    """Return the name by which an agent finds the sweep: its id, or entity/project/id.

    Args:
        sweep_id: `id`, `project/id`, `entity/project/id` or a `Sweep`; its parts take precedence.
        entity: entity of the sweep, if `sweep_id` has none.
        project: project of the sweep, if `sweep_id` has none.
        environ: environment variables, for the default entity.

    Raises:
        UsageError: `sweep_id` is not a valid name of a sweep.
    """
    name = sweep_id if isinstance(sweep_id, str) else getattr(sweep_id, "name", None)
    parts = name.split("/") if isinstance(name, str) else []
    if not parts or len(parts) > 3 or not all(parts):
        raise UsageError(f"{sweep_id!r} is not a name of a sweep; write ID, PROJECT/ID or ENTITY/PROJECT/ID")
    *parents, identifier = parts
    owner = parents[0] if len(parents) == 2 else legal_part("entity", entity)
    home = parents[-1] if parents else legal_part("project", project)
    if home is None:
        return identifier  # the server finds the sweep by its id
    return f"{owner or environ.get('SWEEPD_ENTITY') or _DEFAULT_ENTITY}/{home}/{identifier}"


def legal_part(kind: str, text: str | None) -> str | None:
    """Convert text to a valid part of a name, as sweep files require; return None for empty text.

    Raises:
        UsageError: the text has no character that is valid in a name.
    """
    if not text:
        return None
    part = as_part(text)
    if not part:
        raise UsageError(f"the {kind} {text!r} has no character that is valid in a name; write {LEGAL_PART}")
    return part
