"""A run that the server keeps, for callers that wait for each answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls import runs, sweeps
from sweepd.calls.blocking_wire import BlockingWire
from sweepd.calls.states import words
from sweepd.calls.wire import iterate, run_now
from sweepd.objects import following, run_calls, run_log, views
from sweepd.objects.history import History
from sweepd.views.run import RunRecord

if TYPE_CHECKING:
    from typing import Self

    from sweepd.objects.sweep import Sweep


class StoredRun(RunRecord):
    """A run that the server keeps: what it tried, what it logged, what it printed.

    Comes from `Client.run`, `Client.runs`, `Sweep.run`, `Sweep.runs` and `Sweep.best`. It shows how the run
    stood when the server was last asked; `refresh` asks again. (`sweepd.Run` is another thing: the run of a
    script.)
    """

    def __init__(self, wire: BlockingWire, message: v1.Run) -> None:
        self._wire = wire
        self._message = message

    def refresh(self) -> Self:
        """Ask the server how it stands; return the same object."""
        self._message = run_now(runs.get(self._wire, self.name))
        return self

    def sweep(self) -> Sweep | None:
        """Return the sweep that it belongs to; None for a run by hand."""
        from sweepd.objects.sweep import Sweep

        if not self._message.sweep:
            return None
        return Sweep(self._wire, run_now(sweeps.get(self._wire, self._message.sweep)))

    def stop(self) -> Self:
        """End it: SIGTERM, after the stop grace SIGKILL; one that waits never starts.

        Raises:
            WrongStateError: it has ended.
        """
        self._message = run_now(run_calls.stop(self._wire, self.name))
        return self

    def retry(self) -> Self:
        """Hand it out again, after it has ended badly, as a new attempt.

        Raises:
            WrongStateError: it has not ended, or has ended well, or its sweep was cancelled.
        """
        self._message = run_now(run_calls.retry(self._wire, self.name))
        return self

    def explain(self) -> list[str]:
        """Return why it waits, a sentence each, the most important first; empty if it does not."""
        return run_now(run_calls.explain(self._wire, self.name))

    def wait(
        self, until: str = "finished", *, timeout: float | str | None = None, check: bool = True
    ) -> Self:
        """Return once it has ended, or is in another state, or has a value; all as in `Sweep.wait`."""
        waited = following.wait_for_run(self._wire, self.name, until, limit=timeout, check=check)
        self._message = run_now(waited)
        return self

    def history(
        self, keys: str | list[str] | None = None, *, max_points: int = 0, all_attempts: bool = False
    ) -> History:
        """Return what it has logged, as columns.

        Args:
            keys: only these.
            max_points: thins each key to about so many points, smallest and largest kept; 0: all of them.
            all_attempts: also what newer attempts have replaced.
        """
        return run_now(
            views.history(
                self._wire,
                self.name,
                keys=words(keys or ()),
                max_points=max_points,
                all_attempts=all_attempts,
            )
        )

    def summary(self) -> dict[str, object]:
        """Return the summary that its script sees, the members of groups by dotted names.

        That is the last value of each key, or what `define_metric` asked for, and what the script has set.
        """
        return run_now(views.summary(self._wire, self.name))

    def log(self, *, attempt: int = 0, tail_bytes: int = 0) -> str:
        """Return what it has printed, standard output and error as they came.

        Args:
            attempt: the number of an attempt; 0: the newest that has a log.
            tail_bytes: only about so many bytes at the end, from the start of a line; 0: all.
        """
        return run_now(run_log.log_text(self._wire, self.name, attempt=attempt, tail_bytes=tail_bytes))

    def logs(self, *, follow: bool = False, attempt: int = 0, tail_bytes: int = 0) -> Iterator[str]:
        """Yield the lines that it has printed; with `follow` also those to come, until it has ended."""
        lines = run_log.log_lines(
            self._wire, self.name, attempt=attempt, tail_bytes=tail_bytes, follow=follow
        )
        return iterate(lines)

    def html(self) -> str:
        """Return a card for notebooks: state, parameters, the curve of the objective, as they are now."""
        return run_now(views.show_run(self._wire, self._message))

    def _repr_html_(self) -> str:
        return self.html()
