"""Size of a sweep preview in a response."""

from __future__ import annotations

from itertools import count

from sweepd.spec.parse import parse_text
from sweepd_kernel.clock import SystemClock
from sweepd_scheduler.api.sweep_codec import previewed

FILE = b"method: grid\nprogram: t.py\nparameters: {a: {values: [1, 2, 3]}}\n"


class SlowClock(SystemClock):
    """A clock on which a minute passes between two readings."""

    def __init__(self) -> None:
        self._looks = count()

    def monotonic(self) -> float:
        return 60.0 * next(self._looks)


def test_a_preview_shows_at_least_one_run_on_a_slow_machine() -> None:
    answer = previewed(parse_text(FILE, file="sweep.yaml"), 3, 1, SlowClock(), None)
    assert len(answer.preview.runs) == 1
