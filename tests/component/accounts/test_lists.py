"""Lists for a bound token: full pages with everything in its projects and nothing else."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from component.accounts.deployment import FOREIGN, OWN, Deployment, a_deployment
from component.scheduler.scripted_agent import ScriptedAgent
from component.scheduler.sweeps import RANDOM
from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.account_service_pb2_grpc import AccountServiceStub
from sweepd.v1.agent_service_pb2_grpc import AgentServiceStub
from sweepd.v1.metric_service_pb2_grpc import MetricServiceStub
from sweepd.v1.run_service_pb2_grpc import RunServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from waiting import until_async


async def living(folder: Path, main: Callable[[Deployment], Coroutine[Any, Any, None]]) -> None:
    async with a_deployment(folder) as deployment:
        await main(deployment)


async def refused(call: Any) -> Failure:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return Failure.of(error.value)


async def sweeps_seen(channel: grpc.aio.Channel, parent: str = "", size: int = 2) -> list[list[str]]:
    """Return the names of all sweeps, fetched page by page."""
    pages: list[list[str]] = []
    token = ""
    while True:
        request = v1.ListSweepsRequest(parent=parent, page_size=size, page_token=token)
        answer = await SweepServiceStub(channel).ListSweeps(request)
        pages.append([sweep.name for sweep in answer.sweeps])
        token = answer.next_page_token
        if not token:
            return pages


def test_pages_of_sweeps_are_full_and_contain_only_those_of_the_token(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        own = [deployment.sweeps[OWN]]
        for number in range(4):  # one between any two of others
            await deployment.create(FOREIGN)
            own.append(await deployment.create(OWN if number % 2 else "acme/cifar"))
        await deployment.create("acme-2/mnist")
        _, secret = await deployment.token("read", ["acme"])
        _, narrow = await deployment.token("read", [OWN, "nowhere"])
        for way in deployment.ways:
            channel = await deployment.channel(way, secret)
            pages = await sweeps_seen(channel)
            assert [len(page) for page in pages] == [2, 2, 1]
            assert [name for page in pages for name in page] == own[::-1]
            assert await sweeps_seen(channel, "globex") == [[]]
            assert await sweeps_seen(channel, FOREIGN) == [[]]
            assert await sweeps_seen(channel, "nobody/nothing") == [[]]
            seen = await sweeps_seen(await deployment.channel(way, narrow), size=100)
            assert seen == [[name for name in own[::-1] if name.startswith(f"{OWN}/")]]

    asyncio.run(living(tmp_path, main))


def test_agents_are_listed_only_with_sweeps_and_runs_of_the_token(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        _, secret = await deployment.token("read", [OWN])
        everywhere = await deployment.channel("direct")
        mine, theirs = deployment.sweeps[OWN], deployment.sweeps[FOREIGN]
        async with (
            ScriptedAgent(everywhere, mine, named="a-mine") as one,
            ScriptedAgent(everywhere, theirs, named="b-theirs") as two,
            ScriptedAgent(everywhere, mine, named="c-both", more_sweeps=[theirs]) as both,
        ):
            for agent in (one, two, both):
                await agent.receive("welcome")
            await two.offer()
            await two.next_start()
            everyone = await AgentServiceStub(everywhere).ListAgents(v1.ListAgentsRequest())
            assert [agent.id for agent in everyone.agents] == sorted(
                agent.agent_id for agent in (one, two, both)
            )
            for way in deployment.ways:
                stub = AgentServiceStub(await deployment.channel(way, secret))
                seen = await stub.ListAgents(v1.ListAgentsRequest())
                assert [(agent.id, list(agent.sweeps)) for agent in seen.agents] == [
                    (id_, [mine]) for id_ in sorted((one.agent_id, both.agent_id))
                ]
                assert not any(agent.runs for agent in seen.agents)
                error = await refused(stub.ListAgents(v1.ListAgentsRequest(sweep=theirs)))
                assert error.code == "NOT_FOUND"

    asyncio.run(living(tmp_path, main))


def test_an_agent_gets_only_runs_of_the_projects_of_its_token(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        _, secret = await deployment.token("agent", [OWN])
        mine, theirs = deployment.sweeps[OWN], deployment.sweeps[FOREIGN]
        for way in deployment.ways:
            channel = await deployment.channel(way, secret)
            async with ScriptedAgent(channel, theirs, slots=3, more_sweeps=[mine]) as agent:
                await agent.receive("welcome")
                await agent.offer(3)
                for _ in range(3):
                    assert (await agent.next_start()).run.startswith(mine)
            foreign_run = v1.HeldAttempt(run_handle=2**31, run=f"{theirs}-1", attempt=1, alive=True)
            async with ScriptedAgent(channel, mine, held=[foreign_run]) as agent:
                welcome = (await agent.receive("welcome")).welcome
                assert [verdict.fate for verdict in welcome.verdicts] == [v1.ATTEMPT_FATE_UNKNOWN]

    asyncio.run(living(tmp_path, main))


def test_an_agent_with_the_same_name_and_fewer_projects_does_not_replace_the_stream(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        _, secret = await deployment.token("agent", [OWN])
        mine, theirs = deployment.sweeps[OWN], deployment.sweeps[FOREIGN]
        everywhere = await deployment.channel("direct")
        for sweeps in ([mine, theirs], [theirs]):
            async with ScriptedAgent(everywhere, sweeps[0], named="x", more_sweeps=sweeps[1:]) as first:
                await first.receive("welcome")
                for way in deployment.ways:
                    async with ScriptedAgent(
                        await deployment.channel(way, secret), mine, named="x"
                    ) as second:
                        await until_async(lambda second=second: answered(second.ended))  # type: ignore[misc]
                    assert second.error is not None
                    error = Failure.of(second.error)
                    assert (error.code, error.retry_after) == ("UNAVAILABLE", 5.0)
                assert not first.ended
        async with (
            ScriptedAgent(everywhere, mine, named="x") as first,
            ScriptedAgent(await deployment.channel("direct", secret), mine, named="x") as second,
        ):
            await second.receive("welcome")
            await until_async(lambda: answered(first.ended))

    asyncio.run(living(tmp_path, main))


async def answered(value: object) -> object:
    return value


def test_prior_runs_of_another_project_are_anonymous(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        theirs = deployment.sweeps[FOREIGN]
        everywhere = await deployment.channel("direct")
        async with ScriptedAgent(everywhere, theirs) as agent:
            await agent.offer()
            ref = await agent.start_process(await agent.next_start())
            await agent.observe(ref, 1, 0.5)
            await agent.exit(ref, 1)
            await agent.acked_exit(ref)
        wanted = v1.CreateSweepRequest(
            parent=OWN,
            file=v1.SweepFile(file_name="sweep.yaml", content=RANDOM),
            prior_runs=v1.PriorRunSelection(sweeps=[theirs]),
        )
        sweep = (await SweepServiceStub(everywhere).CreateSweep(wanted)).sweep
        asked = v1.ListPriorRunsRequest(sweep=sweep.name)
        for places, name in (([], f"{theirs}-1"), (["globex", "acme"], f"{theirs}-1"), ([OWN], "")):
            _, secret = await deployment.token("read", places)
            stub = RunServiceStub(await deployment.channel("gateway", secret))
            (prior,) = (await stub.ListPriorRuns(asked)).prior_runs
            assert (prior.index, prior.run, len(prior.parameters.entries)) == (1, name, 1)
            if not name:
                assert FOREIGN not in str(await stub.ListRuns(v1.ListRunsRequest(sweep=sweep.name)))

    asyncio.run(living(tmp_path, main))


def test_the_number_of_empty_projects_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MAX_EMPTY_OF_ENTITY", 2), ("MAX_EMPTY", 3), ("MAX_ENTITIES", 1)):
        monkeypatch.setattr(f"sweepd_scheduler.accounts.places.{name}", value)

    async def main(deployment: Deployment) -> None:
        stub = AccountServiceStub(await deployment.channel("direct"))

        async def make(name: str) -> Failure | None:
            try:
                await stub.CreateProject(v1.CreateProjectRequest(name=name))
            except grpc.aio.AioRpcError as error:
                return Failure.of(error)
            return None

        assert [await make("acme/one"), await make("acme/two")] == [None, None]
        full = await make("acme/three")
        assert full is not None
        assert (full.code, full.message.partition(",")[0]) == (
            "RESOURCE_EXHAUSTED",
            "2 projects of acme are still empty",
        )
        assert await make("globex/one") is None
        assert (await make("globex/two") or Failure(code="", message="")).code == "RESOURCE_EXHAUSTED"
        await deployment.create("acme/one")  # now something is in it
        assert await make("acme/three") is None
        await stub.CreateEntity(v1.CreateEntityRequest(name="initech"))
        assert (await refused(stub.CreateEntity(v1.CreateEntityRequest(name="more")))).code == full.code

    asyncio.run(living(tmp_path, main))


def test_projects_and_entities_are_created_by_use_and_listed_only_for_their_tokens(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        stub = AccountServiceStub(await deployment.channel("gateway"))
        await stub.CreateProject(v1.CreateProjectRequest(name="acme/empty"))
        await stub.CreateEntity(v1.CreateEntityRequest(name="initech"))
        for request in ("acme/empty", OWN):
            error = await refused(stub.CreateProject(v1.CreateProjectRequest(name=request)))
            assert (error.code, error.reason) == ("ALREADY_EXISTS", "name-taken")
        for name in ("initech", "acme"):
            assert (
                await refused(stub.CreateEntity(v1.CreateEntityRequest(name=name)))
            ).code == "ALREADY_EXISTS"
        for odd in ("", "acme", "Acme/x", "acme/x/y", "acme/..", "../etc"):
            error = await refused(stub.CreateProject(v1.CreateProjectRequest(name=odd)))
            assert error.code == "INVALID_ARGUMENT", odd
        await deployment.scheduler.stop()
        await deployment.scheduler.start()
        _, bound = await deployment.token("admin", ["acme"])
        for secret, projects, entities in (
            (None, ["acme/empty", OWN, FOREIGN], [("acme", 2), ("globex", 1), ("initech", 0)]),
            (bound, ["acme/empty", OWN], [("acme", 2)]),
        ):
            channel = await (deployment.channel("direct", secret) if secret else deployment.channel("direct"))
            seen = AccountServiceStub(channel)
            listed: list[str] = []
            token = ""
            while True:
                page = await seen.ListProjects(v1.ListProjectsRequest(page_size=1, page_token=token))
                listed += [project.name for project in page.projects]
                token = page.next_page_token
                if not token:
                    break
            assert listed == projects
            found = (await seen.ListEntities(v1.ListEntitiesRequest())).entities
            assert [(entity.name, entity.projects) for entity in found] == entities
            (counted,) = (await seen.ListProjects(v1.ListProjectsRequest(entity="acme"))).projects[1:]
            assert (counted.name, counted.sweeps, counted.runs) == (OWN, 1, 1)
        within = AccountServiceStub(await deployment.channel("direct", bound))
        error = await refused(within.CreateEntity(v1.CreateEntityRequest(name="globex")))
        assert (error.code, error.reason) == ("PERMISSION_DENIED", "not-allowed")
        assert error.message == (
            "creating an entity needs a token without project restriction, and this one is restricted to acme"
        )

    asyncio.run(living(tmp_path, main))


def test_a_token_of_the_maximum_number_of_projects_is_valid_at_every_service(tmp_path: Path) -> None:
    """The gateway sends all of them with each call: gRPC would sometimes refuse so much metadata."""

    async def main(deployment: Deployment) -> None:
        places = [OWN, *(f"{'e' * 60}{number}/{'p' * 64}" for number in range(100, 199))]
        _, secret = await deployment.token("read", places)
        channel = await deployment.channel("gateway", secret)
        for _ in range(20):
            await AccountServiceStub(channel).WhoAmI(v1.WhoAmIRequest())
            await MetricServiceStub(channel).ListSummaries(
                v1.ListSummariesRequest(sweep=deployment.sweeps[OWN])
            )

    asyncio.run(living(tmp_path, main))


def test_creation_does_not_reveal_names_in_other_projects(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        _, secret = await deployment.token("write", [OWN])
        stub = SweepServiceStub(await deployment.channel("gateway", secret))
        taken = deployment.sweeps[FOREIGN].rpartition("/")[2]
        errors = [
            await refused(
                stub.CreateSweep(
                    v1.CreateSweepRequest(
                        parent=FOREIGN, sweep_id=name, file=v1.SweepFile(file_name="s.yaml", content=content)
                    )
                )
            )
            for name in (taken, "absent00")
            for content in (RANDOM, b"")
        ]
        assert {(each.code, each.message) for each in errors} == {("NOT_FOUND", f"{FOREIGN} does not exist")}

    asyncio.run(living(tmp_path, main))
