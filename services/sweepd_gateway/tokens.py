"""What the door knows of tokens: the scheduler's answers, until it takes one back or is away too long."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import grpc.aio

from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd.v1.account_service_pb2_grpc import AccountServiceStub
from sweepd_gateway.backend import Backend
from sweepd_kernel.auth.open_calls import EXPIRED, REVOKED, OpenCalls
from sweepd_kernel.auth.principal import Principal
from sweepd_kernel.auth.principal_codec import person_of
from sweepd_kernel.errors import BadTokenError, UnavailableError

MOST_KEPT = 10_000
ASK_WITHIN = 2.0
MOST_ASKING = 32
SILENCE = 12.0
"""The scheduler gives a sign of life every 5 s; after this it counts as away."""
BELIEVED_FOR = 600.0
"""How long tokens that were good are believed while the scheduler, which alone can revoke them, is away."""
_AGAIN_AFTER = 0.2


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    asked: float


class DoorTokens:
    """Asks the scheduler once for each token, and follows what it takes back."""

    def __init__(
        self, scheduler: Backend, calls: OpenCalls, monotonic: Callable[[], float], log: logging.Logger
    ) -> None:
        """Take whom to ask, and what ends with a token.

        Args:
            scheduler: knows all tokens.
            calls: the streams that are open at the door.
            monotonic: seconds that only grow.
            log: where it is noted that the scheduler is away.
        """
        self._scheduler = scheduler
        self._calls = calls
        self._monotonic = monotonic
        self._log = log
        self._known: dict[bytes, _Known] = {}
        self._unchecked: dict[bytes, str] = {}
        self._asking = asyncio.Semaphore(MOST_ASKING)
        self._followed = False
        self._heard = monotonic()

    @property
    def followed(self) -> bool:
        """Whether it would hear of a revocation at the moment."""
        return self._followed

    async def principal(self, digest: bytes) -> Principal:
        """Return whom a token speaks for.

        Raises:
            BadTokenError: it lets nobody in, or no longer.
            UnavailableError: it is not known here, and the scheduler does not answer.
        """
        known = self._known.get(digest)
        if known is None or not self._believed(known):
            async with self._asking:
                known = self._known.get(digest)
                if known is None or not self._believed(known):
                    known = await self._ask(digest)
        principal = known.principal
        if principal.expires is not None and principal.expires <= self._monotonic():
            raise BadTokenError(EXPIRED)
        return principal

    async def follow(self) -> None:
        """Hear what is revoked, until cancelled; after every silence ask anew about what was believed."""
        while True:
            try:
                await self._follow_once()
            except (grpc.aio.AioRpcError, UnavailableError, TimeoutError):
                pass
            except Exception:  # noqa: BLE001 (the door's watch over tokens outlives a defect)
                self._log.exception("revocations could not be followed")
            self._followed = False
            await asyncio.sleep(_AGAIN_AFTER)

    async def _follow_once(self) -> None:
        with self._scheduler.connection() as channel:
            await self._scheduler.ready(channel, None)
            call = AccountServiceStub(channel).WatchRevocations(
                v1.WatchRevocationsRequest(), metadata=self._scheduler.metadata
            )
            checking: asyncio.Task[None] | None = None
            try:
                while True:
                    async with asyncio.timeout(SILENCE):
                        message = await call.read()
                    if not isinstance(message, v1.WatchRevocationsResponse):
                        return
                    self._heard = self._monotonic()
                    if checking is None:
                        # From here on nothing is missed; what was revoked before is found by asking.
                        self._doubt()
                        self._followed = True
                        checking = asyncio.create_task(self._check_again())
                    for token in message.token_ids:
                        self._forget(token)
            finally:
                self._followed = False
                call.cancel()
                if checking is not None:
                    checking.cancel()

    def _doubt(self) -> None:
        """Believe nothing any more; tokens whose streams are open are asked about, others when they come."""
        held = set(self._calls.tokens())
        for digest, each in self._known.items():
            if each.principal.token in held:
                self._unchecked[digest] = each.principal.token
        self._known = {}

    async def _check_again(self) -> None:
        """Ask about the tokens whose streams are open, and end those of tokens that are good no more."""
        for digest, token in list(self._unchecked.items()):
            while digest in self._unchecked:
                try:
                    await self._ask(digest)
                except UnavailableError:
                    await asyncio.sleep(_AGAIN_AFTER)
                    continue
                except BadTokenError as error:
                    self._calls.end(token, error.message)
                del self._unchecked[digest]

    async def _ask(self, digest: bytes) -> _Known:
        asked = self._monotonic()
        try:
            with self._scheduler.connection() as channel:
                await self._scheduler.ready(channel, ASK_WITHIN)
                stub = AccountServiceStub(channel)
                answer = await stub.Authenticate(
                    v1.AuthenticateRequest(digest=digest),
                    timeout=ASK_WITHIN,
                    metadata=self._scheduler.metadata,
                )
        except grpc.aio.AioRpcError as error:
            failure = Failure.of(error)
            if failure.code == "UNAUTHENTICATED":
                raise BadTokenError(failure.message) from None
            raise UnavailableError(
                self._scheduler.name, self._scheduler.address, "it cannot tell whose token this is"
            ) from None
        message = answer.principal
        expires = None
        if message.HasField("time_left"):
            expires = asked + message.time_left.seconds + message.time_left.nanos / 1e9
        known = _Known(person_of(message, expires=expires), asked)
        if self._calls.ended(known.principal.token):  # revoked while the answer was on its way
            raise BadTokenError(REVOKED)
        if len(self._known) >= MOST_KEPT:
            self._forget_half()
        self._known[digest] = known
        return known

    def _forget_half(self) -> None:
        """Make room; what holds streams is kept, so that they are asked about after a silence."""
        held = set(self._calls.tokens())
        idle = [digest for digest, each in self._known.items() if each.principal.token not in held]
        for digest in idle[: len(idle) // 2 + 1]:
            del self._known[digest]

    def _believed(self, known: _Known) -> bool:
        return self._followed or self._monotonic() - max(known.asked, self._heard) < BELIEVED_FOR

    def _forget(self, token: str) -> None:
        self._known = {
            digest: known for digest, known in self._known.items() if known.principal.token != token
        }
        self._calls.end(token)
