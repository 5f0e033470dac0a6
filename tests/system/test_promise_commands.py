"""P21, P22: commands about runs have one effect and one response even if the scheduler is killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import grpc.aio
from google.protobuf.field_mask_pb2 import FieldMask

from sweepd import v1
from sweepd.codec.values import point_message
from system.installation import Installation, Server
from system.promises import SHORT, assert_sound, attempts, runs, state_of, sweep
from system.wire import Wire, through_the_gateway
from waiting import until

A = TypeVar("A")
DELAYS = (0.0, 0.002, 0.005, 0.015)
"""From the call to the death of the scheduler, in seconds: before, while and after it is stored."""
PATIENCE = 60.0


async def with_scheduler_killed(server: Server, delay: float, call: Callable[[], Awaitable[A]]) -> A:
    """Make a call, kill the scheduler meanwhile, and repeat the call until it succeeds."""
    victim = server.service_pids()["scheduler"]
    under_way = asyncio.ensure_future(call())
    await asyncio.sleep(delay)
    os.kill(victim, signal.SIGKILL)
    first: A | None = None
    with suppress(grpc.aio.AioRpcError):
        first = await under_way
    answer = await answered(call)
    assert first is None or answer == first, "the repeated call returns the first response"
    return answer


async def answered(call: Callable[[], Awaitable[A]]) -> A:
    """Repeat a call until a scheduler is available, and return its response."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                await asyncio.sleep(0.1)


def test_each_point_is_enqueued_once_whenever_the_scheduler_is_killed(installation: Installation) -> None:
    server = installation.start_server()
    name = installation.create(sweep("steps.py", runs=50))

    async def scenario(wire: Wire) -> None:
        for number, delay in enumerate(DELAYS):
            request = v1.EnqueueRunRequest(
                sweep=name, parameters=point_message({"a": number}), request_id=f"enqueue-{number}"
            )
            answer = await with_scheduler_killed(server, delay, lambda: wire.runs.EnqueueRun(request))  # noqa: B023
            assert [run.number for run in answer.runs] == [number + 1]

    through_the_gateway(server, scenario)
    listed = runs(installation, name)
    assert [run["params"]["a"] for run in listed] == list(range(len(DELAYS)))  # type: ignore[index]  # it is JSON
    assert server.stop() == 0
    assert_sound(server)


def test_twenty_callers_with_one_request_id_enqueue_one_run(installation: Installation) -> None:
    server = installation.start_server()
    name = installation.create(sweep("steps.py", runs=50))
    request = v1.EnqueueRunRequest(sweep=name, parameters=point_message({"a": 7}), request_id="one")

    async def scenario(wire: Wire) -> None:
        answers = await asyncio.gather(*(wire.runs.EnqueueRun(request) for _ in range(20)))
        assert {answer.SerializeToString() for answer in answers} == {answers[0].SerializeToString()}

    through_the_gateway(server, scenario)
    assert [run["params"] for run in runs(installation, name)] == [{"a": 7}]


def test_failed_runs_are_retried_once_each_although_scheduler_and_agent_are_killed(
    installation: Installation,
) -> None:
    """P13, P21: the retry of many runs is stored as one; lost runs get another attempt."""
    server = installation.start_server(*SHORT)
    installation.write("trial.sh", "[ -f fixed ] || exit 3\nsleep 0.1\n")
    grid = "command: [sh, trial.sh]\nmethod: grid\nparameters: {a: {min: 1, max: 36}}\nguard: {agent: 1000}\n"
    name = installation.create(grid)
    agent = installation.start_agent(name, "--slots", "8")

    def all_failed() -> bool:
        state = state_of(installation, name)
        if state == "paused":  # as after the first failures, if no run was live at that time
            installation.ctl("resume", name)
        return state == "finished"

    until(all_failed, within=60)
    assert agent.process.wait(30) == 0
    (installation.work / "fixed").touch()

    async def scenario(wire: Wire) -> None:
        retry = v1.RetryRunsRequest(sweep=name, states=[v1.RUN_STATE_FAILED], request_id="retry")
        answer = await with_scheduler_killed(server, 0.005, lambda: wire.runs.RetryRuns(retry))
        assert (answer.total, len(set(answer.names))) == (36, 36)

    through_the_gateway(server, scenario)
    doomed, left = (installation.start_agent(name, "--slots", "2", state=state) for state in ("a", "b"))
    until(lambda: len(doomed.events("run_ended")) > 3 and len(left.events("run_ended")) > 3)
    os.kill(doomed.pid, signal.SIGKILL)
    os.kill(server.service_pids()["scheduler"], signal.SIGKILL)
    assert left.process.wait(90) == 0
    listed = runs(installation, name)
    assert [run["state"] for run in listed] == ["finished"] * 36
    assert {run["params"]["a"] for run in listed} == set(range(1, 37))  # type: ignore[index]  # it is JSON
    for run in listed:
        (first, *between, last) = attempts(run)
        assert (first, last[1]) == ((1, "ended"), "ended")
        assert {state for _, state in between} <= {"lost", "returned"}, "no successful run runs again"
    assert installation.json("get", name)["state"] == "finished"
    assert server.stop() == 0
    assert_sound(server)


