"""Sweeps and runs of a server: for event loops here; `generate.py` makes the blocking ones of this."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls import names, runs, sweeps
from sweepd.calls.grpc_wires import AsyncWire
from sweepd.calls.sweeps import edited
from sweepd.calls.waiting import run_until, sweep_until
from sweepd.calls.wire import words
from sweepd.objects import frames, reading
from sweepd.objects.arguments import UNCHANGED, Unchanged, changes_of
from sweepd.objects.frames import Row
from sweepd.objects.results import BestSoFar, History, Importance, importance_from_message
from sweepd.spec.point import Json
from sweepd.views.run import RunRecord, prior_run_shape
from sweepd.views.sweep import SweepRecord

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd
    import polars as pl
    import pyarrow as pa


class AsyncStoredRun(RunRecord):
    """The async counterpart of `StoredRun`: the same names, arguments and answers, to be awaited.

    Its notebook card shows only what is known of it; `await run.html()` is the whole.
    """

    def __init__(self, wire: AsyncWire, message: v1.Run) -> None:
        self._wire = wire
        self._message = message

    async def refresh(self) -> Self:
        """Ask the server how it stands; return the same object."""
        self._message = await runs.get(self._wire, self.name)
        return self

    async def sweep(self) -> AsyncSweep | None:
        """Return the sweep that it belongs to; None for a standalone run."""
        if not self._message.sweep:
            return None
        return AsyncSweep(self._wire, await sweeps.get(self._wire, self._message.sweep))

    async def stop(self) -> Self:
        """End it: SIGTERM, after the stop grace SIGKILL; one that waits never starts.

        Raises:
            WrongStateError: it has ended.
        """
        await runs.stop(self._wire, self.name)
        return await self.refresh()

    async def retry(self) -> Self:
        """Hand it out again, after it has ended badly, as a new attempt.

        Raises:
            WrongStateError: it has not ended, or has ended well, or its sweep was cancelled.
        """
        await runs.retry(self._wire, [self.name])
        return await self.refresh()

    async def explain(self) -> list[str]:
        """Return why it waits, a sentence each, the most important first; empty if it does not."""
        return [obstacle.message for obstacle in (await runs.explain(self._wire, self.name)).obstacles]

    async def wait(
        self,
        until: str = "finished",
        *,
        timeout: float | str | None = None,  # noqa: ASYNC109 - as of the blocking one
        check: bool = True,
    ) -> Self:
        """Return once it has ended, or is in another state, or has a value; all as in `Sweep.wait`."""
        self._message = await reading.wait(
            run_until, self._wire, self.name, until, limit=timeout, check=check
        )
        return self

    async def history(
        self, keys: str | list[str] | None = None, *, max_points: int = 0, all_attempts: bool = False
    ) -> History:
        """Return what it has logged, as columns.

        Args:
            keys: only these.
            max_points: thins each key to about so many points, smallest and largest kept; 0: all of them.
            all_attempts: also what newer attempts have replaced.
        """
        return await reading.history(
            self._wire, self.name, keys=words(keys or ()), max_points=max_points, all_attempts=all_attempts
        )

    async def summary(self) -> dict[str, object]:
        """Return the summary that its script sees, the members of groups by dotted names.

        That is the last value of each key, or what `define_metric` asked for, and what the script has set.
        """
        return await reading.summary(self._wire, self.name)

    async def log(self, *, attempt: int = 0, tail_bytes: int = 0) -> str:
        """Return what it has printed, standard output and error as they came.

        Args:
            attempt: the number of an attempt; 0: the newest that has a log.
            tail_bytes: only about so many bytes at the end, from the start of a line; 0: all.
        """
        return await reading.log_text(self._wire, self.name, attempt=attempt, tail_bytes=tail_bytes)

    async def logs(
        self, *, follow: bool = False, attempt: int = 0, tail_bytes: int = 0
    ) -> AsyncIterator[str]:
        """Yield the lines that it has printed; with `follow` also those to come, until it has ended."""
        printed = reading.log_lines(
            self._wire, self.name, attempt=attempt, tail_bytes=tail_bytes, follow=follow
        )
        async with aclosing(printed) as lines:
            async for line in lines:
                yield line

    async def html(self) -> str:
        """Return a card for notebooks: state, parameters, the curve of the objective, as they are now."""
        return await reading.show_run(self._wire, self._message)

    def _repr_html_(self) -> str:
        return reading.notebook_card(self._wire, self._message)


@dataclass(frozen=True, slots=True)
class AsyncChange:
    """Change that `AsyncSweep.watch` yields: the sweep, if it has changed, and the runs that have."""

    sweep: AsyncSweep | None
    runs: list[AsyncStoredRun]


class AsyncSweep(SweepRecord):
    """The async counterpart of `Sweep`: the same names, arguments and answers, to be awaited.

    Its notebook card shows only what is known of it; `await sweep.html()` is the whole.
    """

    def __init__(self, wire: AsyncWire, message: v1.Sweep) -> None:
        self._wire = wire
        self._message = message

    async def refresh(self) -> Self:
        """Ask the server how it stands; return the same object."""
        self._message = await sweeps.get(self._wire, self.name)
        return self

    async def pause(self) -> Self:
        """Hand out no run until it is resumed; live runs continue."""
        self._message = await sweeps.pause(self._wire, self.name)
        return self

    async def resume(self) -> Self:
        """Hand out runs again."""
        self._message = await sweeps.resume(self._wire, self.name)
        return self

    async def stop(self) -> Self:
        """Hand out no more runs; live ones end by themselves."""
        self._message = await sweeps.stop(self._wire, self.name)
        return self

    async def cancel(self) -> Self:
        """Hand out no more runs, and kill the live ones."""
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
        """Replace what is given; None takes it away. A finished sweep continues with a raised `run_cap`."""
        changes = changes_of(
            run_cap=run_cap, name=name, description=description, tags=tags, metadata=metadata
        )
        self._message = await sweeps.update(self._wire, *edited(self.name, changes))
        return self

    async def enqueue(self, params: Mapping[str, Json], *, first: bool = False) -> list[AsyncStoredRun]:
        """Add a run of a point, with repeats as many as those; what the point leaves out the method chooses.

        Args:
            params: the point; groups are dictionaries.
            first: before every run that waits, not after them.
        """
        added = await runs.enqueue(self._wire, self.name, params, first=first)
        return [AsyncStoredRun(self._wire, run) for run in added]

    async def retry(self, state: str | Sequence[str] = ("failed", "crashed")) -> int:
        """Hand out again all of its runs that ended in one of these states; return how many."""
        return (await runs.retry(self._wire, sweep=self.name, states=state)).total

    async def explain(self) -> list[str]:
        """Return what keeps runs from being handed out, a sentence each; empty if nothing does."""
        return [obstacle.message for obstacle in (await sweeps.explain(self._wire, self.name)).obstacles]

    async def wait(
        self,
        until: str = "finished",
        *,
        timeout: float | str | None = None,  # noqa: ASYNC109 - as of the blocking one
        check: bool = True,
    ) -> Self:
        """Return once it has ended, or is in another state, or has a value, as `best<0.1`.

        Args:
            until: what to wait for; `finished` means any end.
            timeout: seconds, or a text as `10m`; None: for ever, restarts of the server included.
            check: whether an end other than wanted is an error; finished and stopped are good ends.

        Raises:
            NotYetError: the time limit has passed.
            FailedError: it has ended badly, or otherwise than waited for.
        """
        self._message = await reading.wait(
            sweep_until, self._wire, self.name, until, limit=timeout, check=check
        )
        return self

    async def watch(self) -> AsyncIterator[AsyncChange]:
        """Yield how it stands with all of its runs, then every change, until it has ended.

        This object is kept up to date meanwhile. Restarts of the server are waited for.
        """
        await self.refresh()
        async with aclosing(reading.changes(self._wire, self.name)) as messages:
            async for message in messages:
                changed = message.HasField("sweep")
                if changed:
                    self._message = message.sweep
                runs = [AsyncStoredRun(self._wire, run) for run in message.runs]
                yield AsyncChange(self if changed else None, runs)

    async def run(self, number: int) -> AsyncStoredRun:
        """Return a run by its number."""
        return AsyncStoredRun(self._wire, await names.get_run(self._wire, f"{self.name}-{number}"))

    async def runs(
        self,
        *filters: str,
        state: str | Sequence[str] = (),
        best_first: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[AsyncStoredRun]:
        """Yield its runs by number, fetched a page at a time as they are read.

        Args:
            filters: conditions as of `sweepctl runs --filter`, as `params.lr<0.1` or `attempt>1`.
            state: only runs in this state, or one of these.
            best_first: the best first, and those without a value left out.
            limit: so many at most.
        """
        listed = reading.list_runs(
            self._wire, self.name, states=state, best_first=best_first, filters=filters, limit=limit
        )
        async with aclosing(listed) as found:
            async for run in found:
                yield AsyncStoredRun(self._wire, run)

    async def prior_runs(self) -> list[dict[str, Json]]:
        """Return the runs that it began with, none of its own, in the JSON of `sweepctl runs --prior`."""
        return [prior_run_shape(run) async for run in runs.prior_of(self._wire, self.name)]

    async def best(self) -> AsyncStoredRun | None:
        """Return the best run, with repeats the first one of the best point; None before there is one."""
        run = await runs.best_of(self._wire, await sweeps.get(self._wire, self.name))
        return None if run is None else AsyncStoredRun(self._wire, run)

    async def best_so_far(self) -> list[BestSoFar]:
        """Return each value in the order in which runs ended, with the best one up to then."""
        return await reading.progress(self._wire, self.name)

    async def importance(self, key: str = "") -> Importance:
        """Return how much each parameter matters for the objective, the most important first.

        Args:
            key: look at the last value of what the runs have logged under this key instead.

        Raises:
            InvalidError: no key is named, and the sweep has no metric.
        """
        return importance_from_message(await sweeps.importance(self._wire, self.name, key))

    async def to_dicts(self) -> list[Row]:
        """Return a dictionary for each run: the columns of `sweepctl export -o csv`, as Python values.

        Parameters are `params.lr`, those of groups `params.opt.lr`, the last values of what was logged
        `metrics.loss`; times are in UTC; what a run does not have is None.
        """
        return await reading.rows(self._wire, self.name)

    async def to_pandas(self) -> pd.DataFrame:
        """Return the same as a pandas frame: Int64, float64, boolean, string, times in UTC.

        What is missing is NA; among floats it is NaN, which pandas does not tell from a NaN that was logged.
        """
        return frames.to_pandas(await reading.columns(self._wire, self.name))

    async def to_polars(self) -> pl.DataFrame:
        """Return the same as a polars frame; what is missing is null."""
        return frames.to_polars(await reading.columns(self._wire, self.name))

    async def to_arrow(self) -> pa.Table:
        """Return the same as an arrow table; what is missing is null."""
        return frames.to_arrow(await reading.columns(self._wire, self.name))

    async def html(self) -> str:
        """Return a card for notebooks: state, best value over the runs, best runs, as they are now."""
        return await reading.show_sweep(self._wire, self._message)

    def _repr_html_(self) -> str:
        return reading.notebook_card(self._wire, self._message)
