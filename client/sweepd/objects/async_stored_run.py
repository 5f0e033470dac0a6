"""A run that the server keeps, for event loops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from sweepd import v1
from sweepd.calls import runs, sweeps
from sweepd.calls.async_wire import AsyncWire
from sweepd.calls.states import words
from sweepd.objects import cards, following, run_calls, run_log, views
from sweepd.objects.history import History
from sweepd.views.run import RunRecord

if TYPE_CHECKING:
    from typing import Self

    from sweepd.objects.async_sweep import AsyncSweep


class AsyncStoredRun(RunRecord):
    """The twin of `StoredRun`: the same names, arguments and answers, to be awaited.

    Its notebook card shows only what is known of it; `await run.html()` is the whole.
    """

    def __init__(self, wire: AsyncWire, message: v1.Run) -> None:
        self._wire = wire
        self._message = message

    async def refresh(self) -> Self:
        """See `StoredRun.refresh`."""
        self._message = await runs.get(self._wire, self.name)
        return self

    async def sweep(self) -> AsyncSweep | None:
        """See `StoredRun.sweep`."""
        from sweepd.objects.async_sweep import AsyncSweep

        if not self._message.sweep:
            return None
        return AsyncSweep(self._wire, await sweeps.get(self._wire, self._message.sweep))

    async def stop(self) -> Self:
        """See `StoredRun.stop`."""
        self._message = await run_calls.stop(self._wire, self.name)
        return self

    async def retry(self) -> Self:
        """See `StoredRun.retry`."""
        self._message = await run_calls.retry(self._wire, self.name)
        return self

    async def explain(self) -> list[str]:
        """See `StoredRun.explain`."""
        return await run_calls.explain(self._wire, self.name)

    async def wait(
        self,
        until: str = "finished",
        *,
        timeout: float | str | None = None,  # noqa: ASYNC109 - as its twin
        check: bool = True,
    ) -> Self:
        """See `StoredRun.wait`."""
        waited = following.wait_for_run(self._wire, self.name, until, limit=timeout, check=check)
        self._message = await waited
        return self

    async def history(
        self, keys: str | list[str] | None = None, *, max_points: int = 0, all_attempts: bool = False
    ) -> History:
        """See `StoredRun.history`."""
        return await views.history(
            self._wire, self.name, keys=words(keys or ()), max_points=max_points, all_attempts=all_attempts
        )

    async def summary(self) -> dict[str, object]:
        """See `StoredRun.summary`."""
        return await views.summary(self._wire, self.name)

    async def log(self, *, attempt: int = 0, tail_bytes: int = 0) -> str:
        """See `StoredRun.log`."""
        return await run_log.log_text(self._wire, self.name, attempt=attempt, tail_bytes=tail_bytes)

    def logs(self, *, follow: bool = False, attempt: int = 0, tail_bytes: int = 0) -> AsyncIterator[str]:
        """See `StoredRun.logs`."""
        return run_log.log_lines(self._wire, self.name, attempt=attempt, tail_bytes=tail_bytes, follow=follow)

    async def html(self) -> str:
        """See `StoredRun.html`."""
        return await views.show_run(self._wire, self._message)

    def _repr_html_(self) -> str:
        return cards.run_card(self._message, None)