def test_a_sweep_is_edited_and_a_run_retried_once_whenever_the_scheduler_is_killed(
    installation: Installation,
) -> None:
    server = installation.start_server()
    name = installation.create(sweep("fixable.py", runs=1) + "run_cap: 1\n")
    assert installation.start_agent(name).process.wait(60) == 0
    assert installation.json("get", name)["state"] == "finished"

    async def scenario(wire: Wire) -> None:
        for number, delay in enumerate(DELAYS[1:3]):
            retry = v1.RetryRunsRequest(names=[f"{name}-1"], request_id=f"retry-{number}")
            answer = await with_scheduler_killed(server, delay, lambda: wire.runs.RetryRuns(retry))  # noqa: B023
            assert list(answer.names) == [f"{name}-1"]
            stop = v1.StopRunRequest(name=f"{name}-1", request_id=f"stop-{number}")
            assert (await wire.runs.StopRun(stop)).run.state == v1.RUN_STATE_STOPPED
            edit = v1.UpdateSweepRequest(
                sweep=v1.Sweep(name=name, spec=v1.SweepSpec(tags=[f"edit-{number}"])),
                update_mask=FieldMask(paths=["spec.tags"]),
                request_id=f"edit-{number}",
            )
            edited = await with_scheduler_killed(server, delay, lambda: wire.sweeps.UpdateSweep(edit))  # noqa: B023
            assert edited.sweep.revision == number + 2

    through_the_gateway(server, scenario)
    (installation.work / "fixed").touch()
    installation.ctl("retry", f"{name}:1")
    assert installation.start_agent(name).process.wait(60) == 0
    (run,) = runs(installation, name)
    assert (run["state"], attempts(run)) == ("finished", [(1, "ended"), (2, "ended")])
    assert installation.json("get", name)["state"] == "finished"


def test_a_finished_sweep_with_a_raised_cap_continues_for_waiting_and_new_agents(
    installation: Installation,
) -> None:
    """Agents that start before the server find the sweep running again, and it finishes a second time."""
    server = installation.start_server()
    random = (
        sweep("steps.py", runs=1, steps=1)
        .replace("grid", "random")
        .replace("values: [0]", "min: 0, max: 1000")
    )
    name = installation.create(random + "run_cap: 1\n")
    assert installation.start_agent(name).process.wait(60) == 0
    assert installation.json("get", name)["state"] == "finished"
    assert installation.start_agent(name).process.wait(60) != 0, "an ended sweep has no runs"
    installation.ctl("edit", name, "--run-cap", "4")
    address, token = server.address, ("--token-file", str(server.data / "access-token"))
    assert server.stop() == 0
    waiting = installation.start_agent(name, "--server", address, *token, "--wait", "1m")
    until(lambda: waiting.log(), what="the agent looks for the server")
    assert waiting.process.poll() is None
    installation.start_server(listen=address)
    assert waiting.process.wait(60) == 0, waiting.log()
    assert installation.json("get", name)["state"] == "finished"
    installation.ctl("edit", name, "--run-cap", "5")
    assert installation.start_agent(name).process.wait(60) == 0
    shown = installation.json("get", name)
    assert (shown["state"], shown["revision"]) == ("finished", 3)
    assert [run["state"] for run in runs(installation, name)] == ["finished"] * 5
