"""What a service and its server share about callers: who knows their tokens, and which streams they hold."""

from dataclasses import dataclass, field

from sweepd_kernel.open_calls import OpenCalls
from sweepd_kernel.principal import NoTokensYet, Principal, Tokens


@dataclass(slots=True)
class Gate:
    """Made by the kernel; a service that knows tokens says so when it is opened, by setting `tokens`."""

    tokens: Tokens = field(default_factory=NoTokensYet)
    calls: OpenCalls = field(default_factory=OpenCalls)

    async def principal(self, digest: bytes) -> Principal:
        """Ask whoever knows the tokens by now."""
        return await self.tokens.principal(digest)
