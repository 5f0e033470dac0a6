"""Which studies are known: those asked about last, as many as memory allows; any can be told again."""

import logging
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from sweepd.spec import SweepSpec
from sweepd_kernel.errors import InvalidFieldError
from sweepd_suggestion.domain.observation import Observation
from sweepd_suggestion.domain.study import Study, UnknownRunError
from sweepd_suggestion.domain.suitability import objections
from sweepd_suggestion.fits import Fit

_MOST_STUDIES = 200
_MOST_OBSERVATIONS = 300_000

StudyKey = tuple[str, int]
"""Full name of the sweep, and the revision of its specification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a caller tells about a study; `spec` is there when it tells everything from the start."""

    key: StudyKey
    spec: SweepSpec | None
    first: int
    observations: Sequence[Observation]


@dataclass(frozen=True, slots=True)
class ResendFrom:
    """Less is known than the caller thinks: it should tell again from this observation on."""

    number: int


@dataclass(slots=True)
class KnownStudy:
    """A study, and the newest fits for it: each by the observations it saw and what was wished for."""

    study: Study
    fits: OrderedDict[tuple[int, Hashable], Fit] = field(default_factory=OrderedDict)


class Studies:
    """The studies in memory."""

    def __init__(
        self,
        log: logging.Logger,
        most_studies: int = _MOST_STUDIES,
        most_observations: int = _MOST_OBSERVATIONS,
    ) -> None:
        self._log = log
        self._known: OrderedDict[StudyKey, KnownStudy] = OrderedDict()
        self._most_studies = most_studies
        self._most_observations = most_observations

    def tell(self, news: News) -> KnownStudy | ResendFrom:
        """Take in what is new and return the study, or where to tell again from.

        Raises:
            InvalidFieldError: the news does not make sense; nothing of what is wrong is taken in.
        """
        known = self._known.get(news.key)
        if known is not None and self._contradicts(known.study, news):
            # Another sweep of the same name, or a caller that went back in time: what was known is not true.
            del self._known[news.key]
            known = None
        if known is None:
            if news.first > 1:
                return ResendFrom(1)
            known = KnownStudy(_new_study(news.spec))
        elif news.first > known.study.known + 1:
            return ResendFrom(known.study.known + 1)
        outside = known.study.outside
        try:
            known.study.observe(news.first, news.observations)
        except UnknownRunError as error:
            raise InvalidFieldError(f"observations[{error.index}].run_number", str(error)) from error
        if known.study.outside > outside:
            what = "runs outside the search space are left out of the search"
            self._log.warning(what, extra={"sweep": news.key[0], "runs": known.study.outside - outside})
        self._known[news.key] = known
        self._known.move_to_end(news.key)
        self._forget()
        return known

    @staticmethod
    def _contradicts(study: Study, news: News) -> bool:
        other_spec = news.spec is not None and news.spec != study.spec
        return other_spec or not study.agrees(news.first, news.observations)

    def _forget(self) -> None:
        total = sum(known.study.known for known in self._known.values())
        while len(self._known) > 1 and (
            len(self._known) > self._most_studies or total > self._most_observations
        ):
            _, forgotten = self._known.popitem(last=False)
            total -= forgotten.study.known


def _new_study(spec: SweepSpec | None) -> Study:
    if spec is None:
        raise InvalidFieldError("spec", "needed with observation 1")
    if spec.seed is None:
        raise InvalidFieldError("spec.seed", "needed: suggestions depend on it")
    for path, why in objections(spec):
        raise InvalidFieldError(f"spec.{path}", why)
    return Study(spec)
