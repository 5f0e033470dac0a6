"""Results that the owner receives when a call to the suggestion service fails."""

import asyncio
import logging
from typing import NoReturn

from sweepd.rpc.channel import open_channel
from sweepd_kernel.clock import SystemClock
from sweepd_scheduler.domain.events import SuggestionsArrived, SuggestionsFailed
from sweepd_scheduler.suggestion_client import SuggestionService
from unit.scheduler.world import RANDOM, World


def test_a_defect_is_reported_as_a_failure_so_that_the_sweep_can_retry() -> None:
    async def broken(_sweep: int, _after: int, _limit: int) -> NoReturn:
        raise ZeroDivisionError

    async def scenario() -> SuggestionsArrived | SuggestionsFailed:
        last_seen: asyncio.Queue[SuggestionsArrived | SuggestionsFailed] = asyncio.Queue()
        channel = open_channel("127.0.0.1:1", None)
        log = logging.getLogger("test.study")
        studies = SuggestionService(channel, broken, last_seen.put_nowait, SystemClock(), log)
        studies.ask(World().create(RANDOM), 1)
        async with asyncio.timeout(10):
            outcome = await last_seen.get()
        await channel.close()
        return outcome

    last_seen = asyncio.run(scenario())
    assert isinstance(last_seen, SuggestionsFailed)
