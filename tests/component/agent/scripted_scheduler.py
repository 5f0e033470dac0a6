"""A scheduler that follows the script of a test."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf.duration_pb2 import Duration

from component.agent.handed_out import Attempt, Session
from reserved_port import ReservedPort
from sweepd import v1
from sweepd.codec.values import point_message
from sweepd.v1.agent_service_pb2_grpc import AgentServiceServicer, add_AgentServiceServicer_to_server
from sweepd.v1.server_service_pb2_grpc import ServerServiceServicer, add_ServerServiceServicer_to_server
from waiting import PATIENCE

SWEEP = "local/demo/tune"
WINDOWS = {
    v1.LANE_POINTS: 1 << 20,
    v1.LANE_SAMPLES: 1 << 16,
    v1.LANE_LOG: 1 << 20,
    v1.LANE_FILES: 1 << 19,
}
Context = grpc.ServicerContext


def lasting(seconds: float) -> Duration:
    """Return a duration as a message."""
    return Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


class ScriptedScheduler(AgentServiceServicer, ServerServiceServicer):
    """Keep all state under one lock; `until` waits until a condition on it holds."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.todo: deque[v1.StartRun] = deque()
        self.attempts: list[Attempt] = []
        self.sessions: list[Session] = []
        self.results: list[v1.CommandResult] = []
        self.reports: list[v1.AttachRequest] = []
        self.sweeps = [SWEEP]
        self.watched = ["loss"]
        self.lost_after = 60.0
        self.stop_grace = 30.0
        self.lease = 30.0
        # Heartbeats arrive and are not answered, as on a link that is half open.
        self.deaf = False
        self.flush_interval = 0.1
        self.acks_points = True
        self.acks_logs = True
        self.acks_files = True
        self.acks_ends = True
        # External metrics of the runs that are added from now on.
        self.metrics_from: v1.MetricsFrom | None = None
        # Details, files and samples are answered with Unsupported.
        self.takes_only_rows = False
        # Sent with the acknowledgement of an end.
        self.notice = ""
        # Sweeps for which agents are reported as ineligible.
        self.ineligible: list[v1.Ineligible] = []
        self.refuse: Callable[[v1.Hello, Context], None] | None = None
        self.fates: dict[str, v1.AttemptFate.ValueType] = {}
        self._command = 0
        self._port = ReservedPort()
        self._server: grpc.Server | None = None

    # Called by tests.

    def start(self) -> str:
        """Serve; return the address, which stays the same after a restart."""
        server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
        self.add_services(server)
        assert server.add_insecure_port(self._port.address) == self._port.number
        server.start()
        self._server = server
        return self._port.address

    def add_services(self, server: grpc.Server) -> None:
        """Add the calls that agents need."""
        add_AgentServiceServicer_to_server(self, server)
        add_ServerServiceServicer_to_server(self, server)
        listing = grpc.unary_unary_rpc_method_handler(
            self.list_sweeps,
            request_deserializer=v1.ListSweepsRequest.FromString,
            response_serializer=v1.ListSweepsResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("sweepd.v1.SweepService", {"ListSweeps": listing})]
        )

    def stop(self) -> None:
        """Stop serving; streams break."""
        if self._server is not None:
            self.break_streams()
            self._server.stop(0).wait()
            self._server = None

    def close(self) -> None:
        """Stop serving for good."""
        self.stop()
        self._port.release()

    def break_streams(self) -> None:
        """End every stream with an error."""
        with self.changed:
            for session in self.sessions:
                session.ended = True
                session.outbox.put(ConnectionError("broken by the test"))

    def add(
        self,
        *command: str,
        params: dict[str, object] | None = None,
        program: str = "",
        attempt: int = 1,
        repeat: int | None = None,
    ) -> str:
        """Hand out a run as soon as an agent wants one; return its name."""
        return self.add_attempt(
            len(self.todo) + len(self.attempts) + 1,
            *command,
            params=params,
            program=program,
            attempt=attempt,
            repeat=repeat,
        )

    def add_attempt(
        self,
        number: int,
        *command: str,
        params: dict[str, object] | None = None,
        program: str = "",
        attempt: int = 1,
        repeat: int | None = None,
    ) -> str:
        """Hand out an attempt at the run with this number as soon as an agent wants one; return its name."""
        start = v1.StartRun(
            run=f"{SWEEP}-{number}",
            sweep=SWEEP,
            number=number,
            attempt=attempt,
            parameters=point_message(params or {}),  # type: ignore[arg-type]
            program=program,
            command=command,
            watched_keys=self.watched,
            rungs=[3, 9],
            stop_grace=lasting(self.stop_grace),
            lost_after=lasting(self.lost_after),
            repeat=repeat,
            metrics_from=self.metrics_from,
            secret=secrets.token_bytes(32),
        )
        with self.changed:
            self.todo.append(start)
            for session in self.sessions[-1:]:
                self._hand_out(session)
        return start.run

    def until(self, true: Callable[[], object], *, within: float = PATIENCE) -> None:
        """Return once `true()` is; fail after `within` seconds."""
        with self.changed:
            assert self.changed.wait_for(true, within), f"not within {within} s"

    def attempt(self, run: str) -> Attempt:
        """Return the newest attempt of a run, once it was handed out."""
        self.until(lambda: any(attempt.run == run for attempt in self.attempts))
        return [attempt for attempt in self.attempts if attempt.run == run][-1]

    def ended(self, run: str, *, within: float = PATIENCE) -> Attempt:
        """Return an attempt once its end was reported."""
        attempt = self.attempt(run)
        self.until(lambda: attempt.exit is not None, within=within)
        return attempt

    def session(self) -> Session:
        """Return the newest stream, once there is one."""
        self.until(lambda: self.sessions)
        return self.sessions[-1]

    def stop_run(self, attempt: Attempt, mode: v1.StopMode.ValueType) -> int:
        """Send a stop for an attempt's process; return the number of the command."""
        session = self.session()
        with self.changed:
            self._command += 1
            ref = v1.AttemptRef(run_handle=session.handle(attempt), attempt=attempt.number)
            session.send(
                stop_run=v1.StopRun(
                    command_id=self._command, attempt=ref, mode=mode, reason="the test says so"
                )
            )
            return self._command

    def fence(self, attempt: Attempt) -> None:
        """Fence an attempt: another one has replaced it."""
        session = self.session()
        with self.changed:
            ref = v1.AttemptRef(run_handle=session.handle(attempt), attempt=attempt.number)
        session.send(fenced=v1.Fenced(attempt=ref))

    def end_sweep(self) -> None:
        """End the sweep."""
        self.session().send(
            sweep_ended=v1.SweepEnded(sweep=SWEEP, state=v1.SWEEP_STATE_FINISHED, reason="run_cap reached")
        )

    # The rpcs of the contract.

    def GetServerInfo(self, request: v1.GetServerInfoRequest, context: Context) -> v1.GetServerInfoResponse:  # noqa: N802
        return v1.GetServerInfoResponse(version="0", protocol_version=1)

    def list_sweeps(self, request: v1.ListSweepsRequest, context: Context) -> v1.ListSweepsResponse:
        return v1.ListSweepsResponse(sweeps=[v1.Sweep(name=name) for name in self.sweeps])

    def ListAgents(self, request: v1.ListAgentsRequest, context: Context) -> v1.ListAgentsResponse:  # noqa: N802
        return v1.ListAgentsResponse()

    def ReleaseAgent(self, request: v1.ReleaseAgentRequest, context: Context) -> v1.ReleaseAgentResponse:  # noqa: N802
        return v1.ReleaseAgentResponse()

    def Attach(  # noqa: N802
        self, request_iterator: Iterator[v1.AttachRequest], context: Context
    ) -> Iterator[v1.AttachResponse]:
        first = next(request_iterator)
        if self.refuse is not None:
            self.refuse(first.hello, context)
        session = Session(first.hello)
        with self.changed:
            session.send(welcome=self._welcome(session))
            self.sessions.append(session)
            self.changed.notify_all()
        threading.Thread(target=self._listen, args=(session, request_iterator), daemon=True).start()
        while (response := session.outbox.get()) is not None:
            if isinstance(response, Exception):
                context.abort(grpc.StatusCode.UNAVAILABLE, str(response))
            else:
                yield response

    def _listen(self, session: Session, requests: Iterator[v1.AttachRequest]) -> None:
        try:
            for message in requests:
                with self.changed:
                    for request in (message, *message.more):
                        self.reports.append(request)
                        self._report(session, request)
                    self.changed.notify_all()
        except grpc.RpcError:
            pass
        with self.changed:
            session.ended = True
        session.outbox.put(None)

    def _welcome(self, session: Session) -> v1.Welcome:
        return v1.Welcome(
            session="s",
            lease_duration=lasting(self.lease),
            lost_after=lasting(self.lost_after),
            heartbeat_interval=lasting(0.5),
            flush_interval=lasting(self.flush_interval),
            windows=[
                v1.LaneWindow(lane=lane, bytes=size)
                for lane, size in WINDOWS.items()
                if lane in {v1.LANE_POINTS, v1.LANE_LOG} or not self.takes_only_rows
            ],
            verdicts=[self._verdict(session, held) for held in session.hello.attempts],
            ineligible=self.ineligible,
        )

    def _verdict(self, session: Session, held: v1.HeldAttempt) -> v1.AttemptVerdict:
        known = [a for a in self.attempts if (a.run, a.number) == (held.run, held.attempt)]
        ref = v1.AttemptRef(run_handle=held.run_handle, attempt=held.attempt)
        if not known or held.secret != known[0].secret:
            return v1.AttemptVerdict(attempt=ref, fate=v1.ATTEMPT_FATE_UNKNOWN)
        attempt = known[0]
        session.handles[held.run_handle] = attempt
        fate = v1.ATTEMPT_FATE_KEEP if attempt.exit is None else v1.ATTEMPT_FATE_DELIVER
        return v1.AttemptVerdict(
            attempt=ref,
            fate=self.fates.get(held.run, fate),
            cursors=self._cursors(attempt),
            exited=attempt.exit is not None,
            run_state=v1.RUN_STATE_UNSPECIFIED if attempt.exit is None else v1.RUN_STATE_FINISHED,
        )

    def _cursors(self, attempt: Attempt) -> list[v1.LaneCursor]:
        cursors = {
            v1.LANE_OBSERVATIONS: attempt.observation_row,
            v1.LANE_DETAILS: max((number for number, _ in attempt.details), default=0),
        }
        if self.acks_points:
            cursors[v1.LANE_POINTS] = attempt.point_row
        if self.acks_logs:
            cursors[v1.LANE_LOG] = len(attempt.log)
        return [v1.LaneCursor(lane=lane, cursor=cursor) for lane, cursor in cursors.items()]

    def _hand_out(self, session: Session) -> None:
        while session.room > 0 and self.todo and not session.ended:
            start = self.todo.popleft()
            self._command += 1
            session.unconfirmed.add(self._command)
            attempt = Attempt(
                run=start.run, number=start.attempt, secret=start.secret, handed_out_at=time.monotonic()
            )
            self.attempts.append(attempt)
            handle = len(self.attempts)
            session.handles[handle] = attempt
            start.command_id = self._command
            start.run_handle = handle
            session.send(start_run=start)

    def _report(self, session: Session, request: v1.AttachRequest) -> None:
        kind = request.WhichOneof("report")
        if kind == "offer":
            session.wanted, session.offered = request.offer.wanted, True
            self._hand_out(session)
        elif kind == "command_result":
            self.results.append(request.command_result)
            session.unconfirmed.discard(request.command_result.command_id)
            if request.command_result.error:
                session.wanted = 0
            self._hand_out(session)
        elif kind == "details" and self.takes_only_rows:
            session.send(unsupported=v1.Unsupported(report="report details: they are not taken here"))
        elif kind == "goodbye":
            session.said_goodbye = True
        elif kind == "heartbeat":
            if not self.deaf:
                session.send(heartbeat_seen=v1.HeartbeatSeen())
        elif kind != "hello":
            body = getattr(request, str(kind))
            attempt = session.handles[body.attempt.run_handle]
            assert attempt.number == body.attempt.attempt
            self._report_of(session, attempt, request)

    def _report_of(self, session: Session, attempt: Attempt, request: v1.AttachRequest) -> None:
        match request.WhichOneof("report"):
            case "run_started":
                attempt.takes_start(request.run_started)
            case "observations":
                attempt.takes_observations(request.observations)
                self._ack(session, attempt, v1.LANE_OBSERVATIONS, attempt.observation_row)
            case "details":
                attempt.details.append((request.details.sequence, request.details.details))
                self._ack(session, attempt, v1.LANE_DETAILS, request.details.sequence)
            case "piece" if self._acks(request.piece.lane):
                self._ack(session, attempt, request.piece.lane, attempt.takes_piece(request.piece))
            case "run_exited" if attempt.takes_exit(request.run_exited) and self.acks_ends:
                ref = v1.AttemptRef(run_handle=session.handle(attempt), attempt=attempt.number)
                session.send(
                    ack=v1.Ack(attempt=ref, exited=True, run_state=v1.RUN_STATE_FINISHED, notice=self.notice)
                )
            case "run_exited" if self.acks_ends:
                self._ack(session, attempt, v1.LANE_OBSERVATIONS, attempt.observation_row)

    def _acks(self, lane: v1.Lane.ValueType) -> bool:
        taken = {
            v1.LANE_POINTS: self.acks_points,
            v1.LANE_LOG: self.acks_logs,
            v1.LANE_FILES: self.acks_files,
        }
        return taken.get(lane, True)

    def _ack(self, session: Session, attempt: Attempt, lane: v1.Lane.ValueType, cursor: int) -> None:
        ref = v1.AttemptRef(run_handle=session.handle(attempt), attempt=attempt.number)
        session.send(ack=v1.Ack(attempt=ref, cursors=[v1.LaneCursor(lane=lane, cursor=cursor)]))
