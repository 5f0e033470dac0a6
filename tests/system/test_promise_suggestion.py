"""P15, P17, P18: an unavailable, slow or faulty suggestion service neither delays nor misleads agents."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio

from component.scheduler.scripted_agent import ScriptedAgent
from sweepd import v1
from sweepd.codec.values import point_from_message
from sweepd.spec.parse import parse_text
from sweepd.v1 import suggestion_service_pb2_grpc
from system.installation import Installation
from system.replay import replayed, study_of
from system.wire import Wire, failure, through_the_gateway, wire_to
from waiting import content_of, until_async

OBJECTIVE = "program: train.py\nmetric: {name: loss}\n"
BAYES = OBJECTIVE + "method: bayes\nseed: 11\nparameters: {x: {min: 0.0, max: 1.0}, y: {min: 0, max: 9}}\n"
GRID = OBJECTIVE + "method: grid\nparameters: {a: {min: 1, max: 1000}}\n"
HALVING = (
    OBJECTIVE + "method: random\nparameters: {x: {min: 0.0, max: 1.0}}\n"
    "early_terminate: {type: hyperband, min_iter: 1, eta: 3}\n"
)
BY_MODEL = {v1.POINT_SOURCE_FRESH, v1.POINT_SOURCE_PREFETCHED}


async def one_run(agent: ScriptedAgent, value: float = 0.5) -> v1.StartRun:
    """Take a run and finish it."""
    await agent.offer()
    start = await agent.next_start()
    ref = await agent.start_process(start)
    await agent.observe(ref, 1, value)
    await agent.exit(ref, 1, keys=["loss"])
    await agent.acked_exit(ref)
    return start


async def source_of(wire: Wire, start: v1.StartRun) -> v1.PointSource.ValueType:
    return (await wire.run(start.run)).provenance.source


async def by_model(wire: Wire, agent: ScriptedAgent) -> bool:
    """Return True if the next point is the model's, which fails if the machine is too slow."""
    return await source_of(wire, await one_run(agent)) in BY_MODEL


def test_no_agent_waits_for_a_hanging_service_and_its_recovery_is_noticed(installation: Installation) -> None:
    server = installation.start_server()
    frozen = server.service_pids()["suggestion"]

    async def scenario(wire: Wire) -> None:
        bayes, grid, halving = [await wire.create(text) for text in (BAYES, GRID, HALVING)]
        channel = wire.channel
        async with (
            ScriptedAgent(channel, bayes.name, slots=4) as searcher,
            ScriptedAgent(channel, grid.name) as lister,
            ScriptedAgent(channel, halving.name, slots=2) as halver,
        ):
            for number in range(1, 9):
                await one_run(searcher, 1.0 / number)
            os.kill(frozen, signal.SIGSTOP)
            try:
                began = time.monotonic()
                for _ in range(20):
                    await one_run(lister)
                await _stopped_early(halver)
                assert time.monotonic() - began < 3.0
                while_away = [await one_run(searcher, 0.4) for _ in range(8)]
                assert time.monotonic() - began < 10.0
                sources = {await source_of(wire, start) for start in while_away}
                assert sources <= {v1.POINT_SOURCE_PREFETCHED, v1.POINT_SOURCE_FALLBACK}
                assert v1.POINT_SOURCE_FALLBACK in sources
            finally:
                os.kill(frozen, signal.SIGCONT)
            back = time.monotonic()
            reported = 2 * (8 + len(while_away))  # two observations per run: hand-out and end

            async def is_normal() -> bool:
                """Return True if the model has suggested the next point since its return."""
                last = (await wire.run((await one_run(searcher, 0.3)).run)).provenance
                return last.source in BY_MODEL and last.study_length >= reported

            while not await is_normal():
                assert time.monotonic() - back < 5.0
        runs = await wire.all_runs(bayes.name)
        lines = study_of(server.data / "scheduler" / "scheduler.sqlite", runs)
        async with wire_to(server.service_address("suggestion"), server.service_token) as inner:
            for run in runs:
                if run.provenance.source in BY_MODEL:
                    again = await replayed(inner, bayes.spec, lines, run)
                    assert again == run.parameters, f"run {run.number}: {run.provenance}"

    through_the_gateway(server, scenario)


async def _stopped_early(agent: ScriptedAgent) -> None:
    """Take two runs of which the worse is stopped at the first rung."""
    await agent.offer(2)
    good, bad = [await agent.start_process(await agent.next_start()) for _ in range(2)]
    await agent.observe(good, 1, 0.1)
    await agent.receive("ack", lambda m: m.ack.attempt == good)
    await agent.observe(bad, 1, 0.9)
    assert (await agent.receive("stop_run")).stop_run.attempt == bad


