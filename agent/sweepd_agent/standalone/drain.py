"""Drain of a folder: `python -m sweepd_agent.standalone.drain DIR` sends its data without starting runs.

DIR is the folder of a standalone run, whose script may still be running, or the state folder of a sweep agent
that has ended. `sweepd.init` starts this program for its run, and `sweepctl sync` for data that is left. It
ends once all attempts have ended and the server has acknowledged all their data, or once no process has run
and no data has been acknowledged for the duration of `--grace`.
"""

from sweepd_agent.startup import INHERITED

# isort: split
import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from sweepd import v1
from sweepd.durations import parse_duration
from sweepd.regular_files import write_inside
from sweepd.script.folder.run_folder import FILE, LEFT
from sweepd_agent.agent import Agent
from sweepd_agent.attempt import Attempt
from sweepd_agent.context.recorder import Recorder, forget_before
from sweepd_agent.context.sampler import EVERY, Sampler
from sweepd_agent.core.attempt import Json
from sweepd_agent.core.events import EndRequest, EndRequested, Leave
from sweepd_agent.core.leaving import OK, USAGE
from sweepd_agent.core.state import Leaving, Settings, State
from sweepd_agent.files.state_folder import FolderInUseError, StateFolder, open_folder
from sweepd_agent.files.upkeep import Upkeep
from sweepd_agent.log import Log
from sweepd_agent.process import proc
from sweepd_agent.process import supervised as process
from sweepd_agent.program import fail, run_program
from sweepd_agent.standalone.claim import Claim
from sweepd_agent.standalone.run import RUN_FILE, StandaloneFolder, StandaloneState, open_standalone
from sweepd_agent.standalone.script_process import Scripts
from sweepd_agent.surroundings import Surroundings
from sweepd_agent.wire.connection import Connection, Dialling
from sweepd_agent.wire.dialogue import Dialogue
from sweepd_agent.wire.stream import Stream

IN_USE = 10
"""Exit code if another agent has locked the folder, and drains it."""
_CAUSE = "everything is synced"
_LOOK_EVERY = 0.25
# Enough for all attempts in a folder, so that none is refused for lack of a slot.
_SLOTS = 1_024
_LOST = "the server considered the run lost; claiming it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the command line; durations in seconds."""

    folder: Path
    server: str | None
    token_file: Path | None
    grace: float
    wait: float | None
    # Longest wait for the lock of the folder.
    patience: float
    # Interval between samples of the script's resource usage.
    system_metrics_every: float
    log_as_json: bool
    # Whether to record problems in the folder, for the script to show.
    tells_script: bool
    # Process id and descriptor of the script that started this agent.
    script: tuple[int, int] | None


class ClaimedDialogue(Dialogue):
    """Dialogue of a standalone run: no other agent can have the run, so a lost run is claimed again."""

    def __init__(self, agent: Agent, around: Surroundings, claim: Claim) -> None:
        super().__init__(agent, around)
        self._claim = claim

    def welcomed(self, stream: Stream, welcome: v1.Welcome) -> None:
        """Apply the scheduler's verdicts; raise ConnectionResetError if the run was lost since its claim."""
        if self._claim.live and any(_lost(verdict) for verdict in welcome.verdicts):
            raise ConnectionResetError(_LOST)
        super().welcomed(stream, welcome)

    def commanded(self, stream: Stream, response: v1.AttachResponse) -> None:
        """Carry out a command; raise ConnectionResetError if the run was lost."""
        if response.HasField("fenced"):
            raise ConnectionResetError(_LOST)
        super().commanded(stream, response)


def _lost(verdict: v1.AttemptVerdict) -> bool:
    return verdict.fate == v1.ATTEMPT_FATE_STOP and verdict.run_state == v1.RUN_STATE_CRASHED


