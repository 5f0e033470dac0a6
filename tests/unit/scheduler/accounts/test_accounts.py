"""Tokens: creation, repeated requests, revocation, expiry and storage; with a fixed clock."""

import asyncio
import logging
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts_memory import MemoryAccounts
from sweepd_kernel.auth.authenticator import TOKEN_FORM, digest_of
from sweepd_kernel.auth.open_calls import OpenCalls
from sweepd_kernel.auth.principal import EVERYWHERE, FULL_ACCESS, OWNER, Bounds, Principal
from sweepd_kernel.auth.scopes import Scope
from sweepd_kernel.errors import BadTokenError, DomainError, NotFoundError, StorageError
from sweepd_scheduler.accounts.accounts import Accounts, NewToken
from sweepd_scheduler.domain.account import (
    BoundTokenError,
    Token,
    TokenCreation,
    TokenRequest,
    TooManyTokensError,
    places_of,
    places_text,
)
from sweepd_scheduler.domain.requests.remembered import Repeatable, RequestIdReusedError, RequestKey

MNIST = Bounds(frozenset({"acme/mnist"}))
LEAD = Principal("lead", "person", Scope.ADMIN, Bounds(frozenset({"acme"})), "lead-token")


def repeatable(
    request_id: str = "r-1", fingerprint: bytes = b"the same call", account: str = OWNER
) -> Repeatable:
    return Repeatable(key=RequestKey(account, "", request_id), fingerprint=fingerprint)


AGAIN = repeatable()


@dataclass
class StillClock:
    time: float = 1_000.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.time)


@dataclass
class Desk:
    """Accounts over a store in memory."""

    clock: StillClock = field(default_factory=StillClock)
    store: MemoryAccounts = field(default_factory=MemoryAccounts)
    calls: OpenCalls = field(default_factory=OpenCalls)
    key: str = "service-token"

    def __post_init__(self) -> None:
        self.accounts = self.opened()

    def opened(self) -> Accounts:
        accounts = Accounts(self.store, self.clock, self.calls, self.key, logging.getLogger("test"))
        accounts.restore()
        return accounts

    async def made(
        self, caller: Principal = FULL_ACCESS, again: Repeatable | None = None, **wanted: Any
    ) -> NewToken:
        return await self.accounts.create(request(**wanted), caller, again)


def request(
    scope: Scope | None = Scope.READ,
    places: tuple[str, ...] = (),
    account: str = "",
    lifetime: float | None = None,
    display_name: str = "",
) -> TokenRequest:
    return TokenRequest(
        display_name=display_name, account=account, scope=scope, places=places, lifetime=lifetime
    )


def run(work: "Coroutine[Any, Any, None]") -> None:
    asyncio.run(work)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_secret_authenticates_its_token_and_is_not_stored(desk: Desk) -> None:
    async def main() -> None:
        made = await desk.made(places=("acme/mnist",), account="ada")
        assert TOKEN_FORM.fullmatch(made.secret)
        who = await desk.accounts.principal(digest_of(made.secret))
        assert who == Principal("ada", "person", Scope.READ, MNIST, made.token.id)
        again = await desk.made(again=AGAIN)
        for secret in (made.secret, again.secret):
            assert secret not in repr(vars(desk.store)) + repr(made) + repr(again) + repr(vars(desk.accounts))

    run(main())


def test_secrets_are_unique(desk: Desk) -> None:
    async def main() -> None:
        secrets = {(await desk.made()).secret for _ in range(200)}
        for number in range(200):
            again = repeatable(f"r-{number}")
            secrets.add((await desk.made(again=again)).secret)
        assert len(secrets) == 400

    run(main())


def test_a_repeated_request_gets_the_first_response_also_after_a_restart(desk: Desk) -> None:
    async def main() -> None:
        first = await desk.made(again=AGAIN)
        assert await desk.made(again=AGAIN) == first
        desk.accounts = desk.opened()
        assert await desk.made(again=AGAIN) == first
        assert len(desk.store.load().tokens) == 1

    run(main())


def test_the_request_id_of_one_account_is_free_for_another(desk: Desk) -> None:
    async def scenario() -> None:
        first = await desk.made(again=AGAIN)
        other = await desk.made(LEAD, again=repeatable(fingerprint=b"another call", account="lead"))
        assert other.token.id != first.token.id
        assert (await desk.made(again=AGAIN)).secret == first.secret

    run(scenario())


def test_a_request_id_of_another_call_is_refused(desk: Desk) -> None:
    async def main() -> None:
        await desk.made(again=AGAIN)
        with pytest.raises(RequestIdReusedError):
            await desk.made(again=repeatable(fingerprint=b"another call"))

    run(main())


def test_after_a_day_the_same_id_makes_another_token_and_the_salt_is_deleted(desk: Desk) -> None:
    async def main() -> None:
        first = await desk.made(again=AGAIN)
        desk.clock.time += 24 * 3600 + 1
        second = await desk.made(again=AGAIN)
        assert second.secret != first.secret
        assert [made.token for made in desk.store.load().made] == [second.token.id]
        assert (await desk.accounts.principal(digest_of(first.secret))).token == first.token.id

    run(main())


