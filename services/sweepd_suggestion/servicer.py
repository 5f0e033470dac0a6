"""Servicer of `SuggestionService`; equal questions share one fit."""

import asyncio
from collections import OrderedDict
from hashlib import blake2b
from typing import TypeAlias

import grpc.aio

from sweepd import v1
from sweepd.codec.spec import spec_from_message
from sweepd.codec.values import CodecError
from sweepd.v1.suggestion_service_pb2_grpc import SuggestionServiceServicer
from sweepd_kernel.errors import DomainError, Status
from sweepd_suggestion import codec
from sweepd_suggestion.domain.proposal import proposals, question
from sweepd_suggestion.domain.questions import Importance, PointsFound, PointsWanted
from sweepd_suggestion.domain.study import objections
from sweepd_suggestion.fits import Fit, Fits
from sweepd_suggestion.studies import CachedStudy, ResendFrom, Studies, StudyKey

_MAX_CACHED_FITS = 8


class Search:
    """Point proposals for studies."""

    def __init__(self, fits: Fits) -> None:
        self._fits = fits

    async def points(self, key: StudyKey, known: CachedStudy, wanted: PointsWanted) -> PointsFound:
        """Return the wanted points; fewer if no further points are found.

        If the call is cancelled, the fit continues for other callers with the same question.

        Raises:
            DomainError: the fit failed, or too many fits are waiting.
        """
        study = known.study
        seen, exhausted = study.known, study.exhausted
        if wanted.count == 0 or exhausted:
            return PointsFound((), seen, 0, exhausted)
        asked = question(study, wanted.run_number, wanted.count)
        if asked.design_only:
            self._fits.warm_up()  # a model will be needed soon
            # In a thread, since an infeasible space may take tens of thousands of draws per point.
            found = await asyncio.to_thread(proposals, asked, None)
            return PointsFound(found, seen, asked.observed, exhausted)
        cache_key = (seen, wanted)
        fit = known.fits.get(cache_key)
        if fit is None or fit.is_failed:
            fit = known.fits[cache_key] = self._fits.submit(key, asked)
            while len(known.fits) > _MAX_CACHED_FITS:
                known.fits.popitem(last=False)
        fitted = await fit.result()
        assert isinstance(fitted, tuple)
        return PointsFound(fitted, seen, asked.observed, exhausted)


_MAX_CACHED_ANSWERS = 32
_MAX_WAITING = 16
"""Maximum number of distinct pending questions; each may take tens of megabytes, and seconds to answer."""

_QUEUE = "importance"
"""Key of the queue that all sweeps share, so that a search waits for at most one importance answer."""


class Importances:
    """Answers to `GetImportance`; the latest are cached, since many people may view the same sweep."""

    def __init__(self, fits: Fits) -> None:
        self._fits = fits
        self._known: OrderedDict[bytes, Fit] = OrderedDict()
        self._lock = asyncio.Lock()

    async def answer(self, request: v1.GetImportanceRequest) -> Importance:
        """Return the importance of each parameter.

        Raises:
            DomainError: the request is malformed, the fit failed, or too many requests are waiting.
        """
        digest = blake2b(request.SerializeToString(deterministic=True), digest_size=16).digest()
        fit = self._known_fit(digest) or await self._submitted(digest, request)
        found = await fit.result()
        assert isinstance(found, Importance)
        return found

    async def _submitted(self, digest: bytes, request: v1.GetImportanceRequest) -> Fit:
        async with self._lock:
            fit = self._known_fit(digest)  # another caller may have asked the same question meanwhile
            if fit is not None:
                return fit
            if sum(not fit.answer.done() for fit in self._known.values()) >= _MAX_WAITING:
                why = "too many importance requests are waiting"
                raise DomainError(why, status=Status.RESOURCE_EXHAUSTED, retry_after=5.0)
            question = await asyncio.to_thread(codec.importance_question, request)  # may have 2,000 points
            fit = self._known[digest] = self._fits.submit(_QUEUE, question)
            while len(self._known) > _MAX_CACHED_ANSWERS:
                self._known.popitem(last=False)
            return fit

    def _known_fit(self, digest: bytes) -> Fit | None:
        fit = self._known.get(digest)
        if fit is None or fit.is_failed:
            return None
        self._known.move_to_end(digest)
        return fit


Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"


class SuggestionServicer(SuggestionServiceServicer):
    """Servicer of model-based search, called by the scheduler."""

    def __init__(self, studies: Studies, search: Search, importances: Importances, fits: Fits) -> None:
        self._studies = studies
        self._search = search
        self._importances = importances
        self._fits = fits

    async def Prepare(self, request: v1.PrepareRequest, context: Context) -> v1.PrepareResponse:
        """Return the reasons why a sweep cannot be searched."""
        try:
            found = list(objections(spec_from_message(request.spec)))
        except CodecError as error:
            found = [(error.field, error.why)]
        if not found:
            self._fits.warm_up()  # the first fit will be needed within seconds
        return codec.prepare_response(found)

    async def Suggest(self, request: v1.SuggestRequest, context: Context) -> v1.SuggestResponse:
        """Add the new observations to a study and propose points, or request missing observations."""
        study_update, wanted = codec.study_update(request), codec.wanted(request)
        known = self._studies.update(study_update)
        if isinstance(known, ResendFrom):
            return v1.SuggestResponse(resend_from=known.number)
        return codec.suggestions(await self._search.points(study_update.key, known, wanted))

    async def GetImportance(
        self, request: v1.GetImportanceRequest, context: Context
    ) -> v1.GetImportanceResponse:
        """Return the importance of each parameter."""
        found = await self._importances.answer(request)
        return v1.GetImportanceResponse(importance=codec.importance_message(found))
