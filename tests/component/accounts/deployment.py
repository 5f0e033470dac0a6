"""All services and the gateway in the event loop of a test: sweeps in two projects, and tokens for them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio
from google.protobuf.duration_pb2 import Duration

from component.scheduler.serving import SERVICE_TOKEN, TOKEN, Served, a_metric_store
from component.scheduler.sweeps import RANDOM
from sweepd import v1
from sweepd.v1.account_service_pb2_grpc import AccountServiceStub
from sweepd.v1.run_service_pb2_grpc import RunServiceStub
from sweepd.v1.sweep_service_pb2_grpc import SweepServiceStub
from sweepd_gateway.app import SERVICE as GATEWAY
from sweepd_gateway.tokens import CachedTokens
from sweepd_kernel.auth.authenticator import Gate
from sweepd_scheduler.app import SERVICE as SCHEDULER
from token_channel import token_channel
from waiting import until_async

OWN, FOREIGN = "acme/mnist", "globex/secret"
SCOPES = {
    "admin": v1.TOKEN_SCOPE_ADMIN,
    "write": v1.TOKEN_SCOPE_WRITE,
    "read": v1.TOKEN_SCOPE_READ,
    "agent": v1.TOKEN_SCOPE_AGENT,
}


@dataclass
class Deployment:
    """Running services and the channels to them, which all close at the end."""

    metrics: Served
    scheduler: Served
    gateway: Served
    stack: AsyncExitStack
    sweeps: dict[str, str] = field(default_factory=dict)
    """Name of the sweep of each project."""

    @property
    def ways(self) -> dict[str, str]:
        return {"gateway": self.gateway.address, "direct": self.scheduler.address}

    @property
    def gateway_gate(self) -> Gate:
        assert self.gateway.gate is not None
        return self.gateway.gate

    async def gateway_follows(self) -> bool:
        """Return True if the gateway is notified of revocations; until then it caches tokens only briefly."""
        tokens = self.gateway_gate.tokens
        assert isinstance(tokens, CachedTokens)
        return tokens.followed

    def gateway_streams(self, key: str) -> int:
        """Return the number of streams that the gateway has open for a token."""
        return self.gateway_gate.calls.count(key)

    def scheduler_streams(self, key: str) -> int:
        """Return the number of streams that the scheduler has open for a token."""
        assert self.scheduler.gate is not None
        return self.scheduler.gate.calls.count(key)

    async def channel(self, way: str, token: str = TOKEN) -> grpc.aio.Channel:
        return await self.stack.enter_async_context(token_channel(self.ways[way], token))

    async def service_channel(self, served: Served) -> grpc.aio.Channel:
        return await self.stack.enter_async_context(token_channel(served.address, SERVICE_TOKEN))

    async def token(
        self, scope: str, projects: Sequence[str] = (), *, lifetime: float | None = None
    ) -> tuple[str, str]:
        """Create a token; return its id and its secret."""
        left = None
        if lifetime is not None:
            left = Duration()
            left.FromMilliseconds(int(lifetime * 1000))
        request = v1.CreateTokenRequest(scope=SCOPES[scope], projects=projects, lifetime=left)
        made = await AccountServiceStub(await self.channel("direct")).CreateToken(request)
        return made.token.id, made.secret

    async def revoke(self, key: str) -> None:
        channel = await self.channel("direct")
        await AccountServiceStub(channel).RevokeToken(v1.RevokeTokenRequest(id=key))

    async def create(self, parent: str, content: bytes = RANDOM) -> str:
        file = v1.SweepFile(file_name="sweep.yaml", content=content)
        request = v1.CreateSweepRequest(parent=parent, file=file)
        return (await SweepServiceStub(await self.channel("direct")).CreateSweep(request)).sweep.name


@asynccontextmanager
async def a_deployment(folder: Path, *, sweeps: bool = True) -> AsyncIterator[Deployment]:
    metrics = a_metric_store(folder)
    at = await metrics.start()
    scheduler = Served(SCHEDULER, folder / "scheduler", ["--metrics", at, "--suggestion", "127.0.0.1:1"])
    await scheduler.start()
    flags = ["--scheduler", scheduler.address, "--metrics", at, "--suggestion", "127.0.0.1:1"]
    gateway = Served(GATEWAY, folder / "gateway", flags)
    await gateway.start()
    async with AsyncExitStack() as stack:
        deployment = Deployment(metrics, scheduler, gateway, stack)
        if sweeps:
            for project in (OWN, FOREIGN):
                deployment.sweeps[project] = await deployment.create(project)
                entry = v1.ParameterEntry(name="x", value=v1.ParameterValue(double_value=0.5))
                point = v1.ParameterMap(entries=[entry])
                stub = RunServiceStub(await deployment.channel("direct"))
                await stub.EnqueueRun(
                    v1.EnqueueRunRequest(sweep=deployment.sweeps[project], parameters=point)
                )
        await until_async(deployment.gateway_follows)
        try:
            yield deployment
        finally:
            await stack.aclose()
            for served in (gateway, scheduler, metrics):
                await served.stop()