def test_a_repeated_request_is_refused_if_the_secret_can_no_longer_be_derived(desk: Desk) -> None:
    async def main() -> None:
        await desk.made(again=AGAIN)
        desk.key = "another service token"
        desk.accounts = desk.opened()
        with pytest.raises(DomainError, match="cannot be shown again"):
            await desk.made(again=AGAIN)

    run(main())


def test_a_revoked_token_is_refused_also_after_a_restart(desk: Desk) -> None:
    async def main() -> None:
        made = await desk.made()
        revoked = await desk.accounts.revoke(made.token.id, FULL_ACCESS)
        assert revoked.revoke_time
        assert await desk.accounts.revoke(made.token.id, FULL_ACCESS) == revoked
        for accounts in (desk.accounts, desk.opened()):
            with pytest.raises(BadTokenError, match="revoked"):
                await accounts.principal(digest_of(made.secret))

    run(main())


def test_a_token_is_refused_after_its_expiry(desk: Desk) -> None:
    async def main() -> None:
        made = await desk.made(lifetime=60.0)
        assert (await desk.accounts.principal(digest_of(made.secret))).expires == pytest.approx(1_060.0)
        desk.clock.time += 60.0
        with pytest.raises(BadTokenError, match="expired"):
            await desk.accounts.principal(digest_of(made.secret))

    run(main())


def test_a_change_that_cannot_be_stored_has_no_effect(desk: Desk) -> None:
    async def main() -> None:
        made = await desk.made()
        desk.store.unavailable = True
        with pytest.raises(StorageError):
            await desk.accounts.revoke(made.token.id, FULL_ACCESS)
        with pytest.raises(StorageError):
            await desk.made()
        assert (await desk.accounts.principal(digest_of(made.secret))).token == made.token.id
        desk.store.unavailable = False
        await desk.accounts.revoke(made.token.id, FULL_ACCESS)
        assert len(desk.store.load().tokens) == 1

    run(main())


