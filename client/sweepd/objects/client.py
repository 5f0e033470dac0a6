"""The door to a server, for callers that wait for each answer."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from sweepd.calls import names, server
from sweepd.calls.blocking_wire import BlockingWire
from sweepd.calls.wire import iterate, run_now
from sweepd.objects import prior, run_calls, sweep_calls
from sweepd.objects.definition import define, unbounded, warn
from sweepd.objects.options import target
from sweepd.objects.stored_run import StoredRun
from sweepd.objects.sweep import Sweep
from sweepd.views.run import RunRecord

if TYPE_CHECKING:
    from typing import Self


class Client:
    """A client of a server: creates sweeps, finds sweeps and runs.

    Use it in a `with` block, or call `close`; it leaves no thread behind. It may be used from several
    threads, and in a process that was forked after it was made. All of its errors are `ClientError`.
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
        self._wire = BlockingWire(found.address, found.token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.address}>"

    def close(self) -> None:
        """Give the connection back; harmless when done twice. Its sweeps and runs ask nothing any more."""
        self._wire.close()

    def server_version(self) -> str:
        """Return the version of the server."""
        return run_now(server.info(self._wire)).version

    def create(
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
    ) -> Sweep:
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
        definition = define(config, entity=entity, project=project, name=name, program=program)
        created, left_out = run_now(
            prior.create(
                self._wire, definition, sweep_id=sweep_id, request_id=request_id, prior_runs=prior_runs
            )
        )
        warn([*left_out, *unbounded(created)], stacklevel=3)
        return Sweep(self._wire, created)

    def sweep(self, name: str) -> Sweep:
        """Return a sweep by its full name, PROJECT/ID or ID.

        Raises:
            NotFoundError: there is none.
        """
        return Sweep(self._wire, run_now(names.find_sweep(self._wire, name)))

    def sweeps(
        self,
        *,
        entity: str | None = None,
        project: str | None = None,
        state: str | Sequence[str] = (),
    ) -> Iterator[Sweep]:
        """Yield sweeps, the newest first, fetched a page at a time as they are read.

        Args:
            entity: only those of this entity.
            project: only those of this project.
            state: only those in this state, or in one of these.
        """
        found = sweep_calls.list_all(self._wire, entity=entity, project=project, states=state)
        return (Sweep(self._wire, sweep) for sweep in iterate(found))

    def run(self, name: str) -> StoredRun:
        """Return a run by its full name, a shorter one, or SWEEP:NUMBER.

        Raises:
            NotFoundError: there is none.
        """
        return StoredRun(self._wire, run_now(names.find_run(self._wire, name)))

    def runs(
        self,
        project: str,
        *filters: str,
        state: str | Sequence[str] = (),
        by_hand: bool = False,
        limit: int | None = None,
    ) -> Iterator[StoredRun]:
        """Yield the runs of a project, the newest first, fetched a page at a time as they are read.

        Args:
            project: ENTITY/PROJECT.
            filters: conditions as of `sweepctl runs --filter`, as `params.lr<0.1` or `attempt>1`.
            state: only runs in this state, or one of these.
            by_hand: only those that belong to no sweep.
            limit: so many at most.
        """
        found = run_calls.list_of(
            self._wire,
            project=project,
            stand_alone=by_hand,
            states=state,
            filters=filters,
            limit=limit,
        )
        return (StoredRun(self._wire, run) for run in iterate(found))
