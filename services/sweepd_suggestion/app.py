"""Wiring of the suggestion service."""

import argparse
import logging
import os

import grpc.aio

from sweepd.v1.suggestion_service_pb2 import DESCRIPTOR
from sweepd.v1.suggestion_service_pb2_grpc import add_SuggestionServiceServicer_to_server
from sweepd_kernel.service import ServiceContext, ServiceDefinition
from sweepd_suggestion.fits import Fits
from sweepd_suggestion.servicer import Importances, Search, SuggestionServicer
from sweepd_suggestion.studies import Studies

SERVICE_NAME = DESCRIPTOR.services_by_name["SuggestionService"].full_name


class SuggestionRunningService:
    """Running suggestion service. Nothing is durable: after a restart, callers send observations again."""

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
        """Do nothing: workers start on demand."""

    async def stop(self) -> None:
        """End the workers."""
        await self._fits.stop()


_MAX_DEFAULT_WORKERS = 4


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the command-line flags of this service."""
    parser.add_argument(
        "--fit-workers",
        type=_worker_count,
        default=_default_workers(),
        metavar="N",
        help="maximum number of processes that fit models concurrently (default: cores minus one, 1 to 4)",
    )


async def open_suggestion(context: ServiceContext) -> SuggestionRunningService:
    """Create the service; workers start on demand."""
    return SuggestionRunningService(context.flags.fit_workers, context.log)


def _worker_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 64")
    return int(text)


def _default_workers() -> int:
    return max(1, min(_MAX_DEFAULT_WORKERS, (os.cpu_count() or 1) - 1))


SERVICE = ServiceDefinition(
    name="suggestion",
    help="Model-based search: suggests points from the results of a sweep's runs.",
    has_data=False,
    add_flags=add_flags,
    open=open_suggestion,
)
