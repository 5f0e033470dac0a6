"""Asynchronous client of a server; `generate.py` generates the blocking client from it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Self

from sweepd.calls import names, server
from sweepd.calls.grpc_wires import AsyncWire
from sweepd.objects import arguments, reading
from sweepd.objects.arguments import target
from sweepd.objects.async_sweep import AsyncStoredRun, AsyncSweep
from sweepd.views.run import RunRecord


class AsyncClient:
    """Async counterpart of `Client`: its methods are coroutines, its lists asynchronous iterators.

    Use it in an `async with` block, or await `close`. Make all calls in one event loop.
    """

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        """Choose a server; the first method call opens the connection.

        Args:
            address: HOST:PORT. Default: SWEEPD_ADDRESS, the context in use, or the last server started here.
            token: access token. Default: SWEEPD_TOKEN, else the one stored for the address.

        Raises:
            UnreachableError: no server is known; NotFoundError if the context in use does not exist.
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
        """Close the connection, if open. The sweeps and runs of this client can then make no more calls."""
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
        """Create a sweep; its runs start as soon as agents request them.

        Args:
            config: a dictionary, the text of a sweep file, or the path of one (text without a line break).
            entity: entity of the sweep. Default: SWEEPD_ENTITY, the entity in `config`, or `local`.
            project: project. Default: SWEEPD_PROJECT, the project in `config`, or the name of the program.
            name: display name; replaces the name in `config`.
            program: program; replaces the program in `config`.
            sweep_id: id of the sweep. Default: a random id from the server.
            request_id: id of this call; another call with the same id within a day returns the same sweep.
            prior_runs: runs, or names of runs: the search uses their results and does not repeat their
                points. Unsuitable runs are skipped with a `SweepWarning`.

        A sweep that never ends, such as a random search without `run_cap`, causes a `SweepWarning`.

        Raises:
            InvalidError: the configuration has errors; `diagnostics` lists all of them.
            ConflictError: the id is already in use.
        """
        definition = arguments.define(config, entity=entity, project=project, name=name, program=program)
        created, warnings = await arguments.create(
            self._wire, definition, sweep_id=sweep_id, request_id=request_id, prior_runs=prior_runs
        )
        arguments.warn(warnings, stacklevel=3)
        return AsyncSweep(self._wire, created)

    async def sweep(self, name: str) -> AsyncSweep:
        """Return a sweep by its name: ENTITY/PROJECT/ID, PROJECT/ID or ID.

        Raises:
            NotFoundError: there is no such sweep.
        """
        return AsyncSweep(self._wire, await names.find_sweep(self._wire, name))

    async def sweeps(
        self,
        *,
        entity: str | None = None,
        project: str | None = None,
        state: str | Sequence[str] = (),
    ) -> AsyncIterator[AsyncSweep]:
        """Yield sweeps, the newest first, fetched page by page.

        Args:
            entity: yield only sweeps of this entity.
            project: yield only sweeps of this project.
            state: yield only sweeps in this state, or in one of these states.
        """
        listed = reading.list_sweeps(self._wire, entity=entity, project=project, states=state)
        async with aclosing(listed) as found:
            async for sweep in found:
                yield AsyncSweep(self._wire, sweep)

    async def run(self, name: str) -> AsyncStoredRun:
        """Return a run by its name: ENTITY/PROJECT/ID, PROJECT/ID, ID or SWEEP:NUMBER.

        Raises:
            NotFoundError: there is no such run.
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
        """Yield the runs of a project, the newest first, fetched page by page.

        Args:
            project: project, as ENTITY/PROJECT.
            filters: conditions of `sweepctl runs --filter`, such as `params.lr<0.1` or `attempt>1`.
            state: yield only runs in this state, or in one of these states.
            by_hand: whether to yield only standalone runs.
            limit: maximum number of runs.
        """
        listed = reading.list_runs(
            self._wire, project=project, standalone=by_hand, states=state, filters=filters, limit=limit
        )
        async with aclosing(listed) as found:
            async for run in found:
                yield AsyncStoredRun(self._wire, run)
