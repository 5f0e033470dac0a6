"""Servicer of `AgentService`: streams of agents, list of agents, and release of agents from quarantine."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TypeAlias

import grpc.aio

from sweepd import v1
from sweepd.v1 import agent_service_pb2_grpc
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds, current_principal
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import InvalidFieldError, NotFoundError
from sweepd_kernel.rpc import page_token
from sweepd_kernel.rpc.slow_readers import send
from sweepd_scheduler.agents.sessions import Sessions
from sweepd_scheduler.api.requester import Requester, repeatable
from sweepd_scheduler.api.run_codec import timestamp
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.agents.agent import GuardRecord, QuarantineCause, Session
from sweepd_scheduler.domain.events import SECOND, microseconds
from sweepd_scheduler.domain.requests.requests import ReleaseAgent, Released
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.message_size import page
from sweepd_scheduler.owner.owner import Owner
from sweepd_scheduler.reads.watch import TOO_SLOW
from sweepd_scheduler.store.records import Reading

_CAUSES = {cause: v1.QuarantineCause.Value(f"QUARANTINE_CAUSE_{cause.name}") for cause in QuarantineCause}


@dataclass(slots=True, kw_only=True)
class ListedAgent:
    """Agent as shown to clients; `session`: None if the agent is disconnected."""

    id: str
    host: str
    session: Session | None = None
    runs: list[Run] = field(default_factory=list)
    sweeps: list[str] = field(default_factory=list)
    quarantines: dict[str, GuardRecord] = field(default_factory=dict)


def agents_of(state: State, sweep: int | None, bounds: Bounds = EVERYWHERE) -> list[ListedAgent]:
    """Return agents ordered by id; if a sweep is given, only agents that serve it or hold a run of it.

    Restricted `bounds` leave out the sweeps and runs outside them, and agents that have none inside.
    """
    found: dict[str, ListedAgent] = {}
    full_names = {
        key: str(name)
        for name, key in state.names.items()
        if bounds.covers(name.parent.entity, name.parent.project)
    }
    for session in state.sessions.values():
        if sweep is None or sweep in session.sweeps:
            served = [full_names[key] for key in session.sweeps if key in full_names]
            if served or bounds.everywhere:
                found[session.agent] = ListedAgent(
                    id=session.agent, host=session.host, session=session, sweeps=served
                )
    for run in state.live_runs():
        if run.sweep in full_names and (sweep is None or run.sweep == sweep):
            agent = run.newest.agent
            listed = found.setdefault(
                agent, ListedAgent(id=agent, host=run.newest.host, sweeps=[full_names[run.sweep]])
            )
            listed.runs.append(run)
    for key, index in state.index.items():
        for agent, guarded in index.guards.items():
            if guarded.is_quarantined and agent in found and key in full_names and sweep in (None, key):
                found[agent].quarantines[full_names[key]] = guarded
    return [found[agent] for agent in sorted(found)]


def agent_message(agent: ListedAgent, seen: int) -> v1.Agent:
    """Return an agent as a message; `seen`: when it was last seen, in microseconds since 1970; 0: unknown."""
    session = agent.session
    return v1.Agent(
        id=agent.id,
        host=agent.host,
        pid=session.pid if session else 0,
        version=session.version if session else "",
        connected=session is not None,
        slots=session.slots if session else 0,
        runs=[run.name for run in agent.runs],
        sweeps=agent.sweeps,
        labels=session.labels if session else {},
        last_seen_time=timestamp(seen),
        quarantines=[
            v1.Quarantine(sweep=name, cause=_CAUSES[guarded.quarantine], reason=guarded.reason)
            for name, guarded in sorted(agent.quarantines.items())
            if guarded.quarantine is not None
        ],
    )


HELLO_TIMEOUT = 10.0
Context: TypeAlias = "grpc.aio.ServicerContext[v1.AttachRequest, v1.AttachResponse]"


class AgentServicer(agent_service_pb2_grpc.AgentServiceServicer):
    """Servicer of agents: passes their reports to the owner or a forwarder, and sends queued messages."""

    def __init__(self, owner: Owner, reading: Reading, sessions: Sessions, clock: Clock) -> None:
        self._owner = owner
        self._requester = Requester(owner, reading)
        self._sessions = sessions
        self._clock = clock

    async def Attach(  # type: ignore[override]  # calls `write`, to notice a stalled agent
        self, request_iterator: AsyncIterator[v1.AttachRequest], context: Context
    ) -> None:
        """Serve the stream of one agent."""
        hello = await _hello(request_iterator)
        session = await self._sessions.open(hello, current_principal().bounds)
        try:
            reading = asyncio.get_running_loop().create_task(session.read(request_iterator))
            try:
                async for message in session.outbox.messages():
                    await send(context.write, message, TOO_SLOW)
            finally:
                reading.cancel()
                await asyncio.wait([reading])
        finally:
            self._sessions.close(session)

    async def ListAgents(self, request: v1.ListAgentsRequest, context: object) -> v1.ListAgentsResponse:
        """Return a page of the agents that are connected or hold a run."""
        sweep = None
        if request.sweep:
            sweep = self._owner.state.names.get(names.sweep_name(request.sweep))
            if sweep is None:
                raise NotFoundError(request.sweep)
        after = page_token.single(request.page_token, request, str) or ""
        size = page_token.page_size(request.page_size)
        bounds = current_principal().bounds
        agents = [agent for agent in agents_of(self._owner.state, sweep, bounds) if agent.id > after]
        messages = (agent_message(agent, self._last_seen(agent)) for agent in agents)
        found = page(messages, size, v1.Agent.ByteSize)
        return v1.ListAgentsResponse(
            agents=found.entries,
            next_page_token=page_token.encoded([found.entries[-1].id], request) if found.more else "",
        )

    async def ReleaseAgent(self, request: v1.ReleaseAgentRequest, context: object) -> v1.ReleaseAgentResponse:
        """Release an agent from quarantine, for one sweep or all sweeps."""
        sweep = names.sweep_name(request.sweep) if request.sweep else None
        return await self._requester.ask(
            ReleaseAgent(agent=request.agent, sweep=sweep, within=current_principal().bounds),
            Released,
            lambda found: v1.ReleaseAgentResponse(sweeps=found.sweeps),
            v1.ReleaseAgentResponse,
            repeatable(request, request.request_id, sweep.parent if sweep else None),
        )

    def _last_seen(self, agent: ListedAgent) -> int:
        last = self._sessions.last_seen().get(agent.session.id) if agent.session else None
        if last is None:
            return 0
        silence = self._clock.monotonic() - last
        return microseconds(self._clock.now()) - int(silence * SECOND)


async def _hello(requests: AsyncIterator[v1.AttachRequest]) -> v1.Hello:
    try:
        async with asyncio.timeout(HELLO_TIMEOUT):
            first = await anext(requests)
    except (TimeoutError, StopAsyncIteration):
        raise InvalidFieldError("report", "the first report of a stream must be hello") from None
    if first.WhichOneof("report") != "hello" or first.more:
        raise InvalidFieldError("report", "the first message of a stream must contain only hello")
    return first.hello
