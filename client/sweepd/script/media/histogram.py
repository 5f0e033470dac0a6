"""Histograms: a line of a file each, so that many cost little."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from sweepd.script.errors import UsageError
from sweepd.script.kept import Place
from sweepd.script.media.arrays import flat, is_array, listed

_MOST_BINS = 512


class Histogram:
    """How values are distributed: `histogram` counts between consecutive `bins`."""

    def __init__(
        self, sequence: object = None, np_histogram: Sequence[object] | None = None, num_bins: int = 64
    ) -> None:
        """Count the values of `sequence`, or take `np_histogram` over: (counts, edges) as numpy returns them.

        Raises:
            UsageError: there are more than 512 bins, or the two parts do not fit together.
        """
        if np_histogram is not None:
            if len(np_histogram) != 2:
                raise UsageError("Histogram: np_histogram is (counts, edges), as numpy.histogram returns it")
            self.histogram, self.bins = (_numbers(part) for part in np_histogram)
        else:
            self.histogram, self.bins = _counted(_numbers(sequence), num_bins)
        if len(self.histogram) > _MOST_BINS or len(self.histogram) + 1 != len(self.bins):
            raise UsageError(
                f"Histogram: {len(self.histogram)} counts and {len(self.bins)} edges; "
                f"one edge more than counts is needed, and at most {_MOST_BINS} counts"
            )

    def store(self, place: Place) -> Path:
        """Add a line to the file of its key and return the file's path."""
        folder = place.files / "media" / "histograms"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{place.stem}.jsonl"
        line = {"key": place.key, "step": place.step, "counts": self.histogram, "edges": self.bins}
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return path


def _numbers(sequence: object) -> list[float]:
    if sequence is None:
        raise UsageError("Histogram: values, or np_histogram, must be given")
    if isinstance(sequence, list | tuple) or is_array(sequence):
        return flat(listed(sequence))
    if isinstance(sequence, Sequence | set | frozenset):
        return [float(each) for each in sequence]
    raise UsageError(f"Histogram: a sequence of numbers, not {type(sequence).__name__}")


def _counted(values: list[float], bins: int) -> tuple[list[float], list[float]]:
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / max(1, bins)
    counts = [0.0] * max(1, bins)
    for value in finite:
        counts[min(len(counts) - 1, int((value - low) / width))] += 1
    return counts, [low + width * edge for edge in range(len(counts))] + [high]
