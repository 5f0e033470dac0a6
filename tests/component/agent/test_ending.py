"""End of an agent: on request, when its work is done, or when the server refuses it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from contextlib import suppress

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from component.agent.agent_processes import AgentProcess, Machine
from component.agent.handed_out import Attempt
from component.agent.scripted_scheduler import SWEEP, Context, ScriptedScheduler
from sweepd import v1
from waiting import until

DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(1000)
"""


def sleeping(scheduler: ScriptedScheduler, seconds: float = 1000) -> Attempt:
    """Hand out a run that only sleeps."""
    attempt = scheduler.attempt(scheduler.add("sleep", str(seconds)))
    scheduler.until(lambda: attempt.pid)
    return attempt


def waiting(scheduler: ScriptedScheduler) -> Attempt:
    """Hand out a run that ends once the file `enough` exists."""
    attempt = scheduler.attempt(scheduler.add("sh", "-c", "while [ ! -e enough ]; do sleep 0.02; done"))
    scheduler.until(lambda: attempt.pid)
    return attempt


def cause(attempt: Attempt) -> v1.ExitCause.ValueType:
    """Return why an attempt ended."""
    assert attempt.exit is not None
    return attempt.exit.exit.cause


def test_a_terminated_agent_waits_for_a_short_run_to_finish(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--grace", "10s")
    attempt = waiting(scheduler)
    agent.ask(signal.SIGTERM)
    until(lambda: agent.events("draining"))
    scheduler.add("true")
    (machine.folder / "enough").touch()
    assert agent.ended() == 0
    assert cause(attempt) == v1.EXIT_CAUSE_EXITED
    assert len(scheduler.attempts) == 1, "it accepts no new runs"
    assert scheduler.session().said_goodbye


def test_a_terminated_agent_hands_a_long_run_back_within_the_grace_period(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start("--grace", "2s", "--no-context")
    attempt = sleeping(scheduler)
    asked = time.monotonic()
    agent.ask(signal.SIGTERM)
    assert agent.ended() == 0
    assert time.monotonic() - asked < 2.5
    assert cause(attempt) == v1.EXIT_CAUSE_HANDED_BACK
    assert not machine.processes()


@pytest.mark.parametrize("first", ["the script", "the agent"])
def test_a_run_that_a_platform_ends_with_its_agent_is_handed_back(
    scheduler: ScriptedScheduler, machine: Machine, first: str
) -> None:
    """Send SIGTERM to every process at once, as Slurm, systemd and a host that shuts down do."""
    agent = machine.start("--no-context")
    attempt = sleeping(scheduler)
    everything = sorted(machine.processes(), key=lambda pid: pid != agent.process.pid)
    if first == "the script":
        everything.reverse()
    # No process continues before all have received it, even if this one has to wait in between.
    for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGCONT):
        for pid in everything:
            with suppress(ProcessLookupError):  # one may have ended because of another
                os.kill(pid, number)
    assert agent.ended() == 0
    assert cause(attempt) == v1.EXIT_CAUSE_HANDED_BACK
    assert not machine.processes()


def test_a_script_that_is_terminated_without_its_agent_has_failed(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    machine.start("--no-context")
    attempt = sleeping(scheduler)
    os.kill(attempt.pid, signal.SIGTERM)
    scheduler.ended(attempt.run)
    assert cause(attempt) == v1.EXIT_CAUSE_SIGNALED


def test_a_second_sigterm_shortens_the_grace_period(scheduler: ScriptedScheduler, machine: Machine) -> None:
    agent = machine.start("--grace", "60s")
    attempt = sleeping(scheduler)
    agent.ask(signal.SIGTERM)
    until(lambda: agent.events("draining"))
    agent.ask(signal.SIGTERM)
    assert agent.ended(within=5) == 0
    assert cause(attempt) == v1.EXIT_CAUSE_HANDED_BACK


def test_three_ctrl_c_drain_then_terminate_then_kill(scheduler: ScriptedScheduler, machine: Machine) -> None:
    machine.write("deaf.py", DEAF)
    agent = machine.start("--no-context")
    attempt = scheduler.attempt(scheduler.add(sys.executable, "deaf.py"))
    scheduler.until(lambda: b"deaf" in attempt.log)
    agent.ask(signal.SIGINT)
    until(lambda: len(agent.events("draining")) == 1)
    agent.ask(signal.SIGINT)
    until(lambda: len(agent.events("draining")) == 2)
    time.sleep(0.2)  # nothing is to happen: the process ignores SIGTERM
    os.kill(attempt.pid, 0)
    agent.ask(signal.SIGINT)
    assert agent.ended(within=5) == 130
    assert cause(attempt) == v1.EXIT_CAUSE_HANDED_BACK
    assert not machine.processes()


def test_agents_exit_when_their_sweep_ends(scheduler: ScriptedScheduler, machine: Machine) -> None:
    agent = machine.start()
    attempt = sleeping(scheduler, 0.5)
    scheduler.end_sweep()
    assert agent.ended() == 0
    assert cause(attempt) == v1.EXIT_CAUSE_EXITED


def test_a_drained_agent_exits_when_its_runs_have_ended(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    agent = machine.start()
    attempt = sleeping(scheduler, 0.5)
    scheduler.session().send(drain=v1.Drain(command_id=5, reason="maintenance"))
    assert agent.ended() == 0
    assert cause(attempt) == v1.EXIT_CAUSE_EXITED
    assert any(result.command_id == 5 and not result.error for result in scheduler.results)


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (grpc.StatusCode.NOT_FOUND, "NO_SUCH_NAME", 3),
        (grpc.StatusCode.FAILED_PRECONDITION, "SWEEP_ENDED", 1),
        (grpc.StatusCode.UNAUTHENTICATED, "BAD_TOKEN", 4),
        (grpc.StatusCode.ABORTED, "STREAM_REPLACED", 1),
    ],
)
def test_a_refused_agent_logs_the_reason_and_exits(
    scheduler: ScriptedScheduler, machine: Machine, code: grpc.StatusCode, reason: str, expected: int
) -> None:
    def refuse(hello: v1.Hello, context: Context) -> None:
        info = Any()
        info.Pack(ErrorInfo(reason=f"ERROR_REASON_{reason}", domain="sweepd"))
        status = Status(code=code.value[0], message="not here", details=[info])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, "not here")

    scheduler.refuse = refuse
    agent = machine.start("--log-format", "text")
    assert agent.ended() == expected
    assert any(line.startswith("error: not here") for line in agent.log.read_text().splitlines())
    assert "Traceback" not in agent.log.read_text()


