"""Asynchronous sweeps and runs of a server; `generate.py` generates the blocking ones from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sweepd import v1
from sweepd.calls import logs, metrics, names, runs, sweeps
from sweepd.calls.following import run_until, sweep_until
from sweepd.calls.grpc_wires import AsyncWire
from sweepd.calls.logs import Place
from sweepd.calls.sweeps import edited
from sweepd.calls.wire import words
from sweepd.objects import frames, reading
from sweepd.objects.arguments import UNCHANGED, Unchanged, changes_of
from sweepd.objects.frames import Row
from sweepd.objects.results import BestSoFar, History, Importance, importance_from_message
from sweepd.spec.point import Json
from sweepd.views.run import RunRecord, prior_run_shape
from sweepd.views.summary import run_summary
from sweepd.views.sweep import SweepRecord

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


class AsyncStoredRun(RunRecord):
    """Async counterpart of `StoredRun`: its methods are coroutines with the same names and arguments.

    A notebook shows a card with known values only; `await run.html()` returns the complete card.
    """

    def __init__(self, wire: AsyncWire, message: v1.Run) -> None:
        self._wire = wire
        self._message = message

    async def refresh(self) -> Self:
        """Update this object from the server and return it."""
        self._message = await runs.get(self._wire, self.name)
        return self

    async def sweep(self) -> AsyncSweep | None:
        """Return the sweep of the run; None for a standalone run."""
        if not self._message.sweep:
            return None
        return AsyncSweep(self._wire, await sweeps.get(self._wire, self._message.sweep))

    async def stop(self) -> Self:
        """Stop the run with SIGTERM, after the grace period with SIGKILL; a waiting run never starts.

        Raises:
            WrongStateError: the run has ended.
        """
        await runs.stop(self._wire, self.name)
        return await self.refresh()

    async def retry(self) -> Self:
        """Start a new attempt of the run, if it has ended in any state other than finished.

        Raises:
            WrongStateError: the run has not ended, or is finished, or its sweep was cancelled.
        """
        await runs.retry(self._wire, [self.name])
        return await self.refresh()

    async def explain(self) -> list[str]:
        """Return the reasons why the run is waiting, most important first; empty if it is not waiting."""
        return [obstacle.message for obstacle in (await runs.explain(self._wire, self.name)).obstacles]

    async def wait(
        self,
        until: str = "finished",
        *,
        timeout: float | str | None = None,  # noqa: ASYNC109 - as of the blocking one
        check: bool = True,
    ) -> Self:
        """Wait until the run has ended or satisfies another condition; see `Sweep.wait`."""
        self._message = await reading.wait(
            run_until, self._wire, self.name, until, limit=timeout, check=check
        )
        return self

    async def history(
        self, keys: str | list[str] | None = None, *, max_points: int = 0, all_attempts: bool = False
    ) -> History:
        """Return the logged values as columns.

        Args:
            keys: keys to include. Default: all.
            max_points: approximate maximum number of points per key, extremes included; 0: no maximum.
            all_attempts: whether to include values that newer attempts have replaced.
        """
        return await reading.history(
            self._wire, self.name, keys=words(keys or ()), max_points=max_points, all_attempts=all_attempts
        )

    async def summary(self) -> dict[str, object]:
        """Return the summary as the script sees it, with dotted names for the members of logged groups.

        It has the last value of each key or the aggregates of `define_metric`, and values set by the script.
        """
        found = [each async for each in metrics.summaries(self._wire, runs=[self.name])]
        return run_summary(found, (await runs.get(self._wire, self.name)).details)

    async def log(self, *, attempt: int = 0, tail_bytes: int = 0) -> str:
        """Return the log: standard output and standard error, interleaved.

        Args:
            attempt: number of the attempt; 0: the newest attempt that has a log.
            tail_bytes: approximate number of bytes to read from the end, in whole lines; 0: all.
        """
        pieces = logs.read(self._wire, self.name, Place(attempt, tail_bytes))
        return b"".join([piece async for _, piece in pieces]).decode("utf-8", "replace")

    async def logs(
        self, *, follow: bool = False, attempt: int = 0, tail_bytes: int = 0
    ) -> AsyncIterator[str]:
        """Yield the lines of the log; with `follow`, also new lines until the run has ended."""
        printed = reading.log_lines(
            self._wire, self.name, attempt=attempt, tail_bytes=tail_bytes, follow=follow
        )
        async with aclosing(printed) as lines:
            async for line in lines:
                yield line

    async def html(self) -> str:
        """Return an HTML card for notebooks: current state, parameters and curve of the objective."""
        return await reading.show_run(self._wire, self._message)

    def _repr_html_(self) -> str:
        return reading.notebook_card(self._wire, self._message)


@dataclass(frozen=True, slots=True)
class AsyncChange:
    """Change of a sweep: the changed runs, and the sweep itself if it changed, else None."""

    sweep: AsyncSweep | None
    runs: list[AsyncStoredRun]


class AsyncSweep(SweepRecord):
    """Async counterpart of `Sweep`: its methods are coroutines with the same names and arguments.

    A notebook shows a card with known values only; `await sweep.html()` returns the complete card.
    """

    def __init__(self, wire: AsyncWire, message: v1.Sweep) -> None:
        self._wire = wire
        self._message = message

    async def refresh(self) -> Self:
        """Update this object from the server and return it."""
        self._message = await sweeps.get(self._wire, self.name)
        return self

    async def pause(self) -> Self:
        """Pause the sweep: no run starts until the sweep is resumed; live runs continue."""
        self._message = await sweeps.pause(self._wire, self.name)
        return self

    async def resume(self) -> Self:
        """Resume a paused sweep: runs start again."""
        self._message = await sweeps.resume(self._wire, self.name)
        return self

    async def stop(self) -> Self:
        """Stop the sweep: no more runs start; live runs continue to their end."""
        self._message = await sweeps.stop(self._wire, self.name)
        return self

    async def cancel(self) -> Self:
        """Cancel the sweep: no more runs start, and live runs are killed."""
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
        """Replace the given values; None removes a value. Raising `run_cap` continues a finished sweep."""
        changes = changes_of(
            run_cap=run_cap, name=name, description=description, tags=tags, metadata=metadata
        )
        self._message = await sweeps.update(self._wire, *edited(self.name, changes))
        return self

    async def enqueue(self, params: Mapping[str, Json], *, first: bool = False) -> list[AsyncStoredRun]:
        """Add a run of a point, or one per repeat; the search method chooses missing parameters.

        Args:
            params: values of the parameters; groups are dictionaries.
            first: whether the run precedes all waiting runs.
        """
        added = await runs.enqueue(self._wire, self.name, params, first=first)
        return [AsyncStoredRun(self._wire, run) for run in added]

    async def retry(self, state: str | Sequence[str] = ("failed", "crashed")) -> int:
        """Retry all runs that ended in one of these states; return their number."""
        return (await runs.retry(self._wire, sweep=self.name, states=state)).total

    async def explain(self) -> list[str]:
        """Return the reasons why no runs start; empty if there are none."""
        return [obstacle.message for obstacle in (await sweeps.explain(self._wire, self.name)).obstacles]

    async def wait(
        self,
        until: str = "finished",
        *,
        timeout: float | str | None = None,  # noqa: ASYNC109 - as of the blocking one
        check: bool = True,
    ) -> Self:
        """Wait until the sweep has ended or satisfies another condition, even across restarts of the server.

        Args:
            until: a state, or a condition such as `best<0.1`; `finished` is satisfied by any end.
            timeout: seconds, or text such as `10m`; None: no limit.
            check: whether to raise FailedError.

        Raises:
            NotYetError: the time limit has passed.
            FailedError: the sweep has ended without satisfying the condition; for `finished`, in a state
                other than finished or stopped.
        """
        self._message = await reading.wait(
            sweep_until, self._wire, self.name, until, limit=timeout, check=check
        )
        return self

    async def watch(self) -> AsyncIterator[AsyncChange]:
        """Yield the sweep with all of its runs, then every change, until it has ended.

        Each change of the sweep also updates this object. The stream continues after a restart of the server.
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
        """Return a run of the sweep by its number."""
        return AsyncStoredRun(self._wire, await names.get_run(self._wire, f"{self.name}-{number}"))

    async def runs(
        self,
        *filters: str,
        state: str | Sequence[str] = (),
        best_first: bool = False,
        limit: int | None = None,
    ) -> AsyncIterator[AsyncStoredRun]:
        """Yield the runs, by default in ascending order of their numbers, fetched page by page.

        Args:
            filters: conditions of `sweepctl runs --filter`, such as `params.lr<0.1` or `attempt>1`.
            state: yield only runs in this state, or in one of these states.
            best_first: whether to yield the best runs first, and to omit runs without a value.
            limit: maximum number of runs.
        """
        listed = reading.list_runs(
            self._wire, self.name, states=state, best_first=best_first, filters=filters, limit=limit
        )
        async with aclosing(listed) as found:
            async for run in found:
                yield AsyncStoredRun(self._wire, run)

    async def prior_runs(self) -> list[dict[str, Json]]:
        """Return the prior runs, in the JSON format of `sweepctl runs --prior`."""
        return [prior_run_shape(run) async for run in runs.prior_of(self._wire, self.name)]

    async def best(self) -> AsyncStoredRun | None:
        """Return the best run, with repeats the first run of the best point; None if no run has a value."""
        run = await runs.best_of(self._wire, await sweeps.get(self._wire, self.name))
        return None if run is None else AsyncStoredRun(self._wire, run)

    async def best_so_far(self) -> list[BestSoFar]:
        """Return the value of each run with the best value so far, in the order in which the runs ended."""
        return await reading.progress(self._wire, self.name)

    async def importance(self, key: str = "") -> Importance:
        """Return the importance of each parameter for the objective, the greatest first.

        Args:
            key: logged key whose last values replace the objective.

        Raises:
            InvalidError: `key` is empty, and the sweep has no metric.
        """
        return importance_from_message(await sweeps.importance(self._wire, self.name, key))

    async def to_dicts(self) -> list[Row]:
        """Return a dictionary for each run: the columns of `sweepctl export -o csv` as Python values.

        Keys are for example `params.lr`, `params.opt.lr` for a parameter in a group, and `metrics.loss` for
        the last logged value. Times are in UTC; missing values are None.
        """
        return await reading.rows(self._wire, self.name)

    async def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a pandas frame with the types Int64, float64, boolean, string and UTC times.

        Missing values are NA, in float columns NaN, which pandas does not distinguish from a logged NaN.
        """
        return frames.to_pandas(await reading.columns(self._wire, self.name))

    async def to_polars(self) -> pl.DataFrame:
        """Return the rows as a polars frame; missing values are null."""
        return frames.to_polars(await reading.columns(self._wire, self.name))

    async def to_arrow(self) -> pa.Table:
        """Return the rows as an Arrow table; missing values are null."""
        return frames.to_arrow(await reading.columns(self._wire, self.name))

    async def html(self) -> str:
        """Return an HTML card for notebooks: current state, curve of the best value, and best runs."""
        return await reading.show_sweep(self._wire, self._message)

    def _repr_html_(self) -> str:
        return reading.notebook_card(self._wire, self._message)
