"""Waits for the ends of killed runs."""

import asyncio

from sweepd_scheduler.domain.names import SweepName
from sweepd_scheduler.domain.runs.run import Run
from sweepd_scheduler.domain.state import State
from sweepd_scheduler.watch import Watchers

PATIENCE = 10.0


async def kills_reported(state: State, watchers: Watchers, name: SweepName) -> list[str]:
    """Wait until the connected agents have reported the ends of their runs; return those still live."""
    key = state.names.get(name)
    if key is None:
        return []
    follower = watchers.follow(key)
    try:
        async with asyncio.timeout(PATIENCE):
            while any(run.key in state.placements for run in _live(state, key)):
                follower.news.clear()
                await follower.news.wait()
    except TimeoutError:
        pass
    finally:
        watchers.leave(follower)
    return [run.name for run in _live(state, key)]


def _live(state: State, key: int) -> list[Run]:
    numbers = sorted(state.index[key].unfinished) if key in state.index else []
    return [state.runs[(key, number)] for number in numbers]
