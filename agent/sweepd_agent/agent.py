"""Shell of the agent: passes events to the state machine (`core/machine.py`) and executes its effects."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from sweepd import v1
from sweepd_agent.attempt import Attempt
from sweepd_agent.core.attempt import Assignment, AttemptKey, Exit, exit_of
from sweepd_agent.core.events import (
    Confirm,
    Delivered,
    DiskSpaceChecked,
    Effect,
    Event,
    Forget,
    Journal,
    Journalled,
    Launch,
    Leave,
    LogEvent,
    Offer,
    ReportExit,
    ReportStart,
    Stop,
    StreamClosed,
    Tick,
)
from sweepd_agent.core.leaving import FAILURE, next_deadline
from sweepd_agent.core.machine import decide
from sweepd_agent.core.state import Held, Phase, State
from sweepd_agent.files.attempt_folder import AttemptFolder
from sweepd_agent.files.upkeep import Upkeep
from sweepd_agent.surroundings import Surroundings
from sweepd_agent.wire import codec
from sweepd_agent.wire.stream import Stream

# Seconds to wait for folders to be removed; the next agent removes the rest, e.g. after a disk hang.
_CLEARED_WITHIN = 5.0


class Agent:
    """Shell around the agent's pure state machine; `handle` receives every event, on the event loop."""

    def __init__(self, state: State, around: Surroundings, upkeep: Upkeep) -> None:
        self.state = state
        self.attempts: dict[AttemptKey, Attempt] = {}
        self.stream: Stream | None = None
        self.flush_interval = 1.0
        self.left: asyncio.Future[Leave] = asyncio.get_running_loop().create_future()
        self._around = around
        self._upkeep = upkeep
        self._tasks: set[asyncio.Task[None]] = set()
        # Tasks that remove the folders of dropped attempts.
        self._clearing: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def adopt(self) -> None:
        """Adopt the attempts that an earlier agent left in the state folder."""
        for folder in self._around.folder.attempts():
            assignment = folder.assignment()
            if folder.delivered_at() is not None:
                self._upkeep.remove_later(folder)
            elif assignment is not None:
                self._adopt(assignment, folder)
        for held in list(self.state.held.values()):
            if held.has_process and held.place is None:  # the record of its place is lost
                self._hold(replace(held, place=self.state.place_for_found(None)))
        self.background(self._upkeep.watch_disk(self._disk_space_checked))
        self._set_timer()

    def handle(self, event: Event) -> None:
        """Pass an event to the state machine, and execute the effects that it returns."""
        decision = decide(self.state, event, self._around.monotonic())
        self.state = decision.state
        for effect in decision.effects:
            self._perform(effect)
        self._set_timer()

    def fail(self, work: asyncio.Task[None]) -> None:
        """End the agent if the task `work` has failed; done callback of the tasks that an agent needs."""
        if not work.cancelled() and (error := work.exception()) is not None and not self.left.done():
            message = f"internal error: {type(error).__name__}: {error}"
            self._perform(
                LogEvent("exiting", None, {"cause": "failure", "exit_code": FAILURE, "message": message})
            )
            self._perform(Leave(FAILURE, "failure", message))

    def now(self) -> float:
        """Return the Unix time; for display only."""
        return self._around.wall_clock()

    def wake(self) -> None:
        """Wake the stream, so that it sends new reports."""
        if self.stream is not None:
            self.stream.wake()

    async def close(self) -> None:
        """Close all attempts and cancel all tasks; live processes continue under their supervisors."""
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(*(attempt.close() for attempt in self.attempts.values()))
        if self._clearing:
            await asyncio.wait(self._clearing, timeout=_CLEARED_WITHIN)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def disconnected(self) -> None:
        """Record that the stream has ended."""
        last_received = self.stream.last_received if self.stream is not None else None
        self.stream = None
        for attempt in self.attempts.values():
            attempt.feed.close()
        self.handle(StreamClosed(last_received))

    def live_attempts(self) -> list[Attempt]:
        """Return the attempts whose process is running."""
        return [
            self.attempts[key]
            for key, held in self.state.held.items()
            if held.phase is Phase.RUNNING and key in self.attempts
        ]

    def drop_if_delivered(self, attempt: Attempt) -> None:
        """Drop an attempt if all its data is delivered."""
        if attempt.feed.delivered:
            self.handle(Delivered(attempt.key))

    def resumed(self, key: AttemptKey) -> None:
        """Report the step from which an attempt has resumed."""
        if (attempt := self.attempts.get(key)) is not None:
            self._report_start(attempt)

    def recorded(self, key: AttemptKey) -> None:
        """Send the recorded context of an attempt, or drop the attempt if all its data is delivered."""
        if (attempt := self.attempts.get(key)) is not None:
            self.wake()
            self.drop_if_delivered(attempt)

    def _adopt(self, assignment: Assignment, folder: AttemptFolder) -> None:
        attempt = Attempt(assignment, folder, self._around, self)
        process = attempt.find_process()
        held = Held(
            assignment=assignment,
            phase=Phase.READY,
            order=folder.order(),
            place=folder.place(),
            foreign=not self.state.serves(assignment.sweep),
        )
        self.attempts[attempt.key] = attempt
        if process is None:
            self._hold(held)
        elif attempt.feed.exit_acked and (end := self._around.processes.outcome(folder)) is not None:
            how = exit_of(end, held.order)
            attempt.finish(how)
            self._hold(replace(held, phase=Phase.ENDED, exit=how, acked=True))
        else:
            self._hold(replace(held, phase=Phase.RUNNING, pid=process.pid))
            if process.alive:
                self._around.log.event("run_adopted", attempt.key, {"run_pid": process.pid})
                if held.order is not None:  # the process may not have been signalled
                    attempt.stop(held.order)
            attempt.follow_adopted()

    def _disk_space_checked(self, enough: bool) -> None:
        if enough != self.state.enough_room:
            self.handle(DiskSpaceChecked(enough))

    def _hold(self, held: Held) -> None:
        self.state = replace(self.state, held={**self.state.held, held.key: held})

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Journal():
                self.background(self._journal(effect))
            case Launch():
                self.attempts[effect.key].start(effect.place)
            case Stop():
                self.attempts[effect.key].stop(effect.order)
            case Confirm():
                result = v1.CommandResult(command_id=effect.command_id, error=effect.error)
                self._send(v1.AttachRequest(command_result=result))
            case Offer():
                self._send(v1.AttachRequest(offer=v1.Offer(wanted=effect.wanted)))
            case ReportStart():
                self._report_start(self.attempts[effect.key])
            case ReportExit():
                self._report_exit(self.attempts.get(effect.key), effect.exit)
            case Forget():
                self._forget(effect.key)
            case LogEvent():
                self._around.log.event(effect.event, effect.key, effect.fields)
            case Leave():
                if not self.left.done():
                    self.left.set_result(effect)

    async def _journal(self, effect: Journal) -> None:
        """Write a new attempt to disk; if that fails, refuse the run at once."""
        assignment = effect.assignment
        folder = self._around.folder.new_attempt(assignment)
        attempt = Attempt(assignment, folder, self._around, self)
        error = ""
        try:
            await attempt.journal()
        except OSError as failure:
            error = f"cannot write in {folder.path}: {failure.strerror or failure}"
            self._around.log.once("journal", error, assignment.key)
            folder.remove()
        else:
            self.attempts[assignment.key] = attempt
            self._open_feed(attempt)
        self.handle(Journalled(assignment.key, effect.command_id, error))

    def _open_feed(self, attempt: Attempt) -> None:
        """Open the feed of an attempt on the stream through which the attempt was handed out."""
        if self.stream is not None:
            for handle, key in self.stream.handles.items():
                if key == attempt.key:
                    self.stream.open_feed(attempt.feed, handle)

    def _report_start(self, attempt: Attempt) -> None:
        held = self.state.held.get(attempt.key)
        if attempt.feed.ref is not None and held is not None and held.pid is not None:
            report = codec.run_started(
                attempt.feed.ref,
                pid=held.pid,
                time=attempt.started_time,
                argv=attempt.argv,
                resumed_from=attempt.resumed_from,
            )
            self._send(report)

    def _report_exit(self, attempt: Attempt | None, how: Exit) -> None:
        if attempt is None:
            return
        attempt.finish(how)
        self.wake()
        self.drop_if_delivered(attempt)

    def _forget(self, key: AttemptKey) -> None:
        attempt = self.attempts.pop(key, None)
        if attempt is not None:
            clearing = self.background(self._upkeep.discard(attempt))
            self._clearing.add(clearing)
            clearing.add_done_callback(self._clearing.discard)

    def _send(self, report: v1.AttachRequest) -> None:
        if self.stream is not None:
            self.stream.control(report)

    def background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that the agent needs: its failure ends the agent. `close` cancels the task."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self.fail)
        return task

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = next_deadline(self.state, self._around.monotonic())
        if deadline is not None and not self.state.left:
            self._timer = asyncio.get_running_loop().call_at(deadline, self.handle, Tick())
