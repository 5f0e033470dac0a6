"""Entry point of `sweep-agent`: parse command line and environment, wire the agent and run it."""

from sweepd.private_files import make_folder
from sweepd_agent.startup import INHERITED, installed_version

# isort: split
import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sweepd.rpc.discovery import state_folder
from sweepd_agent.agent import Agent
from sweepd_agent.context.interpreter import end_all
from sweepd_agent.context.recorder import Recorder
from sweepd_agent.context.sampler import begin_to_sample
from sweepd_agent.core.events import Asked, Leave, Wish
from sweepd_agent.core.leaving import FAILURE, USAGE
from sweepd_agent.core.state import Settings, State
from sweepd_agent.files.state_folder import FolderInUseError, StateFolder, open_folder, open_free_folder
from sweepd_agent.files.upkeep import Upkeep, disk_threads
from sweepd_agent.log import Log, StatusLine, can_redraw, progress
from sweepd_agent.options import Options, parse
from sweepd_agent.process import proc
from sweepd_agent.process.devices import DevicesError, devices_of_slots
from sweepd_agent.process.pidfd import watch_caller
from sweepd_agent.process.supervised import Supervised
from sweepd_agent.surroundings import Surroundings
from sweepd_agent.wire.connection import Connection, Dialling
from sweepd_agent.wire.dialogue import Dialogue, Identity

# Threads that wait for disks, for any number of slots.
_DISK_THREADS = 2
_REDRAW_EVERY = 0.2
_NO_FLAPPING = "SWEEPD_AGENT_DISABLE_FLAPPING"
_INITIAL_FAILURES = "SWEEPD_AGENT_MAX_INITIAL_FAILURES"


