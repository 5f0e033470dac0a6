"""Entry point of `sweep-agent`: parses the command line, assembles the agent and runs it."""

from sweepd.private_files import make_folder
from sweepd_agent.startup import INHERITED, installed_version

# isort: split
import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from sweepd.rpc.discovery import state_folder
from sweepd_agent.agent import Agent
from sweepd_agent.context.recorder import Recorder
from sweepd_agent.context.sampler import Sampler
from sweepd_agent.core.events import EndRequest, EndRequested, Leave
from sweepd_agent.core.leaving import FAILURE, USAGE
from sweepd_agent.core.state import Settings, State
from sweepd_agent.files.state_folder import FolderInUseError, StateFolder, open_folder, open_free_folder
from sweepd_agent.files.upkeep import Upkeep
from sweepd_agent.log import Log, StatusLine, can_redraw, progress
from sweepd_agent.options import Options, parse
from sweepd_agent.process.devices import DevicesError, devices_of_slots
from sweepd_agent.process.pidfd import watch_caller
from sweepd_agent.process.supervised import Supervised
from sweepd_agent.program import fail, run_program
from sweepd_agent.surroundings import Surroundings
from sweepd_agent.wire.connection import Connection, Dialling
from sweepd_agent.wire.dialogue import Dialogue

_REDRAW_EVERY = 0.2
_NO_FLAPPING = "SWEEPD_AGENT_DISABLE_FLAPPING"
_INITIAL_FAILURES = "SWEEPD_AGENT_MAX_INITIAL_FAILURES"


class CannotStartError(Exception):
    """The agent cannot start; the message states the reason, `code` is the exit code."""

    def __init__(self, message: str, code: int = FAILURE) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the agent, then exit."""
    options = parse(arguments, version=installed_version())
    try:
        gpus = _gpus(options)
        _initial_failures()
        token = _token(options)
        folder = _open_state(options)
    except FolderInUseError as error:
        fail(f"{error}; choose another with --state")
    except DevicesError as error:
        fail(str(error), USAGE)
    except CannotStartError as error:
        fail(str(error), error.code)
    except OSError as error:
        where = error.filename or options.state or "its folder"
        fail(f"the agent cannot keep its state in {where}: {error.strerror}; choose a folder with --state")

    async def run_agent(log: Log, disk: Executor) -> Leave:
        around = Surroundings(
            folder=folder,
            environ=INHERITED,
            labels=options.labels,
            storage=options.storage,
            interpreter=options.interpreter,
            compat=options.compat,
            adopt=options.adopt,
            output=ThreadPoolExecutor(1, thread_name_prefix="output") if options.show_output else None,
            output_as_json=options.show_output == "json",
            call_proxy=options.call_proxy,
            log=log,
            processes=Supervised(),
            recorder=Recorder() if options.context else None,
            spool_limit=options.spool_limit,
            disk=disk,
        )
        upkeep = Upkeep(around, min_free=options.min_free, keep=options.keep)
        agent = Agent(_state(options, gpus), around, upkeep)
        dialling = Dialling(
            server=options.server, token=token, token_file=options.token_file, sweeps=options.sweeps
        )
        _handle_signals(agent)
        if options.caller is not None:
            watch_caller(options.caller, lambda: agent.handle(EndRequested(EndRequest.TERMINATE)))
        agent.adopt()
        # A status line would mix with the output of runs.
        if not options.log_as_json and not options.show_output and can_redraw(sys.stderr, INHERITED):
            agent.background(_show_progress(agent, log))
        if options.system_metrics:
            sampler = Sampler(agent.live_attempts, INHERITED, every=options.system_metrics_every)
            agent.background(sampler.run())
        return await Connection(agent, Dialogue(agent, around), dialling, around).stay()

    run_program(folder, run_agent, log_as_json=options.log_as_json)


def _gpus(options: Options) -> tuple[tuple[str, ...], ...] | None:
    if options.gpus_per_run is None:
        return None
    return devices_of_slots(options.slots, options.gpus_per_run, options.gpus, INHERITED)


def _initial_failures() -> int:
    """Return the number of failures that make `--fail-fast` end the agent if at most one run did not fail."""
    text = INHERITED.get(_INITIAL_FAILURES) or "5"
    if not text.isdecimal() or int(text) < 1:
        raise CannotStartError(
            f"{_INITIAL_FAILURES} is {text!r}, which is not an integer of at least 1", USAGE
        )
    return int(text)


def _state(options: Options, gpus: tuple[tuple[str, ...], ...] | None) -> State:
    settings = Settings(
        slots=options.slots,
        count=options.count,
        grace=options.grace,
        stop_on_disconnect=options.stop_on_disconnect,
        wait=options.wait,
        runs_programs=options.call_proxy is None,
        gpus=gpus,
        max_failed_in_a_row=options.max_failed_in_a_row,
        fail_fast=options.fail_fast and INHERITED.get(_NO_FLAPPING, "").lower() != "true",
        max_initial_failures=_initial_failures() if options.fail_fast else None,
    )
    names = frozenset(name.full or name.id for name in options.sweeps)
    now = time.monotonic()
    return State(settings=settings, sweeps=names, served=names, started=now, silent_since=now)


def _handle_signals(agent: Agent) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, agent.handle, EndRequested(EndRequest.INTERRUPT))
    loop.add_signal_handler(signal.SIGTERM, agent.handle, EndRequested(EndRequest.TERMINATE))
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored under nohup
        loop.add_signal_handler(signal.SIGHUP, agent.handle, EndRequested(EndRequest.TERMINATE))


async def _show_progress(agent: Agent, log: Log) -> None:
    """Redraw the status line at intervals until cancelled."""
    log.status = status = StatusLine(sys.stderr, lambda width: progress(agent.state, time.monotonic(), width))
    try:
        while True:
            status.draw()
            await asyncio.sleep(_REDRAW_EVERY)
    finally:
        log.status = None
        status.close()


def _token(options: Options) -> str | None:
    if options.token_file is None:
        return None
    try:
        return options.token_file.read_text().strip()
    except OSError as error:
        raise CannotStartError(
            f"cannot read the token file {options.token_file}: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise CannotStartError(f"the token file {options.token_file} is not UTF-8 text") from error


def _open_state(options: Options) -> StateFolder:
    _make_checkpoint_root(options.checkpoint_root)
    if options.state is not None:
        folder = open_folder(options.state.absolute())
    else:
        parent = Path(state_folder(INHERITED)).absolute() / "agents" / socket.gethostname()
        folder = open_free_folder(parent, lambda sweep: any(name.matches(sweep) for name in options.sweeps))
    folder.checkpoint_root = options.checkpoint_root
    return folder


def _make_checkpoint_root(root: Path | None) -> None:
    """Create the parent folder of all checkpoints, and check that it is writable."""
    if root is None:
        return
    why = "it cannot be written"
    try:
        make_folder(root)
    except OSError as error:
        why = str(error.strerror)
    if not os.access(root, os.W_OK | os.X_OK):
        raise CannotStartError(
            f"checkpoints cannot be stored in {root}: {why}; choose a folder with --checkpoint-root"
        )


if __name__ == "__main__":
    main()
