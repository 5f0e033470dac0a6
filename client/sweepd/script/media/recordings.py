"""Audio, video, HTML and plotly charts."""

import array
import wave
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

from sweepd.script.errors import MissingAttributes, UsageError
from sweepd.script.media.arrays import array_of, flat, frames, listed
from sweepd.script.media.store import MediaFile, copy, is_file


class Html(MissingAttributes):
    """HTML page: text, a path or an open file."""

    def __init__(
        self, data: str | Path | IO[str], inject: bool = True, data_is_not_path: bool = False
    ) -> None:
        """Read the page; `inject` has no effect."""
        if isinstance(data, Path) or (
            isinstance(data, str) and not data_is_not_path and data.endswith(".html") and is_file(data)
        ):
            self.html = Path(data).read_text(encoding="utf-8", errors="replace")
        elif isinstance(data, str):
            self.html = data
        else:
            self.html = str(data.read())

    def store(self, target: MediaFile) -> Path:
        """Write the file and return its path."""
        with target.fresh("media/html", ".html") as path:
            path.write_text(self.html, encoding="utf-8", errors="backslashreplace")
        return path


class Audio(MissingAttributes):
    """Audio: a file, or samples that are written as WAV: floats from -1 to 1, or 16-bit integers.

    Two-dimensional samples have shape (frames, channels).
    """

    def __init__(
        self, data_or_path: object, sample_rate: int | None = None, caption: str | None = None
    ) -> None:
        """Read samples, or remember the file.

        Raises:
            UsageError: the file does not exist, or samples have no sample rate.
        """
        self.caption = caption
        self._path = _file("Audio", data_or_path)
        self._rate = sample_rate or 0
        if self._path is None:
            if sample_rate is None:
                raise UsageError("Audio: samples need sample_rate")
            self._channels, self._frames = _frames(data_or_path)

    def store(self, target: MediaFile) -> Path:
        """Write the file and return its path."""
        if self._path is not None:
            return _copy(target, "media/audio", self._path)
        with target.fresh("media/audio", ".wav") as path, wave.open(str(path), "wb") as file:
            file.setnchannels(self._channels)
            file.setsampwidth(2)
            file.setframerate(self._rate)
            file.writeframes(self._frames)
        return path


class Video(MissingAttributes):
    """Video: a path or an open file. Arrays are refused: the standard library cannot encode them."""

    def __init__(
        self,
        data_or_path: object,
        caption: str | None = None,
        fps: int | None = None,
        format: str | None = None,  # noqa: A002 (W&B's name)
    ) -> None:
        """Read the content of an open file; `fps` has no effect."""
        self.caption = caption
        self._suffix = f".{format or 'gif'}"
        self._path = _file("Video", data_or_path)
        self._content = b""
        read: object = getattr(data_or_path, "read", None)
        if callable(read):
            content: object = read()
            self._content = content if isinstance(content, bytes) else b""

    def store(self, target: MediaFile) -> Path:
        """Write the file and return its path."""
        if self._path is not None:
            return _copy(target, "media/videos", self._path)
        if not self._content:
            raise TypeError("an array cannot be encoded here; write a file first, and log Video(path)")
        with target.fresh("media/videos", self._suffix) as path:
            path.write_bytes(self._content)
        return path


def _file(kind: str, given: object) -> Path | None:
    if not isinstance(given, str | Path):
        return None
    if not is_file(given):
        raise UsageError(f"{kind}: the file {given} does not exist")
    return Path(given)


def _copy(target: MediaFile, folder: str, source: Path) -> Path:
    with target.fresh(folder, source.suffix.lower()) as path:
        copy(source, path)
    return path


def _frames(samples: object) -> tuple[int, bytes]:
    """Return channels and encoded frames, at once because the samples may change later."""
    numbers = array_of(samples)
    made = None if numbers is None else frames(numbers)
    if made is not None:
        return made
    rows = listed(samples)
    first = rows[0] if isinstance(rows, list) and rows else 0.0
    return (len(first) if isinstance(first, list) else 1), array.array(
        "h", map(_sample, flat(rows))
    ).tobytes()


def _sample(number: float) -> int:
    """Return a 16-bit sample; integers are samples already."""
    if isinstance(number, int):
        return max(-32768, min(32767, number))
    return round(max(-1.0, min(1.0, number)) * 32767)


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
