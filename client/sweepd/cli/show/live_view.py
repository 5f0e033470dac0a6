"""Live view of a sweep on a terminal: notices scroll above a few lines that are redrawn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from sweepd.cli.show.progress import Notice, Progress
from sweepd.states import state_of
from sweepd.views.rows import point
from sweepd.views.run import params_shape
from sweepd.views.text import clean, duration, number

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sweepd import v1

_STYLES = {"warning": "yellow", "sweep": "bold", "run": ""}
_MAX_RUNS = 8
_BAR_WIDTH = 50


class LiveView:
    """View drawn with rich; texts are passed as `Text`, so that names are never parsed as markup."""

    def __init__(self, stream: TextIO, *, colored: bool) -> None:
        self._console = Console(
            file=stream, force_terminal=True, no_color=not colored, highlight=False, markup=False, emoji=False
        )
        # A thread of rich draws the frame, so `show` replaces the frame and never changes it.
        self._frame: tuple[Text, list[RenderableType]] = (Text(), [])
        self._started = time.monotonic()
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._live.stop()

    def notify(self, notice: Notice) -> None:
        """Write a line above the redrawn lines."""
        mark = "! " if notice.kind == "warning" else ""
        text = Text(f"{time.strftime('%H:%M:%S')} {mark}{notice.text}", style=_STYLES[notice.kind])
        self._console.print(text)

    def show(self, progress: Progress) -> None:
        """Set the progress for the next redraw."""
        if progress.sweep is None:
            return
        lines: list[RenderableType] = []
        if planned := progress.planned_runs:
            lines.append(_bar(progress.ended_runs, planned))
        room = min(_MAX_RUNS, self._console.height - 4)
        metric = progress.sweep.spec.metric.name
        runs = sorted(progress.live.values(), key=lambda run: run.number)
        lines += [_run_line(run, metric) for run in runs[: max(room, 0)]]
        self._frame = (_headline(progress), lines)

    def _render(self) -> RenderableType:
        headline, lines = self._frame
        elapsed = Text(f"  {duration(time.monotonic() - self._started)}", style="dim")
        return Group(Text.assemble(headline, elapsed, no_wrap=True, overflow="ellipsis"), *lines)


def _headline(progress: Progress) -> Text:
    assert progress.sweep is not None
    planned = progress.planned_runs
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(clean(progress.sweep.spec.name or progress.sweep.name), style="bold")
    text.append(f"  {progress.state}  {progress.ended_runs}/{'∞' if planned is None else planned} runs")
    for state in ("stopped", "failed", "crashed"):
        if count := progress.counts()[state]:
            text.append(f"  {count} {state}", style="red" if state != "stopped" else "")
    if progress.shown_best is not None:
        metric = clean(progress.sweep.spec.metric.name)
        text.append(f"  best {metric} {number(progress.shown_best)}", style="green")
    return text


def _bar(done: int, planned: int) -> Text:
    filled = min(_BAR_WIDTH * done // planned, _BAR_WIDTH)
    return Text.assemble(("━" * filled, "green"), ("─" * (_BAR_WIDTH - filled), "dim"))


def _run_line(run: v1.Run, metric: str) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"  {run.number:>4}  {state_of(run):<8}  ")
    text.append(f"iteration {run.iterations:<5}", style="dim")
    if run.HasField("last_value"):
        text.append(f"  {clean(metric)} {number(run.last_value):<10}")
    text.append(f"  {point(dict(params_shape(run)))}", style="dim")
    return text
