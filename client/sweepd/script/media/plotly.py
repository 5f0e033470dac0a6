"""Charts of plotly."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from sweepd.script.errors import UsageError
from sweepd.script.familiar import Familiar
from sweepd.script.kept import Place


class Plotly(Familiar):
    """A chart of plotly: a file of JSON, which `plotly.io.read_json` makes a chart again."""

    def __init__(self, val: object) -> None:
        """Take a chart, as it is now.

        Raises:
            UsageError: it is none.
        """
        to_json: Callable[[], object] | None = getattr(val, "to_json", None)
        if not callable(to_json):
            raise UsageError(f"Plotly: a chart of plotly, not {type(val).__name__}")
        self._content = str(to_json())

    @classmethod
    def make_plot_media(cls, val: object) -> Self:
        """Return the chart."""
        return cls(val)

    def store(self, place: Place) -> Path:
        """Write the file and return its path."""
        with place.fresh("media/plotly", ".plotly.json") as path:
            path.write_text(self._content, encoding="utf-8")
        return path