class FaultySuggestions(suggestion_service_pb2_grpc.SuggestionServiceServicer):
    """Suggestion service that returns invalid points or other faulty responses, by `mode`."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.mode = "outside"

    async def Prepare(self, request: v1.PrepareRequest, context: object) -> v1.PrepareResponse:
        return v1.PrepareResponse(engine="faulty/1")

    async def GetImportance(
        self,
        request: v1.GetImportanceRequest,
        context: grpc.aio.ServicerContext[v1.GetImportanceRequest, v1.GetImportanceResponse],
    ) -> v1.GetImportanceResponse:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "nothing is known of importance here")

    async def Suggest(
        self,
        request: v1.SuggestRequest,
        context: grpc.aio.ServicerContext[v1.SuggestRequest, v1.SuggestResponse],
    ) -> v1.SuggestResponse:
        self.calls.append(time.monotonic())
        known = request.first_observation - 1 + len(request.observations)
        if self.mode == "unavailable":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "unavailable")
        if self.mode == "resend":
            return v1.SuggestResponse(resend_from=1)
        if self.mode == "nothing":
            return v1.SuggestResponse(suggestions=v1.Suggestions(observations_known=known))
        if self.mode == "empty":
            return v1.SuggestResponse()
        points = (
            _points_outside()
            if self.mode == "outside"
            else [_point(x=v1.ParameterValue(double_value=0.5), y=v1.ParameterValue(int_value=3))]
        )
        suggestions = [v1.Suggestion(point=point, engine="faulty/1", study_length=known) for point in points]
        return v1.SuggestResponse(
            suggestions=v1.Suggestions(suggestions=suggestions, observations_known=known)
        )


def _point(**values: v1.ParameterValue) -> v1.ParameterMap:
    return v1.ParameterMap(
        entries=[v1.ParameterEntry(name=name, value=value) for name, value in values.items()]
    )


def _points_outside() -> list[v1.ParameterMap]:
    number, whole, text = (
        v1.ParameterValue(double_value=0.5),
        v1.ParameterValue(int_value=3),
        v1.ParameterValue(string_value="rm -rf"),
    )
    return [
        _point(x=v1.ParameterValue(double_value=1.5), y=whole),
        _point(x=number, y=v1.ParameterValue(int_value=10)),
        _point(x=number, y=v1.ParameterValue(double_value=2.5)),
        _point(x=text, y=whole),
        _point(x=number),
        _point(x=number, y=whole, z=text),
        _point(x=v1.ParameterValue(bool_value=True), y=whole),
        _point(),
    ]


MALFORMED = [
    _point(x=v1.ParameterValue(double_value=math.nan), y=v1.ParameterValue(int_value=3)),
    _point(x=v1.ParameterValue(), y=v1.ParameterValue(int_value=3)),
    v1.ParameterMap(entries=[v1.ParameterEntry(name="x", value=v1.ParameterValue(double_value=0.5))] * 2),
]


@asynccontextmanager
async def faulty_service(faulty: FaultySuggestions) -> AsyncIterator[str]:
    server = grpc.aio.server()
    suggestion_service_pb2_grpc.add_SuggestionServiceServicer_to_server(faulty, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def start_scheduler(installation: Installation, suggestion: str) -> tuple[str, str]:
    """Start a scheduler alone; return its address and its access token."""
    installation.start_service("scheduler", "--metrics", "127.0.0.1:1", "--suggestion", suggestion)
    port = content_of(installation.folder / "alone" / "scheduler" / "port").strip()
    token = installation.folder / "state" / "sweepd" / "access-token"
    return f"127.0.0.1:{port}", token.read_text().strip()


def test_points_outside_of_the_space_never_reach_an_agent(installation: Installation) -> None:
    spec = parse_text(BAYES.encode(), file="sweep.yaml").spec
    assert spec is not None

    async def scenario() -> None:
        faulty = FaultySuggestions()
        async with faulty_service(faulty) as suggestion:
            address, token = start_scheduler(installation, suggestion)
            async with wire_to(address, token) as wire:
                sweep = await wire.create(BAYES)
                async with ScriptedAgent(wire.channel, sweep.name, slots=2) as agent:
                    for mode in ("outside", "nothing", "empty", "resend", "outside"):
                        faulty.mode = mode
                        start = await one_run(agent)
                        assert spec.search_space.violations(point_from_message(start.parameters)) == ()
                        assert await source_of(wire, start) == v1.POINT_SOURCE_FALLBACK
                    faulty.mode = "honest"
                    await until_async(lambda: by_model(wire, agent))
                asked = v1.GetSweepImportanceRequest(name=sweep.name)
                refused_call = await failure(wire.sweeps.GetSweepImportance(asked))
                assert (refused_call.code, refused_call.reason) == ("UNAVAILABLE", "service-unavailable")
                assert "nothing is known of importance" in refused_call.message
                log = installation.folder / "scheduler.log"
                refused = [line for line in log.read_text().splitlines() if "refused a suggestion" in line]
                assert len(refused) >= 8
                assert "Traceback" not in log.read_text()

    asyncio.run(scenario())


def test_an_unavailable_service_is_called_less_than_once_a_second(installation: Installation) -> None:
    async def scenario() -> None:
        faulty = FaultySuggestions()
        faulty.mode = "unavailable"
        async with faulty_service(faulty) as suggestion:
            address, token = start_scheduler(installation, suggestion)
            async with wire_to(address, token) as wire:
                sweep = await wire.create(BAYES)
                async with ScriptedAgent(wire.channel, sweep.name, slots=4) as agent:
                    began = time.monotonic()
                    runs = 0
                    while (took := time.monotonic() - began) < 4.0:
                        await one_run(agent)
                        runs += 1
                assert runs > 20
                assert len(faulty.calls) <= 1 + took, [call - began for call in faulty.calls]

    asyncio.run(scenario())
