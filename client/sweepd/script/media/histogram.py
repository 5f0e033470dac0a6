"""Histograms, one line of a file each, so that many are cheap."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from sweepd.private_files import make_folder
from sweepd.script.errors import MissingAttributes, UsageError
from sweepd.script.media.arrays import array_of, counted, flat, is_array, listed
from sweepd.script.media.store import MediaFile

_MOST_BINS = 512
_LARGEST = sys.float_info.max


class Histogram(MissingAttributes):
    """Distribution of values: `histogram` has the counts between consecutive `bins`."""

    def __init__(
        self, sequence: object = None, np_histogram: Sequence[object] | None = None, num_bins: int = 64
    ) -> None:
        """Count the values of `sequence`, or use `np_histogram`: (counts, edges) as numpy returns them.

        Raises:
            UsageError: more than 512 bins, or lengths that do not match.
        """
        if np_histogram is not None:
            if len(np_histogram) != 2:
                raise UsageError("Histogram: np_histogram is (counts, edges), as numpy.histogram returns it")
            self.histogram, self.bins = (_numbers(part) for part in np_histogram)
        else:
            self.histogram, self.bins = _of_array(sequence, num_bins) or _counted(
                _numbers(sequence), num_bins
            )
        if len(self.histogram) > _MOST_BINS or len(self.histogram) + 1 != len(self.bins):
            raise UsageError(
                f"Histogram: {len(self.histogram)} counts and {len(self.bins)} edges; "
                f"one edge more than counts is needed, and at most {_MOST_BINS} counts"
            )

    def store(self, target: MediaFile) -> Path:
        """Add a line to the file of its key and return the file's path."""
        folder = target.files / "media" / "histograms"
        make_folder(folder)
        path = folder / f"{target.stem}.jsonl"
        line = {"key": target.key, "step": target.step, "counts": self.histogram, "edges": self.bins}
        with path.open("ab", buffering=0) as file:  # one write, as other processes append too
            file.write(f"{json.dumps(line)}\n".encode())
        return path


def _numbers(sequence: object) -> list[float]:
    if sequence is None:
        raise UsageError("Histogram: values, or np_histogram, must be given")
    if isinstance(sequence, list | tuple) or is_array(sequence):
        return [float(each) for each in flat(listed(sequence))]
    if isinstance(sequence, Sequence | set | frozenset):
        return [float(each) for each in sequence]
    raise UsageError(f"Histogram: a sequence of numbers, not {type(sequence).__name__}")


def _of_array(sequence: object, bins: int) -> tuple[list[float], list[float]] | None:
    array = array_of(sequence)
    return None if array is None else counted(array, max(1, bins))


def _counted(values: list[float], bins: int) -> tuple[list[float], list[float]]:
    """Count the finite values in equally wide bins."""
    parts = max(1, bins)
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    # Halves and shares avoid overflow of `high - low`, and bins too narrow for floats.
    if high / 2 - low / 2 == 0.0:
        margin = max(0.5, abs(high) / 1e9)
        low, high = max(low - margin, -_LARGEST), min(high + margin, _LARGEST)
    edges = [low * (1 - part / parts) + high * (part / parts) for part in range(parts)] + [high]
    counts = [0.0] * parts
    half = high / 2 - low / 2
    for value in finite:
        counts[min(parts - 1, int((value / 2 - low / 2) / half * parts))] += 1
    return counts, edges
