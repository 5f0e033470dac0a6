"""Dialogue on a stream: Hello, and the handling of the scheduler's commands."""

import os
import socket
from collections.abc import Iterator, Sequence

from sweepd import v1
from sweepd.codec.values import CodecError
from sweepd.durations import seconds_of
from sweepd_agent.agent import Agent
from sweepd_agent.attempt import Attempt
from sweepd_agent.core.attempt import AttemptKey, Json
from sweepd_agent.core.events import (
    DrainReceived,
    EligibilityChanged,
    ExitAcked,
    ExitReported,
    Fenced,
    Ineligibility,
    StartReceived,
    StopReceived,
    StreamOpened,
    SweepEnded,
    Verdict,
)
from sweepd_agent.core.state import Held, Phase, Standing
from sweepd_agent.process.proc import boot_id
from sweepd_agent.startup import installed_version
from sweepd_agent.surroundings import Surroundings
from sweepd_agent.wire import codec
from sweepd_agent.wire.feed import Feed
from sweepd_agent.wire.stream import Stream

PROTOCOL_VERSION = 1
# The agent's own handles start high, so that they differ from the scheduler's, which start low.
_FIRST_HANDLE = 2**31


class Dialogue:
    """Agent's side of the dialogue with the scheduler, over successive streams."""

    def __init__(self, agent: Agent, around: Surroundings) -> None:
        self._agent = agent
        self._around = around
        self._log = around.log
        self._instance = os.urandom(16).hex()
        self._version = installed_version()
        self.boot_id = boot_id()
        self._served = agent.state.sweeps
        self.session = ""
        self.lost_after: float | None = None

    def hello(self, handles: dict[int, AttemptKey]) -> v1.Hello:
        """Return the Hello with the agent's identity and held attempts; fill `handles` with their handles."""
        around = self._around
        hello = v1.Hello(
            agent_id=around.folder.agent_id,
            agent_secret=around.folder.secret,
            instance=self._instance,
            pid=os.getpid(),
            host=socket.gethostname()[:255],
            host_boot_id=self.boot_id,
            version=self._version,
            protocol_version=PROTOCOL_VERSION,
            slots=self._agent.state.settings.slots,
            labels=around.labels,
            storage=around.storage,
            sweeps=sorted(self._agent.state.sweeps or self._served),
        )
        known = (held for held in self._agent.state.held.values() if held.standing is not Standing.FENCED)
        for handle, held in enumerate(known, _FIRST_HANDLE):
            handles[handle] = held.key
            hello.attempts.append(self._held_attempt(handle, held))
        return hello

    def welcomed(self, stream: Stream, welcome: v1.Welcome) -> None:
        """Apply the scheduler's verdicts, and open the feed of each attempt that it knows."""
        agent = self._agent
        agent.stream = stream
        agent.flush_interval = seconds_of(welcome.flush_interval) or agent.flush_interval
        self.session = welcome.session
        self.lost_after = seconds_of(welcome.lost_after) or None
        verdicts: dict[AttemptKey, Verdict] = {}
        exited: set[AttemptKey] = set()
        reasons: dict[AttemptKey, str] = {}
        for answer in welcome.verdicts:
            key = stream.handles.get(answer.attempt.run_handle)
            if key is None:
                continue
            verdicts[key] = codec.verdict(answer.fate)
            if answer.exited or verdicts[key] is Verdict.DELIVER:
                exited.add(key)
            if answer.reason:
                reasons[key] = answer.reason
            attempt = agent.attempts.get(key)
            if attempt is not None and verdicts[key] in {Verdict.KEEP, Verdict.DELIVER}:
                trip = attempt.feed.exit_round_trip()
                stream.open_feed(attempt.feed, answer.attempt.run_handle, codec.cursors(answer.cursors))
                if key in exited:
                    self._result_acked(attempt, answer.run_state, trip)
        agent.handle(
            StreamOpened(
                lease=seconds_of(welcome.lease_duration),
                verdicts=verdicts,
                exited=frozenset(exited),
                reasons=reasons,
                ineligible=_ineligible(welcome),
            )
        )
        for attempt in list(agent.attempts.values()):
            agent.drop_if_delivered(attempt)

    def commanded(self, stream: Stream, response: v1.AttachResponse) -> None:
        """Carry out a command."""
        agent = self._agent
        match response.WhichOneof("command"):
            case "start_run":
                self._start_run(stream, response.start_run)
            case "stop_run":
                self._stop_run(stream, response.stop_run)
            case "drain":
                agent.handle(DrainReceived(response.drain.command_id, response.drain.reason))
            case "ack":
                self._ack(stream, response.ack)
            case "fenced":
                if key := self._key(stream, response.fenced.attempt):
                    agent.handle(Fenced(key))
            case "unsupported":
                stream.refuse(response.unsupported.report)
                for attempt in list(agent.attempts.values()):
                    agent.drop_if_delivered(attempt)
                self._log.once(
                    response.unsupported.report,
                    f"the scheduler rejected a message of this agent: {response.unsupported.report}",
                )
            case "sweep_ended":
                ended = response.sweep_ended
                agent.handle(SweepEnded(ended.sweep, codec.sweep_state(ended.state), ended.reason))
            case "ineligible":
                change = response.ineligible
                agent.handle(EligibilityChanged(change.sweep, codec.ineligibility(change)))
            case other:
                self._log.once(
                    f"command {other}", f"an unknown command of a newer version was ignored: {other}"
                )

    def feeds(self) -> Sequence[Feed]:
        """Return the feeds of all attempts."""
        return [attempt.feed for attempt in self._agent.attempts.values()]

    def alive(self) -> Iterator[Feed]:
        """Yield the feeds of attempts whose process is live or about to start."""
        for key, held in self._agent.state.held.items():
            if held.has_process and key in self._agent.attempts:
                yield self._agent.attempts[key].feed

    def exit_sent(self, feed: Feed) -> None:
        """Record that the end of an attempt was sent."""
        self._agent.handle(ExitReported(feed.key))

    def _held_attempt(self, handle: int, held: Held) -> v1.HeldAttempt:
        attempt = self._agent.attempts.get(held.key)
        acked = attempt.feed.acked if attempt is not None else {}
        return v1.HeldAttempt(
            run_handle=handle,
            run=held.key.run,
            attempt=held.key.attempt,
            alive=held.phase in {Phase.STARTING, Phase.RUNNING},
            cursors=[v1.LaneCursor(lane=lane, cursor=cursor) for lane, cursor in acked.items()],
            secret=held.assignment.secret,
        )

    def _start_run(self, stream: Stream, start: v1.StartRun) -> None:
        try:
            assignment = codec.assignment(start, assigned_time=self._agent.now())
        except CodecError as error:
            stream.control(
                v1.AttachRequest(
                    command_result=v1.CommandResult(command_id=start.command_id, error=str(error))
                )
            )
            return
        stream.handles[start.run_handle] = assignment.key
        self._agent.handle(StartReceived(start.command_id, assignment))

    def _stop_run(self, stream: Stream, stop: v1.StopRun) -> None:
        key = self._key(stream, stop.attempt) or AttemptKey("", stop.attempt.attempt)
        self._agent.handle(StopReceived(stop.command_id, key, codec.stop_mode(stop.mode), stop.reason))

    def _ack(self, stream: Stream, ack: v1.Ack) -> None:
        key = self._key(stream, ack.attempt)
        attempt = self._agent.attempts.get(key) if key is not None else None
        if attempt is None:
            return
        trip = attempt.feed.acknowledged(ack)
        if trip is not None:
            acked = attempt.feed.acked
            fields: dict[str, Json] = {
                "row": acked[v1.LANE_POINTS],
                "observation_row": acked[v1.LANE_OBSERVATIONS],
                "rtt_ms": _milliseconds(trip),
            }
            self._log.event("metrics_acked", attempt.key, fields)
        if ack.exited and not attempt.feed.exit_acked:
            self._exit_acked(attempt, ack)
        stream.wake()  # a window may have opened
        self._agent.drop_if_delivered(attempt)

    def _exit_acked(self, attempt: Attempt, ack: v1.Ack) -> None:
        self._result_acked(attempt, ack.run_state, attempt.feed.exit_round_trip())
        if ack.notice:
            self._log.event("notice", attempt.key, {"message": ack.notice, "topic": "objective"})
        self._agent.handle(ExitAcked(attempt.key))

    def _result_acked(self, attempt: Attempt, state: v1.RunState.ValueType, trip: float | None) -> None:
        """Log once per attempt that its end is stored, whichever message confirms this."""
        attempt.feed.exit_acked = True
        if attempt.mark_result_acked():
            fields: dict[str, Json] = {"state": codec.run_state(state), "rtt_ms": _milliseconds(trip or 0.0)}
            self._log.event("result_acked", attempt.key, fields)

    def _key(self, stream: Stream, ref: v1.AttemptRef) -> AttemptKey | None:
        key = stream.handles.get(ref.run_handle)
        return key if key is not None and key.attempt == ref.attempt else None


def _ineligible(welcome: v1.Welcome) -> dict[str, Ineligibility]:
    changes = ((one.sweep, codec.ineligibility(one)) for one in welcome.ineligible)
    return {sweep: ineligibility for sweep, ineligibility in changes if ineligibility is not None}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
