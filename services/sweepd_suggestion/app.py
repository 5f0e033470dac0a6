"""How the suggestion service is wired: its flags, and its parts put together."""

import argparse
import os

from sweepd_kernel.service import ServiceContext, ServiceDefinition
from sweepd_suggestion.service import SuggestionRunningService

_MOST_BY_DEFAULT = 4


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the service's own flags."""
    parser.add_argument(
        "--fit-workers",
        type=_worker_count,
        default=_default_workers(),
        metavar="N",
        help="most processes that fit models at the same time (default: the cores but one, 1 to 4)",
    )


async def open_suggestion(context: ServiceContext) -> SuggestionRunningService:
    """Make the service; workers start with the first sweep that needs them."""
    return SuggestionRunningService(context.flags.fit_workers, context.log)


def _worker_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 to 64")
    return int(text)


def _default_workers() -> int:
    return max(1, min(_MOST_BY_DEFAULT, (os.cpu_count() or 1) - 1))


SERVICE = ServiceDefinition(
    name="suggestion",
    help="Model-based search: proposes points from what a sweep's runs have shown.",
    has_data=False,
    add_flags=add_flags,
    open=open_suggestion,
)
