"""A sweep, for event loops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls import names, runs, sweeps
from sweepd.calls.async_wire import AsyncWire
from sweepd.objects import cards, following, frames, run_calls, sweep_calls, views
from sweepd.objects.async_stored_run import AsyncStoredRun
from sweepd.objects.best import BestSoFar
from sweepd.objects.frames import Row
from sweepd.objects.importance import Importance, importance_from_message
from sweepd.objects.options import UNCHANGED, Unchanged, changes_of
from sweepd.spec.point import Json
from sweepd.views.sweep import SweepRecord

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class AsyncChange:
    """What `AsyncSweep.watch` yields: the sweep, if it has changed, and the runs that have."""

    sweep: AsyncSweep | None
    runs: list[AsyncStoredRun]


class AsyncSweep(SweepRecord):
    """The twin of `Sweep`: the same names, arguments and answers, to be awaited.

    Its notebook card shows only what is known of it; `await sweep.html()` is the whole.
    """

    def __init__(self, wire: AsyncWire, message: v1.Sweep) -> None:
        self._wire = wire
        self._message = message

    async def refresh(self) -> Self:
        """See `Sweep.refresh`."""
        self._message = await sweeps.get(self._wire, self.name)
        return self

    async def pause(self) -> Self:
        """See `Sweep.pause`."""
        self._message = await sweeps.pause(self._wire, self.name)
        return self

    async def resume(self) -> Self:
        """See `Sweep.resume`."""
        self._message = await sweeps.resume(self._wire, self.name)
        return self

    async def stop(self) -> Self:
        """See `Sweep.stop`."""
        self._message = await sweeps.stop(self._wire, self.name)
        return self

    async def cancel(self) -> Self:
        """See `Sweep.cancel`."""
        self._message = (await sweeps.cancel(self._wire, self.name)).sweep
        return self

    async def edit(
        self,
        *,
        run_cap: int | Unchanged | None = UNCHANGED,
        name: str | Unchanged | None = UNCHANGED,
        description: str | Unchanged | None = UNCHANGED,
        tags: list[str] | Unchanged | None = UNCHANGED,
        metadata: dict[str, Json] | Unchanged | None = UNCHANGED,
    ) -> Self:
        """See `Sweep.edit`."""
        changes = changes_of(
            run_cap=run_cap, name=name, description=description, tags=tags, metadata=metadata
        )
        self._message = await sweep_calls.edit(self._wire, self.name, changes)
        return self

    async def enqueue(self, params: Mapping[str, Json], *, first: bool = False) -> list[AsyncStoredRun]:
        """See `Sweep.enqueue`."""
        added = await runs.enqueue(self._wire, self.name, params, first=first)
        return [AsyncStoredRun(self._wire, run) for run in added]

    async def retry(self, state: str | Sequence[str] = ("failed", "crashed")) -> int:
        """See `Sweep.retry`."""
        return await sweep_calls.retry(self._wire, self.name, state)

    async def explain(self) -> list[str]:
        """See `Sweep.explain`."""
        return await sweep_calls.explain(self._wire, self.name)

    async def wait(
        self,
        until: str = "finished",
        *,
        timeout: float | str | None = None,  # noqa: ASYNC109 - as its twin
        check: bool = True,
    ) -> Self:
        """See `Sweep.wait`."""
        waited = following.wait_for_sweep(self._wire, self.name, until, limit=timeout, check=check)
        self._message = await waited
        return self

    async def watch(self) -> AsyncIterator[AsyncChange]:
        """See `Sweep.watch`."""
        await self.refresh()
        async with aclosing(following.changes(self._wire, self.name)) as messages:
            async for message in messages:
                changed = message.HasField("sweep")
                if changed:
                    self._message = message.sweep
                runs = [AsyncStoredRun(self._wire, run) for run in message.runs]
                yield AsyncChange(self if changed else None, runs)

    async def run(self, number: int) -> AsyncStoredRun:
        """See `Sweep.run`."""
        return AsyncStoredRun(self._wire, await names.get_run(self._wire, f"{self.name}-{number}"))

    async def runs(
        self,
        *filters: str,
        state: str | Sequence[str] = (),
        best_first: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[AsyncStoredRun]:
        """See `Sweep.runs`."""
        found = run_calls.list_of(
            self._wire,
            self.name,
            states=state,
            best_first=best_first,
            filters=filters,
            limit=limit,
        )
        async with aclosing(found):
            async for run in found:
                yield AsyncStoredRun(self._wire, run)

    async def prior_runs(self) -> list[dict[str, Json]]:
        """See `Sweep.prior_runs`."""
        return await run_calls.prior_of(self._wire, self.name)

    async def best(self) -> AsyncStoredRun | None:
        """See `Sweep.best`."""
        run = await run_calls.best(self._wire, self.name)
        return None if run is None else AsyncStoredRun(self._wire, run)

    async def best_so_far(self) -> list[BestSoFar]:
        """See `Sweep.best_so_far`."""
        return await views.progress(self._wire, self.name)

    async def importance(self, key: str = "") -> Importance:
        """See `Sweep.importance`."""
        return importance_from_message(await sweeps.importance(self._wire, self.name, key))

    async def to_dicts(self) -> list[Row]:
        """See `Sweep.to_dicts`."""
        return await views.rows(self._wire, self.name)

    async def to_pandas(self) -> pd.DataFrame:
        """See `Sweep.to_pandas`."""
        return frames.to_pandas(await views.columns(self._wire, self.name))

    async def to_polars(self) -> pl.DataFrame:
        """See `Sweep.to_polars`."""
        return frames.to_polars(await views.columns(self._wire, self.name))

    async def to_arrow(self) -> pa.Table:
        """See `Sweep.to_arrow`."""
        return frames.to_arrow(await views.columns(self._wire, self.name))

    async def html(self) -> str:
        """See `Sweep.html`."""
        return await views.show_sweep(self._wire, self._message)

    def _repr_html_(self) -> str:
        return cards.sweep_card(self._message, (), ())