class Trouble:
    """Notice in the run folder, shown by the script, that a standalone run cannot be synced."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / FILE
        # Last recorded reason; None: nothing recorded yet, but an earlier attempt may have left a notice.
        self._why: str | None = None

    def record(self, server: str, why: str) -> None:
        """Record the reason why the run cannot be synced; if `why` is empty, remove the notice.

        The script removes a notice once it has shown it.
        """
        if why == self._why:
            return
        self._why = why
        with suppress(OSError):  # the folder was removed or its disk is full: `agent/log` also has the reason
            if not why:
                self._file.unlink(missing_ok=True)
                return
            document = {"server": server or "the server", "folder": str(self._folder), "why": why}
            write_inside(self._file.parent, self._file.name, f"{json.dumps(document)}\n".encode())

    def leave(self) -> None:
        """Move a notice that was not shown to the parent folder, where the next script shows it."""
        with suppress(OSError):
            self._file.replace(self._folder.parent / LEFT)


def main(arguments: Sequence[str] | None = None) -> None:
    """Drain a folder, then exit."""
    options = _parse(arguments)
    try:
        token = options.token_file.read_text().strip() if options.token_file is not None else None
        folder = _open(options.folder, options.patience)
    except FolderInUseError as error:
        fail(str(error), IN_USE)
    except (OSError, ValueError) as error:
        fail(f"cannot sync {options.folder}: {error}")
    if folder is None:
        fail(f"{options.folder} is neither a run folder nor the state folder of an agent", USAGE)
    # Leave the working directory, so that its disk can be unmounted; all paths are absolute by now.
    os.chdir("/")
    own = folder if isinstance(folder, StandaloneState) else None

    async def run_agent(log: Log, disk: Executor) -> Leave:
        around = Surroundings(
            folder=folder,
            environ=INHERITED,
            recorder=recorder_of(own.run) if own is not None else None,
            log=log,
            spool_limit=sys.maxsize,
            disk=disk,
            processes=Scripts(options.script) if own is not None else process.Supervised(),
        )
        agent = Agent(_state(options), around, Upkeep(around, min_free=0, keep=0.0))
        claim = Claim(own, agent, log) if own is not None else None
        dialogue = Dialogue(agent, around) if claim is None else ClaimedDialogue(agent, around, claim)
        trouble = Trouble(own.run.path) if own is not None and options.tells_script else None
        dialling = Dialling(
            server=options.server,
            token=token,
            token_file=options.token_file,
            sweeps=(),
            prepare=claim,
            trouble=None if trouble is None else trouble.record,
        )
        _handle_signals(agent)
        agent.adopt()
        if not agent.state.held:
            return Leave(OK, _CAUSE)
        found = tuple(agent.attempts.values())
        if own is not None and _script_is_live(agent):
            sampler = Sampler(agent.live_attempts, INHERITED, every=options.system_metrics_every)
            agent.background(sampler.run())
        agent.background(_watch(agent, options.grace))
        leave = await Connection(agent, dialogue, dialling, around).stay()
        if trouble is not None:
            trouble.leave()
        for attempt in found:
            _log_delivery(attempt, log)
        return leave

    run_program(folder, run_agent, log_as_json=options.log_as_json)


def _log_delivery(attempt: Attempt, log: Log) -> None:
    """Log how much of an attempt is delivered, for `sweepctl sync`."""
    acked = attempt.feed.acked
    fields: dict[str, Json] = {
        "rows": acked[v1.LANE_POINTS],
        "log_bytes": acked[v1.LANE_LOG],
        "whole": attempt.feed.delivered,
    }
    log.event("brought_in", attempt.key, fields)


async def _watch(agent: Agent, grace: float) -> None:
    """End the agent once no process has run and no data was acknowledged for `grace` seconds."""
    loop = asyncio.get_running_loop()
    before, since = _progress(agent), loop.time()
    while not agent.left.done():
        await asyncio.sleep(_LOOK_EVERY)
        now = _progress(agent)
        if now != before or agent.state.has_processes:
            before, since = now, loop.time()
        elif loop.time() - since >= grace:
            _leave(agent)


def _progress(agent: Agent) -> tuple[object, ...]:
    return tuple((key, each.feed.progress) for key, each in agent.attempts.items())


def _leave(agent: Agent) -> None:
    """End the agent; data that is not delivered stays on disk for the next agent."""
    agent.handle(EndRequested(EndRequest.TERMINATE))
    agent.handle(EndRequested(EndRequest.TERMINATE))


def _handle_signals(agent: Agent) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, _leave, agent)
    loop.add_signal_handler(signal.SIGINT, _leave, agent)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the script may outlive its terminal


def _state(options: Options) -> State:
    settings = Settings(slots=_SLOTS, grace=sys.float_info.max, wait=options.wait)
    leaving = Leaving(cause=_CAUSE, code=OK)
    now = time.monotonic()
    return State(settings=settings, sweeps=frozenset(), started=now, silent_since=now, leaving=leaving)


def _open(path: Path, patience: float) -> StateFolder | None:
    """Open and lock the folder; return None if it is neither a run folder nor a state folder."""
    if (path / RUN_FILE).exists():
        return open_standalone(path.resolve(), patience)
    if (path / "runs").is_dir() and any((path / name).exists() for name in ("agent.json", "lock")):
        return open_folder(path.absolute())
    return None


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="sweepd_agent.standalone.drain", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path)
    add("--server")
    add("--token-file", type=Path)
    add("--grace", type=parse_duration, default=600.0)
    add("--wait", type=parse_duration)
    add("--patience", type=parse_duration, default=0.0)
    add("--system-metrics-every", type=parse_duration, default=EVERY)
    add("--log-format", choices=("text", "json"), default="text")
    add("--tells-script", action="store_true")
    add("--script", nargs=2, type=int, metavar=("PID", "DESCRIPTOR"))
    given = parser.parse_args(arguments)
    values = vars(given) | {
        "token_file": given.token_file and given.token_file.absolute(),
        "log_as_json": given.log_format == "json",
        "script": given.script and tuple(given.script),
    }
    return Options(**{field.name: values[field.name] for field in fields(Options)})


# Seconds after the end of a script during which its context is still recorded. Otherwise, a script that ends
# before its agent has started would have no context.
_CONTEXT_VALID_FOR = 10.0


def recorder_of(folder: StandaloneFolder) -> Recorder | None:
    """Return the recorder of a script's context; None if the context can no longer be determined.

    The context of an earlier attempt is removed, as this attempt may run other code.
    """
    run, script = folder.run(), folder.script()
    if run is None or script is None:
        return None
    forget_before(folder.path, run.started)
    ended_for = 0.0 if run.ended is None else time.time() - run.ended
    is_live = run.ended is not None or proc.start_ticks(script.pid) == script.start
    if (
        script.boot != proc.boot_id()
        or script.directory is None
        or not is_live
        or ended_for > _CONTEXT_VALID_FOR
    ):
        return None
    return Recorder(directory=script.directory, interpreter=script.interpreter)


def _script_is_live(agent: Agent) -> bool:
    """True if the script of an attempt was live when it was looked up."""
    return any(each.process is not None and each.process.alive for each in agent.live_attempts())


if __name__ == "__main__":
    main()
