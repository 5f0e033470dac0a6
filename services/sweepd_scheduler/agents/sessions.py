"""Sessions of agents: opened with what is stored of the attempts they hold, and closed."""

import asyncio
import secrets
from contextlib import suppress

from sweepd import v1
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import DomainError, NotFoundError, Status
from sweepd_scheduler.agents import codec
from sweepd_scheduler.agents.forwarder import Forwarders
from sweepd_scheduler.agents.outboxes import Outbox, Outboxes
from sweepd_scheduler.agents.session import AgentSession
from sweepd_scheduler.domain import names
from sweepd_scheduler.domain.agents.agent import AttemptRef, ReportedAttempt, StoredAttempt
from sweepd_scheduler.domain.events import Announced, Attached, Detached
from sweepd_scheduler.domain.names import RunName, SweepName
from sweepd_scheduler.owner.owner import Owner
from sweepd_scheduler.reads.reading import Reading


class NamesakeError(DomainError):
    """An agent of this id is attached, and works for other projects, too."""

    def __init__(self, agent: str) -> None:
        super().__init__(
            f"agent {agent} is attached with a token that is good for more projects than this one",
            status=Status.UNAVAILABLE,
            retry_after=5.0,
        )


class Sessions:
    """Opens and closes the streams."""

    def __init__(
        self, owner: Owner, reading: Reading, outboxes: Outboxes, forwarders: Forwarders, clock: Clock
    ) -> None:
        self._owner = owner
        self._reading = reading
        self._outboxes = outboxes
        self._forwarders = forwarders
        self._clock = clock
        self._open: dict[str, AgentSession] = {}
        self._none_open = asyncio.Event()

    async def open(self, hello: v1.Hello, bounds: Bounds = EVERYWHERE) -> AgentSession:
        """Let an agent in: older streams of it are void before it is asked what it holds.

        Args:
            hello: its first report.
            bounds: of its token; sweeps and runs that lie outside are not known to it.

        Raises:
            DomainError: it is not let in.
        """
        codec.check_hello(hello)
        sweeps = _sweep_names(hello, bounds)
        self._check_namesake(hello.agent_id, bounds)
        name = f"{hello.agent_id[:8]}-{secrets.token_hex(4)}"
        outbox = Outbox(name, hello.agent_id)
        session = AgentSession(outbox, self._owner, self._forwarders, self._clock)
        self._outboxes.open(outbox)
        self._open[name] = session
        self._none_open.clear()
        try:
            await self._owner.settle(Announced(name, hello.agent_id))
            attempts = await self._held(hello, bounds)
            for held in attempts:
                if held.owned is not None and held.owned.resumed_from_step is not None:
                    session.resumed[held.ref] = held.owned.resumed_from_step
            await self._owner.settle(_attached(name, hello, sweeps, attempts))
        except BaseException:
            self.close(session)
            raise
        return session

    def close(self, session: AgentSession) -> None:
        """Forget a stream; its attempts stay the agent's until their leases run out."""
        outbox = session.outbox
        if self._open.pop(outbox.session, None) is not None:
            self._outboxes.close(outbox)
            self._forwarders.forget(outbox.session)
            self._owner.tell(Detached(outbox.session, outbox.agent))
            if not self._open:
                self._none_open.set()

    def last_seen(self) -> dict[str, float]:
        """Return the monotonic time of the last report of each session."""
        return {name: session.last_seen for name, session in self._open.items()}

    async def go_away(self, patience: float) -> None:
        """Ask all agents to come back later, and end the streams of those that stay."""
        for session in self._open.values():
            session.go_away("the scheduler is stopping")
        if self._open:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._none_open.wait(), patience)
        for session in list(self._open.values()):
            session.outbox.end(DomainError("the scheduler is stopping", status=Status.UNAVAILABLE))

    def _check_namesake(self, agent: str, bounds: Bounds) -> None:
        """Refuse to let an agent make void the stream of one that works where its token is not good.

        Raises:
            NamesakeError: it would.
        """
        state = self._owner.state
        older = state.sessions.get(state.streams.get(agent, ""))
        if older is None or bounds.everywhere:
            return
        served = [state.sweeps.get(key) or state.ended[key] for key in older.sweeps]
        held = {held.sweep for held in state.holdings[older.id].by_handle.values()}
        if not all(bounds.covers_name(name) for name in (*held, *(str(sweep.name) for sweep in served))):
            raise NamesakeError(agent)

    async def _held(self, hello: v1.Hello, bounds: Bounds) -> tuple[ReportedAttempt, ...]:
        if not hello.attempts:
            return ()
        asked = [
            (_run_name(held.run) if bounds.covers_name(held.run) else None, held.attempt)
            for held in hello.attempts
        ]
        known = await self._known([(name, number) for name, number in asked if name is not None])
        return tuple(
            ReportedAttempt(
                ref=AttemptRef(held.run_handle, held.attempt),
                known=known.get((name, held.attempt)) if name is not None else None,
                secret=held.secret,
            )
            for held, (name, _) in zip(hello.attempts, asked, strict=True)
        )

    async def _known(
        self, asked: list[tuple[RunName, int]]
    ) -> dict[tuple[RunName, int], StoredAttempt | None]:
        found = await self._reading(self._reading.records.known, asked)
        return dict(zip(asked, found, strict=True))


def _attached(
    session: str, hello: v1.Hello, sweeps: tuple[SweepName, ...], attempts: tuple[ReportedAttempt, ...]
) -> Attached:
    return Attached(
        session=session,
        agent=hello.agent_id,
        pid=hello.pid,
        host=hello.host,
        version=hello.version,
        labels=dict(hello.labels),
        slots=hello.slots,
        sweeps=sweeps,
        attempts=attempts,
        storage=hello.storage,
    )


def _sweep_names(hello: v1.Hello, bounds: Bounds) -> tuple[SweepName, ...]:
    """Return the sweeps that can be names at all, and lie within `bounds`; if none do, say so."""
    read: list[SweepName] = []
    for text in hello.sweeps:
        with suppress(NotFoundError):
            if bounds.covers_name(text):
                read.append(names.sweep_name(text))
    if hello.sweeps and not read and not hello.attempts:
        raise NotFoundError(f"{hello.sweeps[0]:.200}")
    return tuple(read)


def _run_name(text: str) -> RunName | None:
    try:
        return names.run_name(text)
    except NotFoundError:
        return None
