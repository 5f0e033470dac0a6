"""LRU cache of studies; callers can send an evicted study again."""

import logging
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from sweepd.spec.sweep_spec import SweepSpec
from sweepd_kernel.errors import InvalidFieldError
from sweepd_suggestion.domain.study import Observation, Study, UnknownRunError, objections
from sweepd_suggestion.fits import Fit

_MAX_STUDIES = 200
_MAX_OBSERVATIONS = 300_000

StudyKey = tuple[str, int]
"""Full name of the sweep, and the revision of its specification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyUpdate:
    """Observations of a study, numbered from `first`; `spec` is None unless `first` is 1."""

    key: StudyKey
    spec: SweepSpec | None
    first: int
    observations: Sequence[Observation]


@dataclass(frozen=True, slots=True)
class ResendFrom:
    """Request to the caller to send its observations again from this number on."""

    number: int


@dataclass(slots=True)
class CachedStudy:
    """A study and its newest fits, by number of observations and wanted points."""

    study: Study
    fits: OrderedDict[tuple[int, Hashable], Fit] = field(default_factory=OrderedDict)


class Studies:
    """The studies in memory."""

    def __init__(
        self,
        log: logging.Logger,
        max_studies: int = _MAX_STUDIES,
        max_observations: int = _MAX_OBSERVATIONS,
    ) -> None:
        self._log = log
        self._known: OrderedDict[StudyKey, CachedStudy] = OrderedDict()
        self._max_studies = max_studies
        self._max_observations = max_observations

    def update(self, study_update: StudyUpdate) -> CachedStudy | ResendFrom:
        """Add new observations and return the study, or the number from which to send them again.

        Raises:
            InvalidFieldError: the spec is missing or invalid, or an observation names a run never handed out.
        """
        known = self._known.get(study_update.key)
        if known is not None and self._contradicts(known.study, study_update):
            # A different sweep now has this name, or the caller was restored from a backup.
            del self._known[study_update.key]
            known = None
        if known is None:
            if study_update.first > 1:
                return ResendFrom(1)
            known = CachedStudy(_new_study(study_update.spec))
        elif study_update.first > known.study.known + 1:
            return ResendFrom(known.study.known + 1)
        outside = known.study.outside
        try:
            known.study.observe(study_update.first, study_update.observations)
        except UnknownRunError as error:
            raise InvalidFieldError(f"observations[{error.index}].run_number", str(error)) from error
        if known.study.outside > outside:
            what = "runs outside the search space are ignored by the search"
            self._log.warning(
                what, extra={"sweep": study_update.key[0], "runs": known.study.outside - outside}
            )
        self._known[study_update.key] = known
        self._known.move_to_end(study_update.key)
        self._evict()
        return known

    @staticmethod
    def _contradicts(study: Study, study_update: StudyUpdate) -> bool:
        other_spec = study_update.spec is not None and study_update.spec != study.spec
        return other_spec or not study.agrees(study_update.first, study_update.observations)

    def _evict(self) -> None:
        total = sum(known.study.known for known in self._known.values())
        while len(self._known) > 1 and (
            len(self._known) > self._max_studies or total > self._max_observations
        ):
            _, evicted = self._known.popitem(last=False)
            total -= evicted.study.known


def _new_study(spec: SweepSpec | None) -> Study:
    if spec is None:
        raise InvalidFieldError("spec", "is required with observation 1")
    if spec.seed is None:
        raise InvalidFieldError("spec.seed", "is required, since suggestions depend on it")
    for path, why in objections(spec):
        raise InvalidFieldError(f"spec.{path}", why)
    return Study(spec)
