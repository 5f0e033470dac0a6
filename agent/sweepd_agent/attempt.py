"""Attempt on this machine, from the storage of its assignment to the delivery of all its data."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sweepd.private_files import make_folder
from sweepd_agent.context.recorder import Recorder, recorded
from sweepd_agent.core.attempt import Assignment, AttemptKey, Exit, Outcome, Place, StopOrder
from sweepd_agent.core.events import ProcessEnded, ProcessStarted
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.files.output import copy_of_output
from sweepd_agent.files.row_keeping import RowKeeping, external_metrics_of, feed_of
from sweepd_agent.process import invocation
from sweepd_agent.process import supervised as process
from sweepd_agent.process.supervised import Limits, SupervisedProcess
from sweepd_agent.surroundings import Home, LiveProcess, Surroundings

if TYPE_CHECKING:
    from sweepd_agent.files.external_metrics import ExternalMetrics

# Files that have not grown for `_IDLE_AFTER` seconds are read less often.
_LOOK_EVERY = 0.05
_LOOK_EVERY_IDLE = 0.1
_IDLE_AFTER = 5.0
# Topics of problems with files that the script has written; these are also reported in the run's log.
_SCRIPT_TOPICS = frozenset({"irregular", "files", "details"})


class Attempt:
    """Attempt on this machine; reports events of its process to the agent, and reads rows for its feed."""

    def __init__(
        self, assignment: Assignment, folder: AttemptFolder, around: Surroundings, home: Home
    ) -> None:
        self.assignment = assignment
        self.folder = folder
        self._around = around
        self._home = home
        # True once the log must not grow, because its length is reported with the end of the attempt.
        self._log_has_ended = False
        self.feed = feed_of(assignment, folder, folder.cursors(), around, self._complain)
        self._spool = self.feed.spool
        self._rows = RowKeeping(folder, self.feed, around, self._complain, self._rows_saved)
        self.process: LiveProcess | None = None
        self.argv: list[str] = []
        self._reported_resumed = False
        self._result_acked = folder.result_acked()
        self._task: asyncio.Task[None] | None = None
        self._recording: asyncio.Task[None] | None = None
        self._place = folder.place()
        self._external = external_metrics_of(assignment, folder, around, self._complain)
        self._output = copy_of_output(self.key, folder.log_file, around)

    @property
    def key(self) -> AttemptKey:
        """Key of the attempt."""
        return self.assignment.key

    @property
    def started_time(self) -> float:
        """Unix time at which the process started, or the current time if unknown; for display only."""
        started = self.process.started_time if self.process is not None else None
        return self._around.wall_clock() if started is None else started

    @property
    def resumed_from(self) -> int | None:
        """Step from which the attempt resumed (its first step - 1); None: not resumed, or unknown."""
        first = self._spool.numbering.first_step
        return first - 1 if self.key.attempt > 1 and first is not None and first > 0 else None

    def finish(self, how: Exit) -> None:
        """Report the end of the attempt; call once its rows and its log have been read completely."""
        self._log_has_ended = True
        self.feed.finish(how)

    def mark_result_acked(self) -> bool:
        """Record that the scheduler has stored the end; return True if no agent had recorded this before."""
        if self._result_acked:
            return False
        self._result_acked = True
        with suppress(OSError):  # without the record, a later agent logs this again
            self.folder.mark_result_acked()
        return True

    def find_process(self) -> LiveProcess | None:
        """Find the process of an attempt left on disk, live or ended; return None if it never started."""
        self.process = self._around.processes.find(self.folder)
        # If the process has ended, an earlier agent may have reported its end, with the length of the log.
        self._log_has_ended = self.process is not None and not self.process.alive
        self.feed.details.look()
        self.feed.details.found_context(recorded(self.folder.path))
        self.feed.files.look(ended=True)
        self.argv = self.folder.arguments()
        return self.process

    async def journal(self) -> None:
        """Write the assignment to disk; raise OSError if that fails."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._around.disk, self.folder.journal, self.assignment)

    def start(self, place: Place) -> None:
        """Start the process in the slot and on the GPUs of `place`, and follow it to its end."""
        self._follow(self._launch_and_follow(place))

    def follow_adopted(self) -> None:
        """Follow the adopted process to its end."""
        assert self.process is not None
        if self.argv and recorded(self.folder.path) is None:
            self._begin_to_record(self._around.environ)
        self._follow(self._follow_process(self.process))

    def stop(self, order: StopOrder) -> None:
        """Record the stop order, then end the process."""
        try:
            self.folder.write_order(order)
        except OSError as error:
            why = f"cannot record the stop order in {self.folder.path}: {error.strerror or error}"
            self._around.log.once("order", why, self.key)
        if self.process is not None:
            self.process.stop(order.mode)

    async def close(self) -> None:
        """Stop following the process, which continues under its supervisor."""
        tasks = [task for task in (self._task, self._recording) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._spool.close()
        if self._external is not None:
            self._external.close()
        self.feed.system.spool.close()
        self.feed.files.close()

    @property
    def pid(self) -> int:
        """Process id; 0 if unknown."""
        return self.process.pid if self.process is not None else 0

    @property
    def devices(self) -> tuple[str, ...] | None:
        """Indices or ids of the attempt's devices; None: it may use all."""
        return self._place.gpus if self._place is not None else None

    def add_sample(self, sample: Mapping[str, float]) -> None:
        """Store a sample of the current resource usage of the attempt and the machine."""
        try:
            self.feed.system.add(sample, step=max(0, self._spool.numbering.progress.last_step))
        except OSError as error:
            where = f"cannot write system metrics in {self.folder.path}"
            self._complain("sample", f"{where}: {error.strerror or error}")

    def _rows_saved(self) -> None:
        if self.resumed_from is not None and not self._reported_resumed:
            self._reported_resumed = True
            # Report the step before the rows are sent: it determines which earlier rows they replace.
            self._home.resumed(self.key)
        self._home.wake()

    async def _launch_and_follow(self, place: Place) -> None:
        self._place = place
        try:
            self.process = await self._launched(place)
        except (invocation.StartError, OSError) as error:
            self._handle_end(Outcome(start_error=str(error), time=self._around.wall_clock()))
        except invocation.InvalidCommandError as error:
            self._handle_end(Outcome(command_error=str(error), time=self._around.wall_clock()))
        else:
            if self.process.pid:
                self._home.handle(ProcessStarted(self.key, self.process.pid))
            await self._follow_process(self.process)

    async def _follow_process(self, live: LiveProcess) -> None:
        self._handle_end(await self._read_to_end(live))

    def _follow(self, work: Coroutine[None, None, None]) -> None:
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(self._home.fail)

    def _handle_end(self, outcome: Outcome) -> None:
        log_tail = "" if outcome.code == 0 else self.feed.log.tail()
        self._home.handle(ProcessEnded(self.key, outcome, log_tail))

    async def _launched(self, place: Place) -> SupervisedProcess:
        around = self._around
        checkpoints = around.folder.checkpoint_folder(self.assignment)
        make_folder(checkpoints)
        environ = invocation.environment(self.assignment, place, self.folder, checkpoints, around.environ)
        if compat := self.assignment.compat or around.compat:
            from sweepd.compat.environment import handed_out, search_path  # here, as few runs need it

            environ |= search_path(compat, environ) | handed_out(environ)
        agent = invocation.facts(place, around.labels, environ)
        self.argv = (
            invocation.arguments(self.assignment, agent, self.folder, environ, around.interpreter)
            if around.call_proxy is None
            else list(around.call_proxy)
        )
        self.folder.write_parameters(self.assignment.params)
        self.folder.write_place(place)
        limits = Limits(
            orphan_after=self.assignment.lost_after if around.adopt else 0.0,
            stop_grace=self.assignment.stop_grace,
        )
        if self._external is not None:
            self._external.before_start(environ)
        live = await process.launch(self.folder, self.argv, environ, around.folder.lock_file, limits)
        self._begin_to_record(environ)
        return live

    def _begin_to_record(self, environ: Mapping[str, str]) -> None:
        if self._around.recorder is not None:
            self.feed.details.expect_context()
            self._recording = asyncio.create_task(self._record(self._around.recorder, environ))

    async def _record(self, recorder: Recorder, environ: Mapping[str, str]) -> None:
        """Record the context in the background; neither start nor end of the attempt waits for this."""
        found = None
        try:
            found = await recorder.record(self.folder.path, self.argv, environ)
        except Exception as error:  # noqa: BLE001 -- a failure to record must not harm a run
            self._complain(
                "context",
                f"the context of {self.key.run} (git state, packages, host) was not recorded: {error}",
            )
        self.feed.details.found_context(found)
        self.feed.files.look(ended=True)
        self._home.recorded(self.key)

    async def _read_to_end(self, live: LiveProcess) -> Outcome:
        """Read rows and log until the process has ended, then read the rest; return the outcome."""
        end = asyncio.create_task(live.ended())
        if self._external is not None:
            self._external.open()
        try:
            await self._read_until(end)
        finally:
            end.cancel()
        if self._external is not None:
            await _read_rest(self._external)
        await self._rows.read_rest()
        self.feed.details.look(at_once=True)
        self.feed.files.look(ended=True)
        with suppress(OSError):  # samples are not worth a retry
            self.feed.system.read_rest()
        self._spool.finish()
        if self._output is not None:
            await self._output.show_rest()
        await self._rows.save()
        details = self.feed.details
        return replace(end.result(), preempting=details.preempting, reported_code=details.exit_code)

    async def _read_until(self, end: asyncio.Task[Outcome]) -> None:
        around = self._around
        flushed = active = around.monotonic()
        while not end.done():
            now = around.monotonic()
            has_external = self._external is not None and self._external.look() is not None
            more = await self._rows.read() or has_external
            if self._spool.fresh or more:
                active = now
            if self._spool.urgent or now - flushed >= self._home.flush_interval:
                flushed = now
                if await self._flush():
                    active = now
            pause = _LOOK_EVERY if now - active < _IDLE_AFTER else _LOOK_EVERY_IDLE
            await asyncio.wait({end}, timeout=0.0 if more else pause)  # yields to other tasks in any case

    async def _flush(self) -> bool:
        """Report new data; return True if the log has grown."""
        if any([self.feed.details.look(), self.feed.files.look()]):
            self._home.wake()
        if self._rows.unsaved:
            await self._rows.save()
            await self._rows.thin()
        if not self.feed.log.look():
            return False
        self._home.wake()
        if self._output is not None:
            self._output.show_more()
        return True

    def _complain(self, topic: str, message: str) -> None:
        first = self._around.log.once(f"{topic} {self.folder.path}", message, self.key)
        if first and topic in _SCRIPT_TOPICS and not self._log_has_ended:
            with suppress(OSError):  # the agent's log has the message in any case
                self.folder.append_to_log(f"sweepd: {message}")


async def _read_rest(external: "ExternalMetrics") -> None:
    """Read the rest of the external metrics of an ended script, yielding to other tasks in between."""
    while True:
        wait = external.look(ended=True)
        if wait is None:
            break
        await asyncio.sleep(wait)
    external.close()
