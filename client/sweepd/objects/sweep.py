"""A sweep, for callers that wait for each answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls import names, runs, sweeps
from sweepd.calls.blocking_wire import BlockingWire
from sweepd.calls.wire import iterate, run_now
from sweepd.objects import following, frames, run_calls, sweep_calls, views
from sweepd.objects.best import BestSoFar
from sweepd.objects.frames import Row
from sweepd.objects.importance import Importance, importance_from_message
from sweepd.objects.options import UNCHANGED, Unchanged, changes_of
from sweepd.objects.stored_run import StoredRun
from sweepd.spec.point import Json
from sweepd.views.sweep import SweepRecord

if TYPE_CHECKING:
    from typing import Self

    import pandas as pd
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Change:
    """What `Sweep.watch` yields: the sweep, if it has changed, and the runs that have."""

    sweep: Sweep | None
    runs: list[StoredRun]


class Sweep(SweepRecord):
    """A sweep of the server: how it stands, its runs, and the verbs that steer it.

    Comes from `Client.create`, `Client.sweep` and `Client.sweeps`. It shows how the sweep stood when the
    server was last asked; verbs and `refresh` ask again.
    """

    def __init__(self, wire: BlockingWire, message: v1.Sweep) -> None:
        self._wire = wire
        self._message = message

    def refresh(self) -> Self:
        """Ask the server how it stands; return the same object."""
        self._message = run_now(sweeps.get(self._wire, self.name))
        return self

    def pause(self) -> Self:
        """Hand out no run until it is resumed; live runs go on."""
        self._message = run_now(sweeps.pause(self._wire, self.name))
        return self

    def resume(self) -> Self:
        """Hand out runs again."""
        self._message = run_now(sweeps.resume(self._wire, self.name))
        return self

    def stop(self) -> Self:
        """Hand out no more runs; live ones end by themselves."""
        self._message = run_now(sweeps.stop(self._wire, self.name))
        return self

    def cancel(self) -> Self:
        """Hand out no more runs, and kill the live ones."""
        self._message = run_now(sweeps.cancel(self._wire, self.name)).sweep
        return self

    def edit(
        self,
        *,
        run_cap: int | Unchanged | None = UNCHANGED,
        name: str | Unchanged | None = UNCHANGED,
        description: str | Unchanged | None = UNCHANGED,
        tags: list[str] | Unchanged | None = UNCHANGED,
        metadata: dict[str, Json] | Unchanged | None = UNCHANGED,
    ) -> Self:
        """Replace what is given; None takes it away. A raised `run_cap` lets a finished sweep go on."""
        changes = changes_of(
            run_cap=run_cap, name=name, description=description, tags=tags, metadata=metadata
        )
        self._message = run_now(sweep_calls.edit(self._wire, self.name, changes))
        return self

    def enqueue(self, params: Mapping[str, Json], *, first: bool = False) -> list[StoredRun]:
        """Add a run of a point, with repeats as many as those; what the point leaves out the method chooses.

        Args:
            params: the point; groups are dictionaries.
            first: before every run that waits, not after them.
        """
        added = run_now(runs.enqueue(self._wire, self.name, params, first=first))
        return [StoredRun(self._wire, run) for run in added]

    def retry(self, state: str | Sequence[str] = ("failed", "crashed")) -> int:
        """Hand out again all of its runs that ended in one of these states; return how many."""
        return run_now(sweep_calls.retry(self._wire, self.name, state))

    def explain(self) -> list[str]:
        """Return what keeps runs from being handed out, a sentence each; empty if nothing does."""
        return run_now(sweep_calls.explain(self._wire, self.name))

    def wait(
        self, until: str = "finished", *, timeout: float | str | None = None, check: bool = True
    ) -> Self:
        """Return once it has ended, or is in another state, or has a value, as `best<0.1`.

        Args:
            until: what to wait for; `finished` means any end.
            timeout: seconds, or a text as `10m`; None: for ever, restarts of the server included.
            check: whether an end other than wanted is an error; finished and stopped are good ends.

        Raises:
            NotYetError: the time is over.
            FailedError: it has ended badly, or otherwise than waited for.
        """
        waited = following.wait_for_sweep(self._wire, self.name, until, limit=timeout, check=check)
        self._message = run_now(waited)
        return self

    def watch(self) -> Iterator[Change]:
        """Yield how it stands with all of its runs, then every change, until it has ended.

        This object is kept up to date meanwhile. Restarts of the server are waited for.
        """
        for message in iterate(following.changes(self._wire, self.refresh().name)):
            changed = message.HasField("sweep")
            if changed:
                self._message = message.sweep
            runs = [StoredRun(self._wire, run) for run in message.runs]
            yield Change(self if changed else None, runs)

    def run(self, number: int) -> StoredRun:
        """Return a run by its number."""
        return StoredRun(self._wire, run_now(names.get_run(self._wire, f"{self.name}-{number}")))

    def runs(
        self,
        *filters: str,
        state: str | Sequence[str] = (),
        best_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[StoredRun]:
        """Yield its runs by number, fetched a page at a time as they are read.

        Args:
            filters: conditions as of `sweepctl runs --filter`, as `params.lr<0.1` or `attempt>1`.
            state: only runs in this state, or one of these.
            best_first: the best first, and those without a value left out.
            limit: so many at most.
        """
        found = run_calls.list_of(
            self._wire,
            self.name,
            states=state,
            best_first=best_first,
            filters=filters,
            limit=limit,
        )
        return (StoredRun(self._wire, run) for run in iterate(found))

    def prior_runs(self) -> list[dict[str, Json]]:
        """Return the runs that it began with, none of its own, in the JSON of `sweepctl runs --prior`."""
        return run_now(run_calls.prior_of(self._wire, self.name))

    def best(self) -> StoredRun | None:
        """Return the best run, with repeats the first one of the best point; None before there is one."""
        run = run_now(run_calls.best(self._wire, self.name))
        return None if run is None else StoredRun(self._wire, run)

    def best_so_far(self) -> list[BestSoFar]:
        """Return each value in the order in which runs ended, with the best one up to then."""
        return run_now(views.progress(self._wire, self.name))

    def importance(self, key: str = "") -> Importance:
        """Return how much each parameter matters for the objective, the most important first.

        Args:
            key: look at the last value of what the runs have logged under this key instead.

        Raises:
            InvalidError: no key is named, and the sweep has no metric.
        """
        return importance_from_message(run_now(sweeps.importance(self._wire, self.name, key)))

    def to_dicts(self) -> list[Row]:
        """Return a dictionary for each run: the columns of `sweepctl export -o csv`, as Python values.

        Parameters are `params.lr`, those of groups `params.opt.lr`, the last values of what was logged
        `metrics.loss`; times are in UTC; what a run does not have is None.
        """
        return run_now(views.rows(self._wire, self.name))

    def to_pandas(self) -> pd.DataFrame:
        """Return the same as a pandas frame: Int64, float64, boolean, string, times in UTC.

        What is missing is NA; among floats it is NaN, which pandas does not tell from a NaN that was logged.
        """
        return frames.to_pandas(run_now(views.columns(self._wire, self.name)))

    def to_polars(self) -> pl.DataFrame:
        """Return the same as a polars frame; what is missing is null."""
        return frames.to_polars(run_now(views.columns(self._wire, self.name)))

    def to_arrow(self) -> pa.Table:
        """Return the same as an arrow table; what is missing is null."""
        return frames.to_arrow(run_now(views.columns(self._wire, self.name)))

    def html(self) -> str:
        """Return a card for notebooks: state, best value over the runs, best runs, as they are now."""
        return run_now(views.show_sweep(self._wire, self._message))

    def _repr_html_(self) -> str:
        return self.html()