def test_a_revocation_is_completed_although_its_caller_cancels() -> None:
    """Otherwise the token would be stored as revoked, but accepted until the next start."""
    begun, go_on = threading.Event(), threading.Event()

    class SlowDisk(MemoryAccounts):
        def put_token(self, token: Token, made: TokenCreation | None, forget_before: int) -> None:
            if token.revoke_time:
                begun.set()
                assert go_on.wait(10)
            super().put_token(token, made, forget_before)

    async def scenario() -> None:
        desk = Desk(store=SlowDisk())
        made = await desk.made()
        call = asyncio.create_task(desk.accounts.revoke(made.token.id, FULL_ACCESS))
        assert await asyncio.to_thread(begun.wait, 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        go_on.set()
        await desk.made()  # changes are serial: the previous one has completed
        assert desk.calls.ended(made.token.id)
        with pytest.raises(BadTokenError, match="revoked"):
            await desk.accounts.principal(digest_of(made.secret))

    asyncio.run(scenario())


def test_concurrent_creation_and_revocation_are_both_stored(desk: Desk) -> None:
    async def main() -> None:
        first = await desk.made()
        results = await asyncio.gather(
            *(desk.made(again=AGAIN) for _ in range(10)),
            desk.accounts.revoke(first.token.id, FULL_ACCESS),
            *(desk.made() for _ in range(10)),
            *(desk.accounts.revoke(first.token.id, FULL_ACCESS) for _ in range(5)),
        )
        made = [each for each in results if isinstance(each, NewToken)]
        assert len({each.secret for each in made}) == 11
        assert len({each.token.number for each in made}) == 11
        stored = {token.id: token for token in desk.opened().tokens(FULL_ACCESS, None, 100)[0]}
        assert stored[first.token.id].revoke_time
        assert all(not stored[each.token.id].revoke_time for each in made)

    run(main())


def test_a_bound_token_creates_lists_and_revokes_tokens_only_within_its_projects(desk: Desk) -> None:
    async def main() -> None:
        own = await desk.made(LEAD)
        assert (own.token.account, own.token.bounds) == ("lead", LEAD.bounds)
        closer = await desk.made(LEAD, places=("acme/mnist",))
        everywhere, outside = await desk.made(), await desk.made(places=("globex",))
        with pytest.raises(NotFoundError, match="globex"):
            await desk.made(LEAD, places=("acme/mnist", "globex/mnist"))
        with pytest.raises(BoundTokenError):
            await desk.made(LEAD, account="owner")
        seen, more = desk.accounts.tokens(LEAD, None, 10)
        assert ([each.id for each in seen], more) == ([closer.token.id, own.token.id], False)
        for hidden in (everywhere, outside):
            with pytest.raises(NotFoundError) as refused:
                await desk.accounts.revoke(hidden.token.id, LEAD)
            with pytest.raises(NotFoundError) as absent:
                await desk.accounts.revoke("k3x9v2ab7cde", LEAD)
            assert refused.value.message.replace(hidden.token.id, "ID") == absent.value.message.replace(
                "k3x9v2ab7cde", "ID"
            )
        await desk.accounts.revoke(closer.token.id, LEAD)

    run(main())


@pytest.mark.parametrize(
    "wanted",
    [
        {"scope": None},
        {"lifetime": 0.5},
        {"lifetime": float("inf")},
        {"lifetime": -1.0},
        {"places": ("Acme",)},
        {"places": ("acme/mnist/k3x9v2ab",)},
        {"places": ("acme/",)},
        {"places": ("",)},
        {"places": tuple(f"p{number}" for number in range(101))},
        {"account": "../etc"},
        {"account": "ada\n"},
        {"display_name": "x" * 65},
        {"display_name": "a\x1b[31m"},
    ],
)
def test_invalid_token_requests_are_refused(desk: Desk, wanted: dict[str, Any]) -> None:
    with pytest.raises(DomainError) as refused:
        run_made(desk, wanted)
    assert refused.value.status == "INVALID_ARGUMENT"


def run_made(desk: Desk, wanted: dict[str, Any]) -> None:
    asyncio.run(desk.made(**wanted))


def test_the_number_of_tokens_is_limited(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweepd_scheduler.accounts.accounts.MAX_VALID", 3)

    async def main() -> None:
        made = [await desk.made() for _ in range(3)]
        with pytest.raises(TooManyTokensError):
            await desk.made()
        await desk.accounts.revoke(made[0].token.id, FULL_ACCESS)
        await desk.made()

    run(main())


@pytest.mark.parametrize(("expires", "revoked", "ends"), [(7, 0, 7), (0, 9, 9), (7, 9, 7), (9, 7, 7)])
def test_a_token_is_deleted_thirty_days_after_it_was_revoked_or_expired(
    expires: int, revoked: int, ends: int
) -> None:
    token = Token(
        number=1,
        id="t",
        digest=b"",
        display_name="",
        account="ann",
        scope=Scope.READ,
        bounds=EVERYWHERE,
        creator="ann",
        create_time=1,
        expire_time=expires,
        revoke_time=revoked,
    )
    month = 30 * 86_400 * 1_000_000
    assert not token.forgotten(ends + month - 1)
    assert token.forgotten(ends + month)
    assert not replace(token, expire_time=0, revoke_time=0).forgotten(10 * month)


def test_ended_tokens_are_deleted_after_a_month(desk: Desk) -> None:
    async def main() -> None:
        kept, ended = await desk.made(), await desk.made(again=AGAIN)
        await desk.accounts.revoke(ended.token.id, FULL_ACCESS)
        desk.clock.time += 31 * 86_400
        assert desk.accounts.tokens(FULL_ACCESS, None, 10)[0] == [kept.token]
        tidying = asyncio.create_task(desk.accounts.tidy())
        while len(desk.store.load().tokens) > 1:  # noqa: ASYNC110 (a thread takes part)
            await asyncio.sleep(0)
        while desk.accounts.token(ended.token.id) is not None:  # noqa: ASYNC110 (a thread takes part)
            await asyncio.sleep(0)
        tidying.cancel()
        assert desk.store.load().made == []
        with pytest.raises(BadTokenError, match="not one of"):
            await desk.accounts.principal(digest_of(ended.secret))

    run(main())


def test_a_request_is_answered_with_a_new_token_after_a_jump_of_the_clock_has_deleted_the_first(
    desk: Desk,
) -> None:
    async def main() -> None:
        first = await desk.made(again=AGAIN)
        desk.clock.time -= 40 * 86_400
        await desk.accounts.revoke(first.token.id, FULL_ACCESS)
        desk.clock.time += 40 * 86_400
        tidying = asyncio.create_task(desk.accounts.tidy())
        while desk.accounts.token(first.token.id) is not None:  # noqa: ASYNC110 (a thread takes part)
            await asyncio.sleep(0)
        tidying.cancel()
        assert (await desk.made(again=AGAIN)).token.id != first.token.id

    run(main())


def test_followers_receive_every_revocation_after_their_first_message(desk: Desk) -> None:
    async def main() -> None:
        tokens = [(await desk.made()).token.id for _ in range(3)]
        await desk.accounts.revoke(tokens[0], FULL_ACCESS)
        parts = desk.accounts.revocations.follow()
        assert await anext(parts) == []
        for token in tokens[1:]:
            await desk.accounts.revoke(token, FULL_ACCESS)
        assert await anext(parts) == tokens[1:]
        await parts.aclose()
        assert EVERYWHERE.everywhere

    run(main())


def test_the_places_of_a_token_come_back_from_the_database() -> None:
    for places in (frozenset[str](), frozenset({"acme"}), frozenset({"b/x", "acme/mnist"})):
        assert places_of(places_text(places)) == places
    assert places_text({"b", "a"}) == places_text({"a", "b"})
