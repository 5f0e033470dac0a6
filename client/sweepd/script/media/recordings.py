"""Audio, video, HTML pages and plotly charts; placeholders for media that are not stored."""

import array
import wave
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

from sweepd.script.errors import UsageError
from sweepd.script.media.arrays import array_of, flat, frames, listed
from sweepd.script.media.store import Media, MediaFile, existing_file, is_file


class Html(Media):
    """HTML page: text, a path or an open file."""

    _folder, _suffix = "media/html", ".html"

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
        self._content = self.html.encode(errors="backslashreplace")


class Audio(Media):
    """Audio: a file, or samples (floats from -1 to 1, or 16-bit integers), which are stored as WAV.

    Two-dimensional samples have shape (frames, channels).
    """

    _folder = "media/audio"

    def __init__(
        self, data_or_path: object, sample_rate: int | None = None, caption: str | None = None
    ) -> None:
        """Read the samples, or record the path of the file.

        Raises:
            UsageError: the file does not exist, or `sample_rate` is missing for samples.
        """
        self.caption = caption
        self._suffix, self._content = ".wav", None
        self._rate = sample_rate or 0
        if (file := existing_file("Audio", data_or_path)) is not None:
            self._suffix, self._content = file.suffix.lower(), file
        elif sample_rate is None:
            raise UsageError("Audio: samples need sample_rate")
        else:
            self._channels, self._frames = _frames(data_or_path)

    def _write(self, path: Path) -> None:
        if self._content is not None:
            super()._write(path)
            return
        with wave.open(str(path), "wb") as file:
            file.setnchannels(self._channels)
            file.setsampwidth(2)
            file.setframerate(self._rate)
            file.writeframes(self._frames)


class Video(Media):
    """Video: a path or an open file. `log` skips arrays, which the standard library cannot encode."""

    _folder = "media/videos"

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
        self._content = b""
        read: object = getattr(data_or_path, "read", None)
        if (file := existing_file("Video", data_or_path)) is not None:
            self._suffix, self._content = file.suffix.lower(), file
        elif callable(read) and isinstance(content := read(), bytes):
            self._content = content

    def _write(self, path: Path) -> None:
        if not self._content:
            raise TypeError("an array cannot be encoded here; write a file first, and log Video(path)")
        super()._write(path)


def _frames(samples: object) -> tuple[int, bytes]:
    """Return the number of channels and the encoded frames; encode at once, as the samples may change."""
    numbers = array_of(samples)
    encoded = None if numbers is None else frames(numbers)
    if encoded is not None:
        return encoded
    rows = listed(samples)
    first = rows[0] if isinstance(rows, list) and rows else 0.0
    return (len(first) if isinstance(first, list) else 1), array.array(
        "h", map(_sample, flat(rows))
    ).tobytes()


def _sample(number: float) -> int:
    """Convert a float from -1 to 1 to a 16-bit sample; limit an integer to the range of samples."""
    if isinstance(number, int):
        return max(-32768, min(32767, number))
    return round(max(-1.0, min(1.0, number)) * 32767)


class Plotly(Media):
    """Plotly chart, stored as JSON for `plotly.io.read_json`."""

    _folder, _suffix = "media/plotly", ".plotly.json"

    def __init__(self, val: object) -> None:
        """Encode the chart at once; later changes have no effect.

        Raises:
            UsageError: `val` is not a plotly chart.
        """
        to_json: Callable[[], object] | None = getattr(val, "to_json", None)
        if not callable(to_json):
            raise UsageError(f"Plotly: expected a plotly chart, not {type(val).__name__}")
        self._content = str(to_json()).encode()

    @classmethod
    def make_plot_media(cls, val: object) -> Self:
        """Return the chart."""
        return cls(val)


class _AnyClassMethod(type):
    """Metaclass that adds class methods of any name, which return an instance: `Object3D.from_numpy(…)`."""

    def __getattr__(cls, name: str) -> Callable[..., object]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *ignored, **more: cls()


class _Ignored(metaclass=_AnyClassMethod):
    """Media that are not stored: accepts any arguments; `log` skips it with a warning."""

    def __init__(self, *ignored: object, **more: object) -> None:
        """Accept any arguments."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *ignored, **more: None

    def store(self, target: MediaFile) -> Path:
        """Raise TypeError, because this type of media is not stored."""
        raise TypeError(f"sweepd.{type(self).__name__} is not stored")


class Object3D(_Ignored):
    """Three-dimensional scene (not stored)."""


class Molecule(_Ignored):
    """Molecule (not stored)."""


class Graph(_Ignored):
    """Graph of a model (not stored)."""


class Bokeh(_Ignored):
    """Bokeh chart (not stored)."""
