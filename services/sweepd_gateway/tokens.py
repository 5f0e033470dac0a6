"""Cache of people's tokens, valid until the scheduler revokes a token or is unavailable for too long."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import grpc.aio

from sweepd import v1
from sweepd.durations import seconds_of
from sweepd.rpc.failure import Failure
from sweepd.v1.account_service_pb2_grpc import AccountServiceStub
from sweepd_gateway.backend import Backend
from sweepd_kernel.auth.open_calls import EXPIRED, REVOKED, OpenCalls
from sweepd_kernel.auth.principal import Principal
from sweepd_kernel.auth.principal_codec import person_of
from sweepd_kernel.errors import BadTokenError, UnavailableError

MAX_CACHED = 10_000
ASK_TIMEOUT = 2.0
MAX_ASKING = 32
KEEPALIVE_TIMEOUT = 12.0
"""Seconds without a keepalive after which the scheduler counts as unavailable; one is sent every 5 s."""
TRUSTED_FOR = 600.0
"""Seconds for which cached tokens are trusted while the scheduler is unavailable."""
_RETRY_AFTER = 0.2


@dataclass(frozen=True, slots=True)
class _CachedToken:
    principal: Principal
    asked: float


class CachedTokens:
    """Cache of tokens, each authenticated once by the scheduler and removed when it is revoked."""

    def __init__(
        self, scheduler: Backend, calls: OpenCalls, monotonic: Callable[[], float], log: logging.Logger
    ) -> None:
        """Create an empty cache.

        Args:
            scheduler: the service that stores all tokens.
            calls: the open streams of the gateway, which end if their token is revoked.
            monotonic: monotonic clock, in seconds.
            log: log of unexpected errors.
        """
        self._scheduler = scheduler
        self._calls = calls
        self._monotonic = monotonic
        self._log = log
        self._known: dict[bytes, _CachedToken] = {}
        self._unchecked: dict[bytes, str] = {}
        self._asking = asyncio.Semaphore(MAX_ASKING)
        self.followed = False  # True while revocations are received
        self._last_received = monotonic()

    async def principal(self, digest: bytes) -> Principal:
        """Return the principal of a token.

        Raises:
            BadTokenError: the token is unknown, expired or revoked.
            UnavailableError: no trusted entry is cached, and the scheduler does not answer.
        """
        known = self._known.get(digest)
        if known is None or not self._trusted(known):
            async with self._asking:
                known = self._known.get(digest)
                if known is None or not self._trusted(known):
                    known = await self._authenticate(digest)
        principal = known.principal
        if principal.expires is not None and principal.expires <= self._monotonic():
            raise BadTokenError(EXPIRED)
        return principal

    async def follow(self) -> None:
        """Receive revocations until cancelled; after every interruption, check cached tokens again."""
        while True:
            try:
                await self._follow_once()
            except (grpc.aio.AioRpcError, UnavailableError, TimeoutError):
                pass
            except Exception:  # noqa: BLE001 (reception continues after any error)
                self._log.exception("revocations could not be received")
            self.followed = False
            await asyncio.sleep(_RETRY_AFTER)

    async def _follow_once(self) -> None:
        async with self._scheduler.connection(None) as channel:
            call = AccountServiceStub(channel).WatchRevocations(
                v1.WatchRevocationsRequest(), metadata=self._scheduler.metadata
            )
            checking: asyncio.Task[None] | None = None
            try:
                while True:
                    async with asyncio.timeout(KEEPALIVE_TIMEOUT):
                        message = await call.read()
                    if not isinstance(message, v1.WatchRevocationsResponse):
                        return
                    self._last_received = self._monotonic()
                    if checking is None:
                        # No later revocation is missed; `_recheck` finds earlier ones.
                        self._invalidate()
                        self.followed = True
                        checking = asyncio.create_task(self._recheck())
                    for token in message.token_ids:
                        self._evict(token)
            finally:
                self.followed = False
                call.cancel()
                if checking is not None:
                    checking.cancel()

    def _invalidate(self) -> None:
        """Empty the cache: `_recheck` checks tokens with open streams, the next use checks any other."""
        streaming = set(self._calls.tokens())
        for digest, each in self._known.items():
            if each.principal.token in streaming:
                self._unchecked[digest] = each.principal.token
        self._known = {}

    async def _recheck(self) -> None:
        """Check the tokens with open streams, and end the streams of invalid tokens."""
        for digest, token in list(self._unchecked.items()):
            while digest in self._unchecked:
                try:
                    await self._authenticate(digest)
                except UnavailableError:
                    await asyncio.sleep(_RETRY_AFTER)
                    continue
                except BadTokenError as error:
                    self._calls.end(token, error.message)
                del self._unchecked[digest]

    async def _authenticate(self, digest: bytes) -> _CachedToken:
        asked = self._monotonic()
        try:
            async with self._scheduler.connection(ASK_TIMEOUT) as channel:
                stub = AccountServiceStub(channel)
                answer = await stub.Authenticate(
                    v1.AuthenticateRequest(digest=digest),
                    timeout=ASK_TIMEOUT,
                    metadata=self._scheduler.metadata,
                )
        except grpc.aio.AioRpcError as error:
            failure = Failure.of(error)
            if failure.code == "UNAUTHENTICATED":
                raise BadTokenError(failure.message) from None
            raise UnavailableError(
                self._scheduler.name, self._scheduler.address, "it cannot authenticate the token"
            ) from None
        message = answer.principal
        expires = None
        if message.HasField("time_left"):
            expires = asked + seconds_of(message.time_left)
        known = _CachedToken(person_of(message, expires=expires), asked)
        if self._calls.ended(known.principal.token):  # revoked while the response was in flight
            raise BadTokenError(REVOKED)
        if len(self._known) >= MAX_CACHED:
            self._evict_half()
        self._known[digest] = known
        return known

    def _evict_half(self) -> None:
        """Drop half of the tokens without open streams; keep those with open streams for `_recheck`."""
        streaming = set(self._calls.tokens())
        idle = [digest for digest, each in self._known.items() if each.principal.token not in streaming]
        for digest in idle[: len(idle) // 2 + 1]:
            del self._known[digest]

    def _trusted(self, known: _CachedToken) -> bool:
        return self.followed or self._monotonic() - max(known.asked, self._last_received) < TRUSTED_FOR

    def _evict(self, token: str) -> None:
        self._known = {
            digest: known for digest, known in self._known.items() if known.principal.token != token
        }
        self._calls.end(token)
