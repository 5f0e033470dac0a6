"""Batched messages: each of several reports or commands in one message is handled as if sent alone."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import grpc
import pytest

from component.scheduler.scripted_agent import ScriptedAgent, id_of, observation_batch, secret_of
from component.scheduler.serving import a_scheduler
from component.scheduler.sweeps import CAPPED, create, get
from sweepd import v1
from sweepd.rpc.bidi_call import MAX_BATCH
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub


def reports_of_a_run(start: v1.StartRun) -> list[v1.AttachRequest]:
    """Return the reports of an agent on a run that finishes, and its next offer."""
    ref = v1.AttemptRef(run_handle=start.run_handle, attempt=start.attempt)
    ended = v1.RunExited(
        attempt=ref, last_row=1, exit=v1.Exit(cause=v1.EXIT_CAUSE_EXITED, code=0), logged_keys=["loss"]
    )
    return [
        v1.AttachRequest(command_result=v1.CommandResult(command_id=start.command_id)),
        v1.AttachRequest(run_started=v1.RunStarted(attempt=ref, pid=1)),
        v1.AttachRequest(observations=observation_batch(ref, 1, 0.5)),
        v1.AttachRequest(run_exited=ended),
        v1.AttachRequest(offer=v1.Offer(wanted=1)),
    ]


def test_all_reports_of_a_run_may_share_a_message(tmp_path: Path) -> None:
    async def scenario() -> list[list[str]]:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, CAPPED)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.receive("welcome")
                await agent.offer()
                for _ in range(sweep.spec.run_cap):
                    start = (await agent.receive("start_run")).start_run
                    await agent.send_together(*reports_of_a_run(start))
                await agent.receive("sweep_ended")
            after = await get(installation, sweep.name)
            assert after.run_counts.finished == sweep.spec.run_cap
            assert after.best_value == 0.5
            return agent.kinds_by_message

    kinds_by_message = asyncio.run(scenario())
    # The end of a run and the start of the next share a commit, so they are reported in one message.
    assert ["ack", "start_run"] in kinds_by_message
    assert max(map(len, kinds_by_message)) == 2


def test_a_hello_with_more_reports_is_refused(tmp_path: Path) -> None:
    async def scenario() -> grpc.StatusCode:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, CAPPED)
            hello = v1.Hello(
                agent_id=id_of("a"),
                agent_secret=secret_of("a"),
                instance="1",
                slots=1,
                protocol_version=1,
                sweeps=[sweep.name],
            )
            call = AgentServiceStub(installation.channel).Attach()
            await call.write(v1.AttachRequest(hello=hello, more=[OFFER]))
            return await call.code()

    assert asyncio.run(asyncio.wait_for(scenario(), 20)) is grpc.StatusCode.INVALID_ARGUMENT


HELLO = v1.AttachRequest(hello=v1.Hello(agent_id="a"))
OFFER = v1.AttachRequest(offer=v1.Offer(wanted=1))
NESTED = v1.AttachRequest(offer=v1.Offer(wanted=1), more=[OFFER])


@pytest.mark.parametrize(
    "reports", [[OFFER] * (MAX_BATCH + 1), [OFFER, NESTED], [OFFER, HELLO]], ids=["many", "nested", "hello"]
)
def test_an_invalid_batch_ends_the_stream(tmp_path: Path, reports: Sequence[v1.AttachRequest]) -> None:
    async def scenario() -> grpc.StatusCode:
        async with a_scheduler(tmp_path) as installation:
            sweep = await create(installation, CAPPED)
            async with ScriptedAgent(installation.channel, sweep.name) as agent:
                await agent.receive("welcome")
                await agent.send_together(*reports)
                error = await agent.end()
                assert error is not None
                return error.code()

    assert asyncio.run(scenario()) is grpc.StatusCode.INVALID_ARGUMENT
