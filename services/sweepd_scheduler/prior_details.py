"""What a script has told of its run besides metrics, as far as it decides whether the run suits a sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from sweepd import v1
from sweepd.codec.details import plain_map, summary_number
from sweepd.spec import Json
from sweepd_scheduler.domain.runs.run import Run, RunKey
from sweepd_scheduler.ports import Records


@dataclass(frozen=True, slots=True)
class Told:
    """The configuration of a run, values that its script has put into the summary, and its tags."""

    config: Mapping[str, Json] = field(default_factory=dict)
    summary: Mapping[str, Json] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()

    def value(self, key: str) -> float | None:
        """Return the finite number that the summary has under a key, dots leading into groups; else None."""
        found = summary_number(self.summary, key)
        return found if found is not None and isfinite(found) else None


def told_of(records: Records, run: RunKey) -> Told:
    """Read what is told of a run; it may be large, so nobody should hold that of many."""
    body = records.details(run)
    if body is None:
        return Told()
    message = v1.RunDetails.FromString(body)
    return Told(plain_map(message.config), plain_map(message.summary), frozenset(message.tags))


def tagged(records: Records, runs: Sequence[Run], tags: frozenset[str]) -> list[Run]:
    """Return the runs whose scripts have told all of these tags."""
    return [run for run in runs if tags <= told_of(records, run.key).tags]


def values_told(records: Records, runs: Sequence[RunKey], key: str) -> list[float | None]:
    """Return what the summary of each run has under a key."""
    return [told_of(records, run).value(key) for run in runs]
