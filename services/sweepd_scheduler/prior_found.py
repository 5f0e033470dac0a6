"""What was found so far of the runs that a new sweep may begin with, and what was taken of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sweepd.spec import SweepSpec
from sweepd_kernel.errors import InvalidFieldError
from sweepd_scheduler.domain.replacing import replace
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.search.prior_run import PriorRun
from sweepd_scheduler.domain.search.suitability import (
    Candidate,
    PointError,
    Shown,
    UnsuitableError,
    candidate,
    prior_run,
    shown_in,
)
from sweepd_scheduler.ports import Records
from sweepd_scheduler.prior_codec import MOST_RUNS, MOST_TOLD, Filter
from sweepd_scheduler.prior_details import told_of

Outcome = Shown | UnsuitableError

MOST_RUNG_VALUES = 500_000
"""Values at rungs that one sweep begins with: all of them are in memory, and read at each start."""


@dataclass(slots=True)
class Found:
    """Runs whose points suit a sweep, and how many do not, the first ones with the reason.

    `named` are runs that were named, each by itself. They come again with their sweep or project, and stay
    what they have become, whatever a filter says; no other run comes twice.
    """

    spec: SweepSpec
    candidates: list[Candidate] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    unsuitable: list[tuple[str, str]] = field(default_factory=list)
    left_out: int = 0

    def refuse(self, run: str, why: str) -> None:
        """Leave a run out."""
        self.left_out += 1
        if len(self.unsuitable) < MOST_TOLD:
            self.unsuitable.append((run, why))

    def judge(self, runs: Sequence[Run], before: SweepSpec | None, *, named: bool = False) -> list[Run]:
        """Take the runs, of a sweep with the specification `before` or of none, whose points suit.

        Return those whose points do not, but may with what their scripts have told.

        Raises:
            InvalidFieldError: they are too many.
        """
        unsure: list[Run] = []
        for run in runs:
            if run.name in self.named:
                continue
            if named:
                self.named.add(run.name)
            try:
                self._take(candidate(self.spec, run, before))
            except PointError:
                unsure.append(run)
            except UnsuitableError as error:
                self.refuse(run.name, str(error))
        return unsure

    def judge_told(self, records: Records, runs: Sequence[Run], before: SweepSpec | None) -> None:
        """Take those that suit with what their scripts have told.

        Raises:
            InvalidFieldError: they are too many.
        """
        for run in runs:
            try:
                self._take(candidate(self.spec, run, before, told_of(records, run.key).config))
            except UnsuitableError as error:
                self.refuse(run.name, str(error))

    def _take(self, found: Candidate) -> None:
        if len(self.candidates) >= MOST_RUNS:
            raise InvalidFieldError("prior_runs", f"a sweep begins with {MOST_RUNS:,} runs at most")
        self.candidates.append(found)


@dataclass(slots=True)
class Taken:
    """The runs that are taken, in order, by what they come to in the new sweep.

    Values at rungs are dropped as soon as there are more than are kept: each may have as many as rows.
    """

    found: Found
    chosen: Filter
    runs: list[PriorRun] = field(default_factory=list)
    without_curve: int = 0
    rung_values: int = 0

    def judge(self, each: Candidate, curve: Sequence[float], summary: float | None = None) -> Outcome:
        """Return what a run comes to, or why it teaches the sweep nothing; it is added in its turn."""
        try:
            shown = shown_in(self.found.spec, each, curve, summary)
        except UnsuitableError as error:
            return error
        if not self._means(each, shown):
            return replace(shown, rungs=())
        if self.rung_values + len(shown.rungs) > MOST_RUNG_VALUES:
            self.without_curve += 1
            return replace(shown, rungs=())
        self.rung_values += len(shown.rungs)
        return shown

    def add(self, each: Candidate, outcome: Outcome) -> None:
        """Take a run, unless it teaches the sweep nothing or a filter does not mean it."""
        if not isinstance(outcome, UnsuitableError):
            if self._means(each, outcome):
                self.runs.append(prior_run(each, outcome, len(self.runs) + 1))
        elif each.source in self.found.named or not self.chosen.needs_value:
            self.found.refuse(each.source, str(outcome))

    def _means(self, each: Candidate, shown: Shown) -> bool:
        return each.source in self.found.named or self.chosen.takes_value(shown.value)
