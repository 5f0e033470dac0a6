"""The door to a server, for event loops."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING

from sweepd.calls import names, server
from sweepd.calls.async_wire import AsyncWire
from sweepd.objects import prior, run_calls, sweep_calls
from sweepd.objects.async_stored_run import AsyncStoredRun
from sweepd.objects.async_sweep import AsyncSweep
from sweepd.objects.definition import define, unbounded, warn
from sweepd.objects.options import target
from sweepd.views.run import RunRecord

if TYPE_CHECKING:
    from typing import Self


class AsyncClient:
    """The twin of `Client`: the same names, arguments and answers, to be awaited; lists are `async for`.

    Use it in an `async with` block, or await `close`; it belongs to the event loop of its first call.
    """

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        """See `Client`."""
        found = target(address, token)
        self.address = found.address
        self._wire = AsyncWire(found.address, found.token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.address}>"

    async def close(self) -> None:
        """See `Client.close`."""
        await self._wire.close()

    async def server_version(self) -> str:
        """See `Client.server_version`."""
        return (await server.info(self._wire)).version

    async def create(
        self,
        config: Mapping[str, object] | str | os.PathLike[str],
        *,
        entity: str | None = None,
        project: str | None = None,
        name: str | None = None,
        program: str | None = None,
        sweep_id: str = "",
        request_id: str = "",
        prior_runs: Sequence[str | RunRecord] = (),
    ) -> AsyncSweep:
        """See `Client.create`."""
        definition = define(config, entity=entity, project=project, name=name, program=program)
        created, left_out = await prior.create(
            self._wire, definition, sweep_id=sweep_id, request_id=request_id, prior_runs=prior_runs
        )
        warn([*left_out, *unbounded(created)], stacklevel=3)
        return AsyncSweep(self._wire, created)

    async def sweep(self, name: str) -> AsyncSweep:
        """See `Client.sweep`."""
        return AsyncSweep(self._wire, await names.find_sweep(self._wire, name))

    async def sweeps(
        self,
        *,
        entity: str | None = None,
        project: str | None = None,
        state: str | Sequence[str] = (),
    ) -> AsyncIterator[AsyncSweep]:
        """See `Client.sweeps`."""
        found = sweep_calls.list_all(self._wire, entity=entity, project=project, states=state)
        async with aclosing(found):
            async for sweep in found:
                yield AsyncSweep(self._wire, sweep)

    async def run(self, name: str) -> AsyncStoredRun:
        """See `Client.run`."""
        return AsyncStoredRun(self._wire, await names.find_run(self._wire, name))

    async def runs(
        self,
        project: str,
        *filters: str,
        state: str | Sequence[str] = (),
        by_hand: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[AsyncStoredRun]:
        """See `Client.runs`."""
        found = run_calls.list_of(
            self._wire,
            project=project,
            stand_alone=by_hand,
            states=state,
            filters=filters,
            limit=limit,
        )
        async with aclosing(found):
            async for run in found:
                yield AsyncStoredRun(self._wire, run)
