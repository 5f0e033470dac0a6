"""Answers to questions about studies: at once where no model is needed, else by a fit that is shared."""

import asyncio
from dataclasses import dataclass

from sweepd_suggestion.domain.proposal import Proposal, question
from sweepd_suggestion.domain.sequence import proposals
from sweepd_suggestion.fits import Fits
from sweepd_suggestion.studies import HeldStudy, StudyKey

_KEPT_FITS = 8


@dataclass(frozen=True, slots=True)
class PointsWanted:
    """Points for `count` runs from `run_number` on."""

    run_number: int
    count: int


@dataclass(frozen=True, slots=True)
class PointsFound:
    """The points, and what the study knew when they were worked out: entries, and values among them."""

    proposals: tuple[Proposal, ...]
    known: int
    observed: int
    exhausted: bool


class Search:
    """Answers questions about studies."""

    def __init__(self, fits: Fits) -> None:
        self._fits = fits

    async def points(self, key: StudyKey, known: HeldStudy, wanted: PointsWanted) -> PointsFound:
        """Return the points; fewer than wished for where a finite space has no more.

        A caller that gives up leaves the fit to those who ask the same again.

        Raises:
            DomainError: the fit failed.
        """
        study = known.study
        seen, exhausted = study.known, study.exhausted
        if wanted.count == 0 or exhausted:
            return PointsFound((), seen, 0, exhausted)
        asked = question(study, wanted.run_number, wanted.count)
        if asked.design_only:
            self._fits.warm_up()  # a model will be wanted soon
            # In a thread: where little is feasible, a point may take tens of thousands of draws.
            found = await asyncio.to_thread(proposals, asked, None)
            return PointsFound(found, seen, asked.observed, exhausted)
        place = (seen, wanted)
        fit = known.fits.get(place)
        if fit is None or fit.is_lost:
            fit = known.fits[place] = self._fits.submit(key, asked)
            while len(known.fits) > _KEPT_FITS:
                known.fits.popitem(last=False)
        fitted = await fit.awaited()
        assert isinstance(fitted, tuple)
        return PointsFound(fitted, seen, asked.observed, exhausted)
