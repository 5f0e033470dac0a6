"""`sweepd.agent`: runs of a sweep on this machine, as its program or as calls of a function."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sweepd.durations import duration_text
from sweepd.functions.agent_process import AgentProcess
from sweepd.functions.baggage import check_function, pack
from sweepd.functions.company import Company
from sweepd.functions.errors import AgentError
from sweepd.functions.interrupts import Interrupts
from sweepd.functions.names import sweep_name
from sweepd.functions.private_folder import private_folder
from sweepd.functions.shown import last_words
from sweepd.rpc.discovery import NoContextError, NoServerError, resolve
from sweepd.script.errors import UsageError

if TYPE_CHECKING:
    from sweepd.views.sweep import SweepRecord

_FAILURE, _NOT_FOUND, _UNREACHABLE = 1, 3, 6
_DAY = 86_400.0
# As the agent starts its supervisors: nothing of the caller's folder stands in for a module of Python.
_BOOTSTRAP = "import sys; sys.path.append(sys.argv[1]); from sweepd.functions.{} import main; main()"
_INLINE = "module://matplotlib_inline"


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
    """Run trials of a sweep here, until the sweep ends or `count` of them have ended.

    A `sweep-agent` is started for it, and ends before this returns. Ctrl-C, or the interruption of a
    notebook's kernel, lets the live runs go on to their end and starts no more; a second one terminates
    them, a third one kills them. Afterwards KeyboardInterrupt is raised.

    Args:
        sweep_id: `id`, `project/id` or `entity/project/id`, or a `Sweep`.
        function: called without arguments for each run, in a new process; without one, the sweep's program is
            run. Within it, `sweepd.init()` and `sweepd.config` are those of the run.
        entity: where the sweep lives, if `sweep_id` does not say.
        project: where the sweep lives, if `sweep_id` does not say.
        count: end after so many runs have ended here.
        forward_signals: have SIGTERM and SIGHUP of this process drain the agent before they take effect here,
            and let the first Ctrl-C terminate the live runs at once.
        term_timeout: seconds, from 1 to a day, that live runs have to end by themselves after such a SIGTERM
            or SIGHUP, before they are ended and handed back; 10 if it is not given.
        max_consecutive_failed_runs: end with an error after so many failed runs in a row; stopped ones do not
            count.
        in_process: call the function in this process and thread, one run after the other, instead of in
            processes of their own. What it holds in memory stays, and native code cannot be stopped.
        slots: runs at once.
        fail_fast: end with an error after three failed runs in the first minute, or once nearly all, and five
            at least, have failed.

    Raises:
        FunctionError: the function needs arguments, or refers to what cannot be taken to another process.
        AgentError: there is no server or no such sweep, a guard tripped, …: `exit_code` is that of the agent.
        KeyboardInterrupt: Ctrl-C was pressed.
        UsageError: an argument is not what it should be.
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
        company = Company(shows_names=slots > 1, impatient=forward_signals)
        if function is not None:
            folder = stack.enter_context(private_folder(os.environ))
            if in_process:
                from sweepd.functions.in_process import Caller

                company.caller = stack.enter_context(Caller(function, folder))
            else:
                pack(function, folder)
            flags += ["--stand-in", json.dumps(_stand_in("stand_in" if in_process else "child", folder))]
        code = _accompany(company, flags, stack, forward_signals=forward_signals)
    company.resume_signal()
    if company.interrupted:
        raise KeyboardInterrupt
    if code != 0:
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        told = company.error or last_words(company.lines) or f"the agent {how}"
        if code == _UNREACHABLE:
            told += f" at {address}; start one with `sweepd up -d`, or name another with SWEEPD_ADDRESS"
        raise AgentError(told, code if code > 0 else _FAILURE)


def _accompany(company: Company, flags: list[str], stack: ExitStack, *, forward_signals: bool) -> int:
    """Stay with an agent until it has ended, and return its exit code."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if forward_signals else (signal.SIGINT,)
    interrupts = stack.enter_context(Interrupts(numbers, company.heard))
    shows_output = company.caller is None
    if shows_output:
        flags.append("--show-output=json")
    process = AgentProcess(flags, _environment(), shows_output=shows_output)
    stack.callback(process.close)
    company.accompany(process)
    others: dict[int, Callable[[], None]] = {}
    if (caller := company.caller) is not None:
        caller.hears_signals = interrupts.hears
        others[caller.fileno()] = caller.run_next
    return process.stay(company.take_event, company.take_output, others)


def _stand_in(module: str, folder: Path) -> list[str]:
    """Return the arguments of the process that each run gets in place of a program."""
    home = Path(__file__).parent.parent.parent
    return [sys.executable, "-P", "-c", _BOOTSTRAP.format(module), str(home), str(folder)]


def _environment() -> dict[str, str]:
    """Return what the agent and its runs inherit; but only a notebook can draw into its cells."""
    environ = dict(os.environ)
    if environ.get("MPLBACKEND", "").startswith(_INLINE):
        environ["MPLBACKEND"] = "agg"
    return environ


def _check_counts(**given: object) -> None:
    for name, number in given.items():
        if number is not None and not (isinstance(number, int) and number >= 1):
            raise UsageError(f"{name}: a whole number from 1, not {number!r}")


def _check_seconds(**given: object) -> None:
    for name, seconds in given.items():
        if seconds is not None and not (isinstance(seconds, int | float) and 1 <= seconds <= _DAY):
            raise UsageError(f"{name}: seconds, from 1 to {_DAY:g}, not {seconds!r}")