class CannotStartError(Exception):
    """The agent cannot start, for the reason in the message; `code` is the exit code."""

    def __init__(self, message: str, code: int = FAILURE) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the agent, and end the program."""
    own_version = installed_version()
    options = parse(arguments, version=own_version)
    try:
        gpus = _gpus(options)
        _initial_failures()
        token = _token(options)
        folder = _open_state(options)
    except FolderInUseError as error:
        sys.exit(_failed(f"{error}; name another with --state"))
    except DevicesError as error:
        sys.exit(_failed(str(error), USAGE))
    except CannotStartError as error:
        sys.exit(_failed(str(error), error.code))
    except OSError as error:
        where = error.filename or options.state or "its folder"
        sys.exit(
            _failed(
                f"the agent cannot keep its state in {where}: {error.strerror}; name a folder with --state"
            )
        )
    leave = asyncio.run(_run(options, folder, token, gpus, own_version))
    folder.release()
    end_all()
    sys.stdout.flush()
    sys.stderr.flush()
    # Do not wait for threads of gRPC or a hung disk.
    os._exit(leave.code)


async def _run(
    options: Options,
    folder: StateFolder,
    token: str | None,
    gpus: tuple[tuple[str, ...], ...] | None,
    own_version: str,
) -> Leave:
    loop = asyncio.get_running_loop()
    log = Log(sys.stderr, as_json=options.log_as_json)
    log.agent = folder.agent_id
    with disk_threads(_DISK_THREADS) as disk:
        around = Surroundings(
            folder=folder,
            environ=INHERITED,
            labels=options.labels,
            interpreter=options.interpreter,
            compat=options.compat,
            adopt=options.adopt,
            output=ThreadPoolExecutor(1, thread_name_prefix="output") if options.show_output else None,
            output_as_json=options.show_output == "json",
            stand_in=options.stand_in,
            log=log,
            processes=Supervised(),
            recorder=_recorder(loop.time) if options.context else None,
            spool_limit=options.spool_limit,
            disk=disk,
            monotonic=loop.time,
            wall_clock=time.time,
        )
        upkeep = Upkeep(around, min_free=options.min_free, keep=options.keep)
        agent = Agent(_state(options, gpus, loop.time()), around, upkeep)
        identity = Identity(
            agent_id=folder.agent_id,
            secret=folder.secret,
            instance=os.urandom(16).hex(),
            boot_id=proc.boot_id(),
            version=own_version,
            labels=options.labels,
            storage=options.storage,
        )
        dialogue = Dialogue(agent, identity, log)
        dialling = Dialling(
            server=options.server,
            token=token,
            token_file=options.token_file,
            environ=INHERITED,
            boot_id=identity.boot_id,
            sweeps=options.sweeps,
        )
        connection = Connection(agent, dialogue, dialling, log, loop.time)
        _hear_signals(agent)
        if options.caller is not None:
            watch_caller(options.caller, lambda: agent.handle(Asked(Wish.TERMINATE)))
        agent.adopt()
        showing = _show_progress(options, agent, log, loop)
        keeping = asyncio.create_task(connection.keep())
        keeping.add_done_callback(agent.fail)
        sampling = None
        if options.system_metrics:
            sampling = begin_to_sample(
                agent.live_attempts, INHERITED, options.system_metrics_every, agent.fail
            )
        leave = await agent.left
        await connection.leave(leave.cause, keeping)
        await agent.close()
        for task in (showing, sampling):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        return leave


def _recorder(monotonic: Callable[[], float]) -> Recorder:
    return Recorder(ThreadPoolExecutor(1, thread_name_prefix="context"), monotonic)


def _failed(message: str, code: int = FAILURE) -> int:
    sys.stderr.write(f"error: {message}\n")
    return code


def _gpus(options: Options) -> tuple[tuple[str, ...], ...] | None:
    if options.gpus_per_run is None:
        return None
    return devices_of_slots(options.slots, options.gpus_per_run, options.gpus, INHERITED)


def _initial_failures() -> int:
    """Return the number of failures at which `--fail-fast` ends an agent, if nearly all runs have failed."""
    text = INHERITED.get(_INITIAL_FAILURES) or "5"
    if not text.isdecimal() or int(text) < 1:
        raise CannotStartError(f"{_INITIAL_FAILURES} is {text!r}, not a whole number from 1", USAGE)
    return int(text)


def _state(options: Options, gpus: tuple[tuple[str, ...], ...] | None, now: float) -> State:
    settings = Settings(
        slots=options.slots,
        count=options.count,
        grace=options.grace,
        stop_on_disconnect=options.stop_on_disconnect,
        wait=options.wait,
        runs_programs=options.stand_in is None,
        gpus=gpus,
        max_failed_in_a_row=options.max_failed_in_a_row,
        fail_fast=options.fail_fast and INHERITED.get(_NO_FLAPPING, "").lower() != "true",
        max_initial_failures=_initial_failures() if options.fail_fast else None,
    )
    names = frozenset(name.full or name.id for name in options.sweeps)
    return State(settings=settings, sweeps=names, served=names, started=now, silent_since=now)


def _hear_signals(agent: Agent) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, agent.handle, Asked(Wish.INTERRUPT))
    loop.add_signal_handler(signal.SIGTERM, agent.handle, Asked(Wish.TERMINATE))
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored under nohup
        loop.add_signal_handler(signal.SIGHUP, agent.handle, Asked(Wish.TERMINATE))


def _show_progress(
    options: Options, agent: Agent, log: Log, loop: asyncio.AbstractEventLoop
) -> asyncio.Task[None] | None:
    """Start to show the status line; None if runs print to the terminal, or it cannot redraw a line."""
    if options.log_as_json or options.show_output or not can_redraw(sys.stderr, INHERITED):
        return None
    status = StatusLine(sys.stderr, lambda width: progress(agent.state, loop.time(), width))
    log.status = status

    async def show() -> None:
        try:
            while True:
                status.draw()
                await asyncio.sleep(_REDRAW_EVERY)
        finally:
            log.status = None
            status.close()

    return asyncio.create_task(show())


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
        raise CannotStartError(f"the token file {options.token_file} is not text") from error


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
    """Create the folder of checkpoints, and check that it is writable."""
    if root is None:
        return
    why = "it cannot be written"
    try:
        make_folder(root)
    except OSError as error:
        why = str(error.strerror)
    if not os.access(root, os.W_OK | os.X_OK):
        raise CannotStartError(
            f"no checkpoint can be kept in {root}: {why}; name a folder with --checkpoint-root"
        )


if __name__ == "__main__":
    main()
