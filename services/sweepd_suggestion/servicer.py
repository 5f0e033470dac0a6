"""Answers the calls of `SuggestionService`: decode, one call, encode."""

from typing import TypeAlias

import grpc.aio

from sweepd import v1
from sweepd.codec import CodecError, spec_from_message
from sweepd.v1.suggestion_service_pb2_grpc import SuggestionServiceServicer
from sweepd_suggestion import codec
from sweepd_suggestion.domain.suitability import objections
from sweepd_suggestion.fits import Fits
from sweepd_suggestion.importances import Importances
from sweepd_suggestion.search import Search
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
        """Say whether a sweep can be searched here."""
        try:
            found = list(objections(spec_from_message(request.spec)))
        except CodecError as error:
            found = [(error.field, error.why)]
        if not found:
            self._fits.warm_up()  # the first fit will be wanted within seconds
        return codec.prepared(found)

    async def Suggest(self, request: v1.SuggestRequest, context: Context) -> v1.SuggestResponse:
        """Take in what is new in a study, and propose points."""
        news, wish = codec.news(request), codec.wish(request)
        known = self._studies.tell(news)
        if isinstance(known, ResendFrom):
            return v1.SuggestResponse(resend_from=known.number)
        return codec.suggestions(await self._search.points(news.key, known, wish))

    async def GetImportance(
        self, request: v1.GetImportanceRequest, context: Context
    ) -> v1.GetImportanceResponse:
        """Say how much each parameter matters."""
        found = await self._importances.of(request)
        return v1.GetImportanceResponse(importance=codec.importance_message(found))
