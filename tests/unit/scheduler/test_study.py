"""What the owner hears when a call to the suggestion service does not come about."""

import asyncio
import logging
from typing import NoReturn

from sweepd.channel import aio_channel
from sweepd_kernel.clock import SystemClock
from sweepd_scheduler.domain.events import SuggestionsArrived, SuggestionsFailed
from sweepd_scheduler.study import Studies
from unit.scheduler.world import RANDOM, World


def test_a_defect_is_told_so_that_the_sweep_asks_again() -> None:
    async def broken(_sweep: int, _after: int, _limit: int) -> NoReturn:
        raise ZeroDivisionError

    async def scenario() -> list[SuggestionsArrived | SuggestionsFailed]:
        heard: list[SuggestionsArrived | SuggestionsFailed] = []
        channel = aio_channel("127.0.0.1:1", None)
        log = logging.getLogger("test.study")
        studies = Studies(channel, broken, heard.append, SystemClock(), log)
        studies.ask(World().create(RANDOM), 1)
        await asyncio.sleep(0.05)
        await channel.close()
        return heard

    (heard,) = asyncio.run(scenario())
    assert isinstance(heard, SuggestionsFailed)
