"""Wires without a server, for tests of clients."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any


class NoWire:
    """A wire that returns nothing; tests replace its methods."""

    address = "nowhere"
    suspends = False

    async def one(self, request: Any, response: Any, *, seconds: float = 0.0) -> Any:
        raise NotImplementedError

    def stream(
        self, request: Any, response: Any, *, seconds: float | None = None
    ) -> AsyncGenerator[Any, None]:
        raise NotImplementedError

    async def pause(self, seconds: float) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        """Do nothing."""
