"""Accounts in every kind of store."""

import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from accounts_memory import MemoryAccounts
from conformance.scheduler.conftest import empty_database
from sweepd_kernel.auth.principal import EVERYWHERE, Bounds
from sweepd_kernel.auth.scopes import Scope
from sweepd_kernel.errors import StorageError
from sweepd_kernel.sql.schema import ensure_schema
from sweepd_kernel.sql.sqlite import SqliteEngine
from sweepd_scheduler.accounts.sql import SqlAccounts
from sweepd_scheduler.accounts.tables_sql import SCHEMA
from sweepd_scheduler.domain.account import AccountStore, Token, TokenCreation
from sweepd_scheduler.domain.names import Parent

Reopened = Callable[[], AccountStore]
TOKEN = Token(
    number=1,
    id="k3x9v2ab7cde",
    digest=bytes(range(32)),
    display_name="ann's “token”",
    account="ada",
    scope=Scope.AGENT,
    bounds=Bounds(frozenset({"acme", "globex/mnist"})),
    creator="owner",
    create_time=10,
    expire_time=20,
)
MADE = TokenCreation(request=b"r" * 32, fingerprint=b"f" * 32, token=TOKEN.id, salt=b"s" * 32, time=10)


@pytest.fixture
def store(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Reopened]:
    """Yield a function that opens the store, and closes it first if it is open."""
    memory = MemoryAccounts()
    with ExitStack() as opened:
        engine = None
        if kind != "memory":
            engine = opened.enter_context(empty_database(request, kind, tmp_path, SCHEMA))
        stores: list[SqlAccounts] = []

        def open_store() -> AccountStore:
            if engine is None:
                return memory
            for each in stores:
                each.close()
            stores[:] = [SqlAccounts(engine)]
            return stores[0]

        yield open_store
        for each in stores:
            each.close()


def test_a_token_and_its_changes_are_stored(store: Reopened) -> None:
    other = replace(TOKEN, number=2, id="zz", digest=b"d" * 32, bounds=EVERYWHERE, expire_time=0)
    first = store()
    first.put_token(other, None, 0)
    first.put_token(TOKEN, MADE, 0)
    loaded = store().load()
    assert (list(loaded.tokens), list(loaded.made)) == ([TOKEN, other], [MADE])
    revoked = replace(TOKEN, revoke_time=15)
    store().put_token(revoked, None, 0)
    assert list(store().load().tokens) == [revoked, other]


def test_expired_requests_and_tokens_are_deleted(store: Reopened) -> None:
    opened = store()
    opened.put_token(TOKEN, MADE, 0)
    opened.put_token(replace(TOKEN, number=2, id="zz", digest=b"d" * 32), None, 11)
    assert list(store().load().made) == []
    store().forget([TOKEN.id], 11)
    assert [token.id for token in store().load().tokens] == ["zz"]


def test_entities_and_projects_keep_their_first_creation_time(store: Reopened) -> None:
    opened = store()
    for time in (5, 6):
        opened.put_entity("acme", time)
        opened.put_project(Parent("acme", "mnist"), time)
    loaded = store().load()
    assert (list(loaded.entities), list(loaded.projects)) == ([("acme", 5)], [(Parent("acme", "mnist"), 5)])


def test_a_deleted_salt_is_erased_from_the_disk(tmp_path: Path) -> None:
    engine = SqliteEngine(tmp_path / "accounts.sqlite", "scheduler")
    ensure_schema(engine, SCHEMA)
    salt = bytes(range(100, 132))
    with closing(SqlAccounts(engine)) as store:
        store.put_token(TOKEN, replace(MADE, salt=salt), 0)
        assert salt in b"".join(each.read_bytes() for each in tmp_path.iterdir())
        store.forget([], 11)
        assert salt not in b"".join(each.read_bytes() for each in tmp_path.iterdir())


def test_a_disk_that_fills_up_during_a_checkpoint_is_reported_and_a_later_call_succeeds(
    tmp_path: Path,
) -> None:
    """The hourly deletion of tokens handles a StorageError; another error would end it."""
    engine = SqliteEngine(tmp_path / "accounts.sqlite", "scheduler")
    ensure_schema(engine, SCHEMA)
    projects = frozenset(f"{'e' * 60}{number}/{'p' * 64}" for number in range(100, 200))
    tokens = [
        replace(TOKEN, number=number, id=f"t{number}", digest=bytes([number]) * 32, bounds=Bounds(projects))
        for number in range(1, 41)
    ]
    with closing(SqlAccounts(engine)) as store:
        for token in tokens:
            store.put_token(token, None, 0)
    with closing(SqlAccounts(engine)) as store:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (engine.path.stat().st_size // 2, hard))
        try:
            with pytest.raises(StorageError):
                store.forget([tokens[-1].id], 0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        store.forget([tokens[-1].id], 0)
        assert [token.id for token in store.load().tokens] == [token.id for token in tokens[:-1]]
