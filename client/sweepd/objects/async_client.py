"""Client of a server: for event loops here; `generate.py` makes the blocking one of this."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING

from sweepd.calls import names, server
from sweepd.calls.grpc_wires import AsyncWire
from sweepd.objects import arguments, reading
from sweepd.objects.arguments import target
from sweepd.objects.async_sweep import AsyncStoredRun, AsyncSweep
from sweepd.views.run import RunRecord

if TYPE_CHECKING:
    from typing import Self


class AsyncClient:
    """The async counterpart of `Client`: the same names, arguments and answers; lists are `async for`.

    Use it in an `async with` block, or await `close`; it belongs to the event loop of its first call.
    """

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        """Choose a server; nothing is sent before the first call.

        Args:
            address: HOST:PORT; else SWEEPD_ADDRESS, else the server that `sweepd up` started here.
            token: else SWEEPD_TOKEN, else the one that is kept for the address.

        Raises:
            UnreachableError: no server is known.
        """
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
        """Close the connection; harmless when done twice. Its sweeps and runs ask nothing any more."""
        await self._wire.close()

    async def server_version(self) -> str:
        """Return the version of the server."""
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
        """Create a sweep; its runs start as soon as agents ask for them.

        Args:
            config: a dictionary, the text of a sweep file, or its path (a text without a line break).
            entity: where it will live; else SWEEPD_ENTITY, the file, `local`.
            project: likewise; else SWEEPD_PROJECT, the file, the name of the program.
            name: the name for people, instead of the file's.
            program: the program, instead of the file's.
            sweep_id: its id; else the server draws one.
            request_id: names this call: the same one again returns the same sweep, for a day.
            prior_runs: runs that it begins with, or their names: it learns from them and does not repeat
                their points. Those that do not suit it are left out, with a `SweepWarning`.

        A `SweepWarning` tells of a sweep without an end of its own, as a random one without `run_cap`.

        Raises:
            InvalidError: the configuration has errors; `diagnostics` lists them all.
            ConflictError: the id is taken.
        """
        definition = arguments.define(config, entity=entity, project=project, name=name, program=program)
        created, warnings = await arguments.create(
            self._wire, definition, sweep_id=sweep_id, request_id=request_id, prior_runs=prior_runs
        )
        arguments.warn(warnings, stacklevel=3)
        return AsyncSweep(self._wire, created)

    async def sweep(self, name: str) -> AsyncSweep:
        """Return a sweep by its full name, PROJECT/ID or ID.

        Raises:
            NotFoundError: there is none.
        """
        return AsyncSweep(self._wire, await names.find_sweep(self._wire, name))

    async def sweeps(
        self,
        *,
        entity: str | None = None,
        project: str | None = None,
        state: str | Sequence[str] = (),
    ) -> AsyncIterator[AsyncSweep]:
        """Yield sweeps, the newest first, fetched a page at a time as they are read.

        Args:
            entity: only those of this entity.
            project: only those of this project.
            state: only those in this state, or in one of these.
        """
        listed = reading.list_sweeps(self._wire, entity=entity, project=project, states=state)
        async with aclosing(listed) as found:
            async for sweep in found:
                yield AsyncSweep(self._wire, sweep)

    async def run(self, name: str) -> AsyncStoredRun:
        """Return a run by its full name, a shorter one, or SWEEP:NUMBER.

        Raises:
            NotFoundError: there is none.
        """
        return AsyncStoredRun(self._wire, await names.find_run(self._wire, name))

    async def runs(
        self,
        project: str,
        *filters: str,
        state: str | Sequence[str] = (),
        by_hand: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[AsyncStoredRun]:
        """Yield the runs of a project, the newest first, fetched a page at a time as they are read.

        Args:
            project: ENTITY/PROJECT.
            filters: conditions as of `sweepctl runs --filter`, as `params.lr<0.1` or `attempt>1`.
            state: only runs in this state, or one of these.
            by_hand: only standalone runs, which belong to no sweep.
            limit: so many at most.
        """
        listed = reading.list_runs(
            self._wire, project=project, standalone=by_hand, states=state, filters=filters, limit=limit
        )
        async with aclosing(listed) as found:
            async for run in found:
                yield AsyncStoredRun(self._wire, run)
