"""Plotly charts."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from sweepd.script.attribute_errors import MissingAttributes
from sweepd.script.errors import UsageError
from sweepd.script.media.store import MediaFile


class Plotly(MissingAttributes):
    """Plotly chart, stored as JSON for `plotly.io.read_json`."""

    def __init__(self, val: object) -> None:
        """Encode the chart as it is now.

        Raises:
            UsageError: not a plotly chart.
        """
        to_json: Callable[[], object] | None = getattr(val, "to_json", None)
        if not callable(to_json):
            raise UsageError(f"Plotly: expected a plotly chart, not {type(val).__name__}")
        self._content = str(to_json())

    @classmethod
    def make_plot_media(cls, val: object) -> Self:
        """Return the chart."""
        return cls(val)

    def store(self, target: MediaFile) -> Path:
        """Write the file and return its path."""
        with target.fresh("media/plotly", ".plotly.json") as path:
            path.write_text(self._content, encoding="utf-8")
        return path
