"""Display of a sweep's progress: redrawn on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, TextIO

from sweepd.cli.live.progress import Notice, Progress, progress_line
from sweepd.cli.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_LINE_SECONDS = 10.0


class View(Protocol):
    """Display of progress; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def tell(self, notice: Notice) -> None:
        """Write a notice that stays."""
        ...

    def show(self, progress: Progress) -> None:
        """Show where the sweep stands."""
        ...


def view_on(stream: TextIO, settings: Settings) -> View:
    """Return the view for `stream`."""
    if not settings.redraws(stream):
        return LineView(stream)
    from sweepd.cli.live.live_view import LiveView

    return LiveView(stream, colored=settings.colored(stream))


class LineView:
    """Writes one line for each notice, and where the sweep stands now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = ""
        self._shown_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()

    def tell(self, notice: Notice) -> None:
        """Write a line."""
        mark = "warning: " if notice.kind == "warning" else ""
        self._stream.write(f"{time.strftime('%H:%M:%S')} {mark}{notice.text}\n")
        self._stream.flush()

    def show(self, progress: Progress) -> None:
        """Write where the sweep stands, if that has changed and the last time is a while ago."""
        line = progress_line(progress)
        if line != self._shown and time.monotonic() - self._shown_at >= _LINE_SECONDS:
            self._shown, self._shown_at = line, time.monotonic()
            self.tell(Notice(line, "sweep"))
