"""The blocking client is generated from the asynchronous one."""

from __future__ import annotations

import pytest

from sweepd.objects.generate import HERE, SOURCES, blocking

SOURCE = '''"""Source."""

from __future__ import annotations

from contextlib import aclosing


class AsyncThing:
    """A thing."""

    async def get(self, name: str, *, first: bool = False) -> int:
        """Return it."""
        await self.refresh()
        return (await calls.get(self._wire, name)).size

    async def each(self) -> AsyncIterator[AsyncSweep]:
        """Yield them."""
        async with aclosing(calls.each(self._wire)) as found:
            async for one in found:
                yield AsyncSweep(self._wire, one)

    async def every(self) -> list[int]:
        """Return them."""
        return [one.size async for one in calls.each(self._wire)]
'''
BLOCKING = '''"""Generated from `source.py` by `generate.py`; edit the source."""
from __future__ import annotations
from sweepd.calls.wire import iterate, run_now
from contextlib import closing

class AsyncThing:
    """A thing."""

    def get(self, name: str, *, first: bool=False) -> int:
        """Return it."""
        self.refresh()
        return run_now(calls.get(self._wire, name)).size

    def each(self) -> Iterator[Sweep]:
        """Yield them."""
        with closing(iterate(calls.each(self._wire))) as found:
            for one in found:
                yield Sweep(self._wire, one)

    def every(self) -> list[int]:
        """Return them."""
        return [one.size for one in iterate(calls.each(self._wire))]
'''


def test_awaited_calls_become_blocking_and_the_rest_is_unchanged() -> None:
    assert blocking(SOURCE, "source.py") == BLOCKING


@pytest.mark.parametrize("target", SOURCES)
def test_the_generated_modules_are_up_to_date(target: str) -> None:
    source = HERE / SOURCES[target]
    made = blocking(source.read_text(encoding="utf-8"), source.name)
    assert (HERE / target).read_text(encoding="utf-8") == made, "python -m sweepd.objects.generate"
    assert "await" not in made.partition("class ")[2]
    assert "async " not in made
