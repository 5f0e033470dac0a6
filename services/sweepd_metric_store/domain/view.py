"""Visible points of a run with several attempts: newer attempts replace what older ones logged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sweepd_metric_store.domain.batch import Stretch

EVERYTHING = 2**63 - 1
NOTHING = -(2**63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that has delivered rows, and the step of the checkpoint it resumed from, if any."""

    number: int
    resumed_from_step: int | None


def last_visible_steps(attempts: Iterable[Attempt]) -> Mapping[int, int]:
    """Return, per attempt number, the last step that no newer attempt has replaced.

    An attempt that resumed at step s replaces what all older ones logged beyond s; one that started over
    replaces all of it. `NOTHING` lies below every step, `EVERYTHING` is the largest.
    """
    limit = EVERYTHING
    limits: dict[int, int] = {}
    for attempt in sorted(attempts, key=lambda each: each.number, reverse=True):
        limits[attempt.number] = limit
        limit = min(limit, NOTHING if attempt.resumed_from_step is None else attempt.resumed_from_step)
    return limits


def windowed(stretch: Stretch, *, first_row: int, last_row: int, last_step: int = EVERYTHING) -> Stretch:
    """Return the points of `stretch` within these rows whose step is at most `last_step`, perhaps none."""
    spine = stretch.spine
    kept = [
        at
        for at, (row, step) in enumerate(zip(spine.rows, spine.steps, strict=True))
        if first_row <= row <= last_row and step <= last_step
    ]
    return stretch if len(kept) == len(stretch) else stretch.picked(kept)
