"""Hostile requests to every call of every port: a proper status, no crash, no delay."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from blocking_channel import channel as channel_to
from component.scheduler.scripted_agent import ScriptedAgent
from lanes import cursor
from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1 import (
    agent_service_pb2,
    metric_service_pb2,
    run_service_pb2,
    server_service_pb2,
    suggestion_service_pb2,
    sweep_service_pb2,
)
from system.hostile import forged_tokens, messages
from system.installation import Installation, Server
from system.wire import Wire, through_the_gateway

FILES = (
    sweep_service_pb2,
    run_service_pb2,
    agent_service_pb2,
    metric_service_pb2,
    suggestion_service_pb2,
    server_service_pb2,
)
SERVICES = [each for file in FILES for each in file.DESCRIPTOR.services_by_name.values()]
METHODS: list[MethodDescriptor] = [method for service in SERVICES for method in service.methods]
BEHIND = {
    "SweepService": "scheduler",
    "RunService": "scheduler",
    "AgentService": "scheduler",
    "MetricService": "metric-store",
    "SuggestionService": "suggestion",
    "ServerService": "gateway",
}
GARBAGE = (b"\xff" * 20, b"\x0a\xff\xff\xff\xff\x0f", b"\x00", b"\x0a\x02\xc3\x28")
TRIES = 3
"""A machine that stalls makes one answer late; what keeps a service busy does so each time."""
DISHONEST = {"INTERNAL", "UNKNOWN", "DATA_LOSS"}
KNOWN = "program: t.py\nmethod: grid\nmetric: {name: loss}\nparameters: {a: {min: 1, max: 500}}\n"


def status_of(
    channel: grpc.Channel, method: MethodDescriptor, requests: Sequence[bytes], *, listen: float = 0.5
) -> str:
    """Send raw requests and return the status; a stream that stays open is closed after `listen` seconds.

    Calls are blocking, since grpc.aio itself returns INTERNAL when a stream ends during a write.
    """
    path = f"/{method.containing_service.full_name}/{method.name}"
    try:
        if method.client_streaming:
            deque(channel.stream_stream(path, bytes, bytes)(iter(requests), timeout=listen), maxlen=0)
        elif method.server_streaming:
            deque(channel.unary_stream(path, bytes, bytes)(requests[0], timeout=listen), maxlen=0)
        else:
            channel.unary_unary(path, bytes, bytes)(requests[0], timeout=10)
    except grpc.RpcError as error:
        return Failure.of(error).code
    return "OK"


async def create_known(wire: Wire) -> None:
    """Create the sweep that requests refer to, unless another test on this server has."""
    await wire.create(KNOWN, "known", request_id="known")


async def answers_promptly(wire: Wire) -> bool:
    """Make a valid call; return whether it was answered within a second."""
    began = time.monotonic()
    assert (await wire.get("local/demo/known")).name == "local/demo/known"
    return time.monotonic() - began < 1.0


def assert_unharmed(server: Server, before: dict[str, int]) -> None:
    """Check that no service has died, and that no log has a stack trace."""
    assert server.service_pids() == before
    log = server.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:4000]


def send_hostile(channel: grpc.Channel, method: MethodDescriptor) -> Counter[str]:
    """Send hostile requests, eight at a time; return the statuses."""
    made = [message.SerializeToString() for message in messages(method, 30)]
    batches = [[each] for each in (*made, *GARBAGE)] + ([made] if method.client_streaming else [])
    with ThreadPoolExecutor(8) as threads:
        return Counter(threads.map(lambda batch: status_of(channel, method, batch), batches))


@pytest.mark.parametrize("port", ["gateway", "scheduler", "metric-store", "suggestion"])
def test_no_request_causes_an_internal_error_or_a_crash(installation: Installation, port: str) -> None:
    server = installation.join_server()
    before = server.service_pids()

    async def scenario(wire: Wire) -> None:
        await create_known(wire)
        token = server.access_token if port == "gateway" else server.service_token
        bad: dict[str, Counter[str]] = {}
        late: list[str] = []
        with channel_to(server.service_address(port), token) as channel:
            for method in METHODS:
                if port not in ("gateway", BEHIND[method.containing_service.name]):
                    continue
                for _ in range(TRIES):
                    codes = await asyncio.to_thread(send_hostile, channel, method)
                    if codes.keys() & DISHONEST:
                        bad[method.full_name] = codes
                    if await answers_promptly(wire):
                        break
                else:
                    late.append(method.full_name)
        assert not bad
        assert not late, "valid calls wait"

    through_the_gateway(server, scenario)
    assert_unharmed(server, before)


def test_no_port_accepts_calls_without_its_token(installation: Installation) -> None:
    server = installation.join_server()
    ports = ("gateway", "scheduler", "metric-store", "suggestion")
    gateways = [
        (port, token) for port in ports for token in (None, "wrong", "x" * 4000, server.access_token[:-1])
    ]
    not_for_people = [(port, server.access_token) for port in ("metric-store", "suggestion")]
    for port, token in [*gateways, *not_for_people]:
        with channel_to(server.service_address(port), token) as channel:
            for method in METHODS:
                assert status_of(channel, method, [b""], listen=10) == "UNAUTHENTICATED", (
                    port,
                    method.full_name,
                )


def test_forged_page_tokens_are_refused(installation: Installation) -> None:
    server = installation.join_server()
    before = server.service_pids()

    async def scenario(wire: Wire) -> None:
        await create_known(wire)
        lists: list[tuple[object, Message]] = [
            (wire.sweeps.ListSweeps, v1.ListSweepsRequest()),
            (wire.runs.ListRuns, v1.ListRunsRequest(sweep="local/demo/known")),
            (wire.runs.ListRuns, v1.ListRunsRequest(sweep="local/demo/known", order=v1.RUN_ORDER_BEST)),
            (wire.agents.ListAgents, v1.ListAgentsRequest()),
            (wire.metrics.GetHistory, v1.GetHistoryRequest(sweep="local/demo/known")),
            (wire.metrics.ListSummaries, v1.ListSummariesRequest(sweep="local/demo/known")),
        ]
        bad = []
        for call, request in lists:
            for token in forged_tokens(request):
                request.page_token = token  # type: ignore[attr-defined]
                try:
                    await call(request)  # type: ignore[operator]
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
                        bad.append((type(request).__name__, token[:80], error.code()))
        assert not bad

    through_the_gateway(server, scenario)
    assert_unharmed(server, before)


def test_a_hostile_agent_does_not_affect_other_agents(installation: Installation) -> None:
    server = installation.start_server()
    before = server.service_pids()
    (method,) = [each for each in METHODS if each.name == "Attach"]

    async def scenario(wire: Wire) -> None:
        sweep = await wire.create(KNOWN, "known")
        seen: Counter[str] = Counter()
        async with ScriptedAgent(wire.channel, sweep.name, named="honest") as good:
            await good.offer()
            start = await good.next_start()
            ref = await good.start_process(start)
            for seed in range(12):
                async with ScriptedAgent(wire.channel, sweep.name) as bad:
                    await bad.offer()
                    taken = await bad.next_start()
                    await _send_all(bad, messages(method, 60, seed), taken)
                    seen[str(bad.error and bad.error.code())] += 1
                await good.observe(ref, seed + 1, 0.5)
                await good.receive("ack", lambda m: cursor(m.ack, v1.LANE_OBSERVATIONS) == seed + 1)  # noqa: B023
            await good.exit(ref, 12, keys=["loss"])
            assert (await good.acked_exit(ref)).run_state == v1.RUN_STATE_FINISHED
        assert await answers_promptly(wire) or await answers_promptly(wire)
        assert not {"StatusCode.INTERNAL", "StatusCode.UNKNOWN"} & seen.keys(), seen

    through_the_gateway(server, scenario)
    assert_unharmed(server, before)


def test_memory_of_requests_with_many_empty_entries_is_released(installation: Installation) -> None:
    """P26: a few encoded megabytes are a hundred in memory, and are released with the message."""
    server = installation.start_server()
    pids = server.service_pids()
    empty = b"\x0a\x00"  # of field 1: an entry of a ParameterMap, an attempt in a Heartbeat
    parameters = empty * 1_000_000
    enqueue = b"\x12" + _varint(len(parameters)) + parameters
    assert len(v1.EnqueueRunRequest.FromString(enqueue).parameters.entries) == 1_000_000
    heartbeat = v1.AttachRequest(heartbeat=v1.Heartbeat()).SerializeToString()[:-1]
    attach = [heartbeat + _varint(len(parameters)) + parameters] * 4
    assert len(v1.AttachRequest.FromString(attach[0]).heartbeat.alive) == 1_000_000
    more = v1.AttachRequest(more=[v1.AttachRequest()]).SerializeToString() * 300_000
    streams = [attach, [more]] * 24
    methods = {method.name: method for method in METHODS}
    with channel_to(server.address, server.access_token) as channel:
        before = {name: _resident(pid) for name, pid in pids.items()}
        with ThreadPoolExecutor(4) as threads:
            codes = set(
                threads.map(lambda _: status_of(channel, methods["EnqueueRun"], [enqueue]), range(24))
            )
            assert codes == {"INVALID_ARGUMENT"}
            codes = set(
                threads.map(lambda each: status_of(channel, methods["Attach"], each, listen=10), streams)
            )
            assert codes == {"INVALID_ARGUMENT"}
    grown = {name: _resident(pid) - before[name] for name, pid in pids.items()}
    assert max(grown.values()) < 96, f"MiB more: {grown}"
    assert_unharmed(server, pids)


def _resident(pid: int) -> int:
    """Return the resident memory of a process in MiB."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) >> 10


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


async def _send_all(agent: ScriptedAgent, reports: object, start: v1.StartRun) -> None:
    handle = v1.AttemptRef(run_handle=start.run_handle, attempt=start.attempt)
    for report in reports:  # type: ignore[attr-defined]
        kind = report.WhichOneof("report")
        if kind in (None, "hello", "goodbye"):
            continue
        said_of = getattr(report, kind)
        if "attempt" in said_of.DESCRIPTOR.fields_by_name:
            said_of.attempt.CopyFrom(handle)
        try:
            await agent.send(**{kind: said_of})
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return
