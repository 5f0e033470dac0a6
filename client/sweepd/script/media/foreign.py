"""What scripts log without wrapping it: pictures, figures, charts, frames, arrays of many values."""

from sweepd.script.kept import Storable
from sweepd.script.media.arrays import is_array
from sweepd.script.media.histogram import Histogram
from sweepd.script.media.image import Image
from sweepd.script.media.plotly import Plotly
from sweepd.script.media.table import Table


def recognised(value: object) -> Storable | None:
    """Return what an object of another library is kept as; None if it is not known."""
    origin, name = type(value).__module__.partition(".")[0], type(value).__name__
    if origin in ("matplotlib", "PIL") or getattr(value, "__name__", None) == "matplotlib.pyplot":
        return Image(value)
    if origin == "plotly":
        return Plotly(value)
    if origin == "pandas" and name == "DataFrame":
        return Table(dataframe=value)
    if is_array(value):
        return Histogram(value)
    return None
