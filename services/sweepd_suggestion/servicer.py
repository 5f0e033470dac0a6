"""Answers the calls of `SuggestionService`: decode, one call, encode."""

from typing import TypeAlias

import grpc.aio

from sweepd import v1
from sweepd.codec import CodecError, spec_from_message
from sweepd.v1.suggestion_service_pb2_grpc import SuggestionServiceServicer
from sweepd_suggestion import codec
from sweepd_suggestion.answers import Importances, Search
from sweepd_suggestion.domain.study import objections
from sweepd_suggestion.fits import Fits
from sweepd_suggestion.studies import ResendFrom, Studies

Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"


class SuggestionServicer(SuggestionServiceServicer):
    """Model-based search, for the scheduler."""

    def __init__(self, studies: Studies, search: Search, importances: Importances, fits: Fits) -> None:
        self._studies = studies
        self._search = search
        self._importances = importances
        self._fits = fits

    async def Prepare(self, request: v1.PrepareRequest, context: Context) -> v1.PrepareResponse:
        """Return what keeps a sweep from being searched."""
        try:
            found = list(objections(spec_from_message(request.spec)))
        except CodecError as error:
            found = [(error.field, error.why)]
        if not found:
            self._fits.warm_up()  # the first fit will be wanted within seconds
        return codec.prepared(found)

    async def Suggest(self, request: v1.SuggestRequest, context: Context) -> v1.SuggestResponse:
        """Add the new observations to a study, and propose points."""
        study_update, wanted = codec.study_update(request), codec.wanted(request)
        known = self._studies.tell(study_update)
        if isinstance(known, ResendFrom):
            return v1.SuggestResponse(resend_from=known.number)
        return codec.suggestions(await self._search.points(study_update.key, known, wanted))

    async def GetImportance(
        self, request: v1.GetImportanceRequest, context: Context
    ) -> v1.GetImportanceResponse:
        """Return the importance of each parameter."""
        found = await self._importances.answer(request)
        return v1.GetImportanceResponse(importance=codec.importance_message(found))
