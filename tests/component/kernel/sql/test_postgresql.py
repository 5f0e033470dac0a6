"""The engine of PostgreSQL: durable, all or nothing, and its errors in the words of the port."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from postgresql import PostgresServer
from sweepd_kernel.errors import DamagedError, Status, StorageError
from sweepd_kernel.sql import postgresql as module
from sweepd_kernel.sql.database import StatementError, Value
from sweepd_kernel.sql.postgresql import COPIED_ROWS, PostgresqlConnection, PostgresqlEngine, translated

pytestmark = pytest.mark.needs("PostgreSQL")
INSERT = "insert into t (a, b, c, d, e) values (?, ?, ?, ?, ?)"


def fill(address: str) -> None:
    with closing(PostgresqlEngine(address, "scheduler").connect()) as connection:
        connection.execute(
            "create table t (a bigint primary key, b text, c bytea, d double precision, e boolean)"
        )


@pytest.fixture
def engine(postgresql: PostgresServer) -> Iterator[PostgresqlEngine]:
    with postgresql.database("engine", fill) as address:
        yield PostgresqlEngine(address, "scheduler")


@pytest.fixture
def connection(engine: PostgresqlEngine) -> Iterator[PostgresqlConnection]:
    with closing(engine.connect()) as opened:
        yield opened


def insert_and(connection: PostgresqlConnection, statement: str) -> None:
    with connection.transaction():
        connection.execute("insert into t (a, b) values (:a, :b)", {"a": 3, "b": None})
        connection.execute(statement)


def test_a_transaction_stores_all_or_nothing(connection: PostgresqlConnection) -> None:
    with connection.transaction():
        connection.execute_many("insert into t (a, b) values (?, ?)", [(1, "x"), (2, "100 %")])
    with pytest.raises(StatementError, match="UniqueViolation"):
        insert_and(connection, "insert into t (a) values (1)")
    assert list(connection.execute("select a, b from t order by a")) == [(1, "x"), (2, "100 %")]
    assert connection.execute("select b from t where a = 9").first() is None
    assert connection.columns() == {"t.a", "t.b", "t.c", "t.d", "t.e"}


def test_a_transaction_keeps_other_writers_out_for_so_long(
    engine: PostgresqlEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.1)
    with closing(engine.connect()) as first, closing(engine.connect()) as second:
        with first.transaction(), pytest.raises(StorageError, match="lock timeout") as caught:
            insert_and(second, "select 1")
        assert caught.value.status is Status.UNAVAILABLE
        insert_and(second, "select 1")


def test_many_rows_are_copied_with_the_types_of_their_columns(connection: PostgresqlConnection) -> None:
    whole: list[tuple[Value, ...]] = [
        (2**62 + at, f"ключ\t{at}\\", b"\x00\xff\n", float(at), bool(at % 2)) for at in range(COPIED_ROWS)
    ]
    odd: list[tuple[Value, ...]] = [(at, None, None, at, None) for at in range(COPIED_ROWS)]
    connection.execute_many(INSERT, iter(odd))
    connection.execute_many(INSERT, whole)
    assert connection.execute("select * from t order by a").all() == odd + whole
    with pytest.raises(StatementError, match="UniqueViolation"):
        connection.execute_many(INSERT, whole)


def test_a_snapshot_is_of_one_moment(engine: PostgresqlEngine, connection: PostgresqlConnection) -> None:
    with closing(engine.connect(read_only=True)) as reader:
        with reader.snapshot():
            before = reader.execute("select count(*) from t").first()
            connection.execute("insert into t (a) values (1)")
            assert reader.execute("select count(*) from t").first() == before
        assert reader.execute("select count(*) from t").first() == (1,)


def test_a_read_only_connection_writes_nothing(engine: PostgresqlEngine) -> None:
    with closing(engine.connect(read_only=True)) as reader, pytest.raises(StorageError, match="read-only"):
        reader.execute("insert into t (a) values (1)")


def test_lists_are_json_arrays(connection: PostgresqlConnection) -> None:
    connection.execute_many("insert into t (a, b) values (?, ?)", [(1, "x"), (2, "y"), (3, "z")])
    numbers = "select b from t where a in (select cast(value as bigint) from json_each(?)) order by a"
    assert connection.execute(numbers, ("[1, 3]",)).all() == [("x",), ("z",)]
    texts = (
        "select a from t where cast(:b as text) is null or b in (select value from json_each(:b)) order by a"
    )
    assert connection.execute(texts, {"b": '["y"]'}).all() == [(2,)]
    assert len(connection.execute(texts, {"b": None}).all()) == 3


@pytest.mark.parametrize(
    ("portable", "text"),
    [
        ("a = ? and b = :b", b"a = %s and b = %(b)s"),
        ("a like '5 % :b ?' and b % 2", b"a like '5 %% :b ?' and b %% 2"),
        ("from r cross join a b on b.x = r.x", b"from r join a b on b.x = r.x"),
        ("from r cross join a", b"from r cross join a"),
    ],
)
def test_one_text_serves_both_dialects(portable: str, text: bytes) -> None:
    assert translated(portable) == text


def test_a_nul_is_replaced_which_no_text_of_this_server_has(connection: PostgresqlConnection) -> None:
    connection.execute("insert into t (a, b) values (?, ?)", (1, "a\0b"))
    assert connection.execute("select b from t where b = ?", ("a\0b",)).all() == [("a\ufffdb",)]


def test_a_lost_table_is_damage(connection: PostgresqlConnection) -> None:
    connection.execute("drop table t")
    with pytest.raises(DamagedError, match="does not exist"):
        connection.execute("select * from t")


def test_a_lost_connection_is_unavailable_and_names_no_password(engine: PostgresqlEngine) -> None:
    with closing(engine.connect()) as lost, closing(engine.connect()) as other:
        (number,) = lost.execute("select pg_backend_pid()").first() or (0,)
        other.execute("select pg_terminate_backend(cast(? as integer))", (number,))
        for _ in range(2):
            with pytest.raises(StorageError):
                insert_and(lost, "select 1")
    missing = PostgresqlEngine("host=/nowhere dbname=metrics user=u password=secret", "scheduler")
    with pytest.raises(StorageError) as caught:
        missing.connect()
    assert caught.value.metadata["place"] == "metrics on /nowhere"
    assert "secret" not in str(caught.value)


def test_a_full_disk_is_distinguished(engine: PostgresqlEngine) -> None:
    found = engine.error(psycopg.errors.DiskFull("could not extend file"))
    assert isinstance(found, StorageError)
    assert found.status is Status.RESOURCE_EXHAUSTED


def test_copies_take_names_that_are_free(engine: PostgresqlEngine, postgresql: PostgresServer) -> None:
    first, second = engine.copy_aside("before"), engine.copy_aside("before")
    assert second == first.replace(".before on ", ".before-2 on ")
    names = [each.rpartition(" on ")[0] for each in (first, second)]
    try:
        with closing(PostgresqlEngine(postgresql.address(names[1]), "scheduler").connect()) as copy:
            assert "t.a" in copy.columns()
    finally:
        for name in names:
            postgresql.execute(f'drop database "{name}"')
