"""The service as the kernel runs it: registered, started, stopped."""

import logging

import grpc.aio

from sweepd.v1.suggestion_service_pb2 import DESCRIPTOR
from sweepd.v1.suggestion_service_pb2_grpc import add_SuggestionServiceServicer_to_server
from sweepd_suggestion.fits import Fits
from sweepd_suggestion.importances import Importances
from sweepd_suggestion.search import Search
from sweepd_suggestion.servicer import SuggestionServicer
from sweepd_suggestion.studies import Studies

SERVICE_NAME = DESCRIPTOR.services_by_name["SuggestionService"].full_name


class SuggestionRunningService:
    """Holds the studies and the workers. Nothing is durable: after a restart callers tell again."""

    def __init__(self, workers: int, log: logging.Logger) -> None:
        self._fits = Fits(workers, log)
        self._log = log

    def register(self, server: grpc.aio.Server) -> tuple[str, ...]:
        """Add the servicer."""
        search, importances = Search(self._fits), Importances(self._fits)
        servicer = SuggestionServicer(Studies(self._log), search, importances, self._fits)
        add_SuggestionServiceServicer_to_server(servicer, server)
        return (SERVICE_NAME,)

    async def start(self, address: str) -> None:
        """Nothing: workers start when a sweep needs them."""

    async def stop(self) -> None:
        """End the workers."""
        await self._fits.stop()