def test_a_refused_agent_with_a_live_run_retries(scheduler: ScriptedScheduler, machine: Machine) -> None:
    scheduler.lost_after = 4.0  # so that it retries each second
    agent = machine.start("--count", "1")
    attempt = waiting(scheduler)
    refused = []

    def refuse(hello: v1.Hello, context: Context) -> None:
        refused.append(hello)
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown sweep")

    scheduler.refuse = refuse
    scheduler.break_streams()
    until(lambda: len(refused) >= 2)
    os.kill(attempt.pid, 0)
    scheduler.refuse = None
    (machine.folder / "enough").touch()
    assert agent.ended() == 0
    assert cause(attempt) == v1.EXIT_CAUSE_EXITED


def test_an_agent_waits_for_its_server(scheduler: ScriptedScheduler, machine: Machine) -> None:
    scheduler.stop()
    agent = machine.start("--count", "1")
    until(lambda: agent.events("disconnected"))
    run = scheduler.add("true")
    scheduler.start()
    scheduler.ended(run)
    assert agent.ended() == 0


def test_the_wait_for_a_server_can_be_limited(machine: Machine) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        machine.address = f"127.0.0.1:{unused.getsockname()[1]}"
        agent = machine.start("--wait", "500ms")
        assert agent.ended() == 6


def test_an_unknown_context_ends_the_agent_at_once(machine: Machine) -> None:
    agent = machine.start("--server", "", SWEEPD_CONTEXT="nobody")
    assert agent.ended() == 3
    (logged,) = agent.events("exiting")
    assert logged["message"] == "there is no context nobody; `sweepctl config view` lists the contexts"


def test_a_bare_id_is_looked_up(scheduler: ScriptedScheduler, machine: Machine) -> None:
    run = scheduler.add("true")
    assert machine.start("--count", "1", sweep="tune").ended() == 0
    assert list(scheduler.session().hello.sweeps) == [SWEEP]
    scheduler.ended(run)
    assert machine.start(sweep="other").ended() == 3
    scheduler.sweeps.append("local/elsewhere/tune")
    ambiguous = machine.start(sweep="tune")
    assert ambiguous.ended() == 2
    assert "local/elsewhere/tune" in ambiguous.log.read_text()


def test_a_state_folder_in_use_is_refused_to_a_second_agent(
    scheduler: ScriptedScheduler, machine: Machine
) -> None:
    first = machine.start()
    scheduler.session()
    second = machine.start()
    assert second.ended() == 1
    assert "in use" in second.log.read_text()
    first.ask(signal.SIGTERM)
    assert first.ended() == 0


def test_agents_without_a_folder_take_free_ones(scheduler: ScriptedScheduler, machine: Machine) -> None:
    agents: list[AgentProcess] = []
    for count in (1, 2):
        agents.append(machine.start(default_state=True))
        scheduler.until(lambda count=count: len(scheduler.sessions) == count)  # type: ignore[misc]
    assert len({session.hello.agent_id for session in scheduler.sessions}) == 2
    attempt = sleeping(scheduler, 2)
    for agent in agents:
        agent.kill()
    third = machine.start("--count", "1", default_state=True)
    assert third.ended() == 0
    assert attempt.exits == 1
