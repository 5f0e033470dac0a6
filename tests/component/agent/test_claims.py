"""Claims of a standalone run, repeated if the run was lost between the claim and the stream."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from component.agent.agent_processes import MARK, Machine
from component.agent.handed_out import Attempt, Session
from component.agent.scripted_scheduler import Context, ScriptedScheduler
from sweepd import v1
from waiting import until

# Logs one row, and stays until its input ends.
SCRIPT = """
import sys
import sweepd

sweepd.init(project="demo", id="abcdefgh")
sweepd.log({"loss": 0.5})
print(sys.stdin.read())
"""
RUN = "local/demo/abcdefgh"


class ClaimingScheduler(ScriptedScheduler):
    """Count claims; answer the first `losses` streams as if the run had been lost since its claim."""

    def __init__(self) -> None:
        super().__init__()
        self.claims = 0
        self.losses = 0
        self.state = v1.RUN_STATE_RUNNING

    def add_services(self, server: grpc.Server) -> None:
        """Add the calls of a standalone run."""
        super().add_services(server)
        claim = grpc.unary_unary_rpc_method_handler(
            self.claimed,
            request_deserializer=v1.CreateRunRequest.FromString,
            response_serializer=v1.CreateRunResponse.SerializeToString,
        )
        handler = grpc.method_handlers_generic_handler("sweepd.v1.RunService", {"CreateRun": claim})
        server.add_generic_rpc_handlers([handler])

    def claimed(self, request: v1.CreateRunRequest, context: Context) -> v1.CreateRunResponse:
        """Accept the claim."""
        with self.changed:
            self.claims += 1
            if not self.attempts:
                self.attempts.append(Attempt(run=RUN, number=1, secret=request.agent_secret))
            self.changed.notify_all()
        return v1.CreateRunResponse(run=v1.Run(name=RUN, state=self.state, create_time=Timestamp(seconds=1)))

    def _verdict(self, session: Session, held: v1.HeldAttempt) -> v1.AttemptVerdict:
        verdict = super()._verdict(session, held)
        if self.losses:
            self.losses -= 1
            verdict.fate, verdict.run_state = v1.ATTEMPT_FATE_STOP, v1.RUN_STATE_CRASHED
        return verdict


@pytest.fixture
def scheduler() -> Iterator[ClaimingScheduler]:
    scheduler = ClaimingScheduler()
    yield scheduler
    scheduler.close()


def started(machine: Machine) -> subprocess.Popen[str]:
    """Start a script whose run is reported to this scheduler."""
    machine.write("train.py", SCRIPT)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SWEEPD_")}
    own = {"XDG_STATE_HOME": str(machine.folder), "SWEEPD_ADDRESS": machine.address, MARK: machine.mark}
    return subprocess.Popen(
        [sys.executable, "train.py"],
        cwd=machine.folder,
        env=kept | own,
        stdin=subprocess.PIPE,
        text=True,
    )


def test_a_run_lost_between_claim_and_stream_is_claimed_again(
    scheduler: ClaimingScheduler, machine: Machine
) -> None:
    scheduler.losses = 2
    with started(machine) as script:
        attempt = scheduler.attempt(RUN)
        scheduler.until(lambda: attempt.point_row == 1)
        assert (scheduler.claims, len(scheduler.sessions)) == (3, 3)
        assert script.poll() is None
        script.communicate("")
    assert script.returncode == 0
    ended = scheduler.ended(RUN)
    assert ended.exit is not None
    assert ended.exit.exit.code == 0


def test_a_run_that_had_crashed_terminally_is_not_claimed_again(
    scheduler: ClaimingScheduler, machine: Machine
) -> None:
    """The script was started by a user and continues, but its reports no longer count."""
    scheduler.losses, scheduler.state = 1, v1.RUN_STATE_CRASHED
    with started(machine) as script:
        scheduler.session()
        script.communicate("")
    assert script.returncode == 0
    until(lambda: not machine.processes(), what="its agent ends, too")
    assert scheduler.claims == 1
    assert scheduler.attempt(RUN).exit is None
