"""Tokens of this server: look-up of their principals, creation and revocation."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import ParamSpec, TypeVar, cast

from sweepd_kernel.auth.authenticator import digest_of
from sweepd_kernel.auth.open_calls import EXPIRED, REVOKED, OpenCalls
from sweepd_kernel.auth.principal import Principal
from sweepd_kernel.clock import Clock
from sweepd_kernel.errors import BadTokenError, DomainError, NotFoundError, Status
from sweepd_kernel.rpc.slow_readers import SlowReaderError
from sweepd_scheduler.api.requester import LETTERS
from sweepd_scheduler.domain.account import (
    MAX_VALID,
    SALT_BYTES,
    AccountStore,
    Token,
    TokenCreation,
    TokenRequest,
    TokenState,
    TooManyTokensError,
    checked,
    derived_secret,
    request_digest,
    secret_text,
)
from sweepd_scheduler.domain.events import SECOND, microseconds
from sweepd_scheduler.domain.requests.remembered import DAY, Repeatable, RequestIdReusedError
from sweepd_scheduler.reads.watch import TOO_SLOW, StoppingError

KEEPALIVE_INTERVAL = 5.0
MAX_WAITING = 20_000


class Revocations:
    """Subscribers to revocations, each with a queue of the token ids to send."""

    def __init__(self) -> None:
        self._followers: set[asyncio.Queue[str | DomainError]] = set()
        self._stopping = False

    def publish(self, token: str) -> None:
        """Queue the id of a revoked token for all subscribers; end the streams of slow subscribers."""
        for news in self._followers:
            if news.qsize() < MAX_WAITING:
                news.put_nowait(token)
            elif news.qsize() == MAX_WAITING:
                news.put_nowait(SlowReaderError(TOO_SLOW))

    def end(self) -> None:
        """End every stream, as the scheduler is stopping."""
        self._stopping = True
        for news in self._followers:
            news.put_nowait(StoppingError())

    async def follow(self) -> AsyncGenerator[list[str]]:
        """Yield the ids of tokens as they are revoked. The first list and keepalives are empty.

        Raises:
            DomainError: the scheduler is stopping, or the subscriber reads too slowly.
        """
        if self._stopping:
            raise StoppingError
        news: asyncio.Queue[str | DomainError] = asyncio.Queue()
        self._followers.add(news)
        try:
            yield []
            while True:
                yield await _next_ids(news)
        finally:
            self._followers.discard(news)


async def _next_ids(news: "asyncio.Queue[str | DomainError]") -> list[str]:
    """Return all ids in the queue; if it is empty, wait up to KEEPALIVE_INTERVAL seconds for an id."""
    taken: list[str | DomainError] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(KEEPALIVE_INTERVAL):
            taken.append(await news.get())
    while not news.empty():
        taken.append(news.get_nowait())
    for each in taken:
        if isinstance(each, DomainError):
            raise each
    return cast("list[str]", taken)


TIDY_EVERY = 3600.0
ID_LENGTH = 12
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewToken:
    """Token with its secret, which `repr` omits."""

    token: Token
    secret: str = field(repr=False)


class SecretGoneError(DomainError, status=Status.FAILED_PRECONDITION):
    """The secret of a token cannot be derived for a duplicate request, as the service token has changed."""

    def __init__(self, token: str) -> None:
        super().__init__(
            f"the secret of token {token} cannot be shown again: revoke the token, and create another"
        )


class Accounts:
    """Tokens of this server, all of which are in memory.

    Changes are made one at a time. Each is stored before it takes effect and before subscribers are notified.
    """

    def __init__(
        self, store: AccountStore, clock: Clock, calls: OpenCalls, key: str, log: logging.Logger
    ) -> None:
        """Create the accounts, without loading them.

        Args:
            store: store of the tokens.
            clock: clock of this machine.
            calls: open streams of this service; those opened with a revoked token are ended.
            key: the service token, which is the key for deriving secrets.
            log: log for failed deletions of old tokens.
        """
        self.store = store
        self.clock = clock
        self.revocations = Revocations()
        self._calls = calls
        self._key = key
        self._log = log
        self._by_id: dict[str, Token] = {}
        self._by_digest: dict[bytes, Token] = {}
        self._made: dict[bytes, TokenCreation] = {}
        self._change_lock = asyncio.Lock()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scheduler-accounts")

    def restore(self) -> None:
        """Load the stored tokens. Blocks; called once, before the first call of a client."""
        loaded = self.store.load()
        for token in loaded.tokens:
            self._add(token)
        self._made = {made.request: made for made in loaded.made}

    async def principal(self, digest: bytes) -> Principal:
        """Return the principal of the token whose secret has this SHA-256.

        Raises:
            BadTokenError: the token is unknown, expired or revoked.
        """
        token = self._by_digest.get(digest)
        if token is None:
            raise BadTokenError("the token is not one of this server's")
        now = self.now()
        match token.state(now):
            case TokenState.REVOKED:
                raise BadTokenError(REVOKED)
            case TokenState.EXPIRED:
                raise BadTokenError(EXPIRED)
        left = (token.expire_time - now) / SECOND if token.expire_time else None
        expires = None if left is None else self.clock.monotonic() + left
        return Principal(token.account, "person", token.scope, token.bounds, token.id, expires)

    def token(self, key: str) -> Token | None:
        """Return a token by its id; None if there is none."""
        return self._by_id.get(key)

    def tokens(self, caller: Principal, before: int | None, limit: int) -> tuple[list[Token], bool]:
        """Return tokens within the caller's bounds, newest first, and True if more follow.

        Args:
            caller: the caller.
            before: only tokens with numbers below this one; None: all.
            limit: maximum number of tokens.
        """
        now = self.now()
        seen = [
            token
            for token in reversed(self._by_id.values())
            if (before is None or token.number < before)
            and caller.bounds.includes(token.bounds)
            and not token.forgotten(now)
        ]
        return seen[:limit], len(seen) > limit

    async def create(self, wanted: TokenRequest, caller: Principal, again: Repeatable | None) -> NewToken:
        """Create a token; for a duplicate request, return the token of the first request.

        Raises:
            DomainError: the request is invalid or refused, or the token could not be stored.
        """
        return await _run_to_completion(self._create(wanted, caller, again))

    async def _create(self, wanted: TokenRequest, caller: Principal, again: Repeatable | None) -> NewToken:
        account, scope, bounds = checked(wanted, caller.name, caller.bounds)
        async with self._change_lock:
            now = self.now()
            made = self._token_of_duplicate(again, now)
            if made is not None:
                return made
            if sum(each.state(now) is TokenState.VALID for each in self._by_id.values()) >= MAX_VALID:
                raise TooManyTokensError
            key, salt = self._free_id(), secrets.token_bytes(SALT_BYTES)
            secret = (
                derived_secret(self._key, salt, again.key.request_id, key)
                if again
                else secret_text(secrets.token_bytes(32))
            )
            token = Token(
                number=max((each.number for each in self._by_id.values()), default=0) + 1,
                id=key,
                digest=digest_of(secret),
                display_name=wanted.display_name,
                account=account,
                scope=scope,
                bounds=bounds,
                creator=caller.name,
                create_time=now,
                expire_time=0 if wanted.lifetime is None else now + round(wanted.lifetime * SECOND),
            )
            record = None
            if again is not None:
                digest = request_digest(again.key)
                record = TokenCreation(
                    request=digest, fingerprint=again.fingerprint, token=key, salt=salt, time=now
                )
            await self.write(self.store.put_token, token, record, now - DAY)
            self._add(token)
            if record is not None:
                self._made[record.request] = record
            return NewToken(token, secret)

    async def revoke(self, key: str, caller: Principal) -> Token:
        """Revoke a token and end the streams that were opened with it.

        Raises:
            NotFoundError: there is no such token within the caller's bounds.
            DomainError: the change could not be stored, so the token is not revoked.
        """
        return await _run_to_completion(self._revoke(key, caller))

    async def _revoke(self, key: str, caller: Principal) -> Token:
        async with self._change_lock:
            token = self._by_id.get(key)
            if token is None or not caller.bounds.includes(token.bounds):
                raise NotFoundError(f"{key:.100}", f"there is no token {key!r:.100}")
            if not token.revoke_time:
                now = self.now()
                token = replace(token, revoke_time=now)
                await self.write(self.store.put_token, token, None, now - DAY)
                self._add(token)
                self._calls.end(key)
                self.revocations.publish(key)
            return token

    async def tidy(self) -> None:
        """Delete tokens that ended long ago, and old `TokenCreation` records, every hour until cancelled."""
        while True:
            async with self._change_lock:
                now = self.now()
                old = [token for token in self._by_id.values() if token.forgotten(now)]
                gone = [made for made in self._made.values() if made.time < now - DAY]
                try:
                    if old or gone:
                        await self.write(self.store.forget, [token.id for token in old], now - DAY)
                except DomainError as error:
                    self._log.warning("old tokens could not be deleted; retrying later: %s", error)
                else:
                    for token in old:
                        del self._by_id[token.id], self._by_digest[token.digest]
                    for made in gone:
                        del self._made[made.request]
            await asyncio.sleep(TIDY_EVERY)

    async def write(self, change: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a change of the store in the writer thread, to completion even if the caller is cancelled."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._writer, lambda: change(*args, **kwargs)))

    def now(self) -> int:
        """Return the wall-clock time in microseconds since 1970."""
        return microseconds(self.clock.now())

    def close(self) -> None:
        """Wait for running changes, and close the store."""
        self._writer.shutdown()
        self.store.close()

    def _add(self, token: Token) -> None:
        self._by_id[token.id] = token
        self._by_digest[token.digest] = token

    def _token_of_duplicate(self, again: Repeatable | None, now: int) -> NewToken | None:
        made = self._made.get(request_digest(again.key)) if again else None
        if made is None or again is None or made.time < now - DAY:
            return None
        if made.fingerprint != again.fingerprint:
            raise RequestIdReusedError(again.key.request_id)
        token = self._by_id.get(made.token)
        if token is None:  # the token has been deleted since
            return None
        secret = derived_secret(self._key, made.salt, again.key.request_id, made.token)
        if digest_of(secret) != token.digest:
            raise SecretGoneError(token.id)
        return NewToken(token, secret)

    def _free_id(self) -> str:
        while True:
            key = "".join(secrets.choice(LETTERS) for _ in range(ID_LENGTH))
            if key not in self._by_id:
                return key


async def _run_to_completion(change: Coroutine[None, None, T]) -> T:
    """Run a change to completion even if the caller is cancelled, so that memory and store agree."""
    return await asyncio.shield(asyncio.get_running_loop().create_task(change))
