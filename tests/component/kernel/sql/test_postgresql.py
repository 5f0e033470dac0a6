"""Engine of PostgreSQL: transactions, translated statements, and the errors to which it maps the driver's."""

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


def insert_and_execute(connection: PostgresqlConnection, statement: str) -> None:
    with connection.transaction():
        connection.execute("insert into t (a, b) values (:a, :b)", {"a": 3, "b": None})
        connection.execute(statement)


def test_a_failed_transaction_stores_nothing(connection: PostgresqlConnection) -> None:
    with connection.transaction():
        connection.execute_many("insert into t (a, b) values (?, ?)", [(1, "x"), (2, "100 %")])
    with pytest.raises(StatementError, match="UniqueViolation"):
        insert_and_execute(connection, "insert into t (a) values (1)")
    assert list(connection.execute("select a, b from t order by a")) == [(1, "x"), (2, "100 %")]
    assert connection.execute("select b from t where a = 9").first() is None
    assert connection.columns() == {"t.a", "t.b", "t.c", "t.d", "t.e"}


def test_a_transaction_blocks_other_writers_until_their_timeout(
    engine: PostgresqlEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.1)
    with closing(engine.connect()) as first, closing(engine.connect()) as second:
        with first.transaction(), pytest.raises(StorageError, match="lock timeout") as caught:
            insert_and_execute(second, "select 1")
        assert caught.value.status is Status.UNAVAILABLE
        insert_and_execute(second, "select 1")


def test_many_rows_are_stored_with_the_types_of_their_columns(connection: PostgresqlConnection) -> None:
    without_nulls: list[tuple[Value, ...]] = [
        (2**62 + at, f"ключ\t{at}\\", b"\x00\xff\n", float(at), bool(at % 2)) for at in range(COPIED_ROWS)
    ]
    with_nulls: list[tuple[Value, ...]] = [(at, None, None, at, None) for at in range(COPIED_ROWS)]
    connection.execute_many(INSERT, iter(with_nulls))
    connection.execute_many(INSERT, without_nulls)
    assert connection.execute("select * from t order by a").all() == with_nulls + without_nulls
    with pytest.raises(StatementError, match="UniqueViolation"):
        connection.execute_many(INSERT, without_nulls)


def test_a_snapshot_does_not_see_later_writes(
    engine: PostgresqlEngine, connection: PostgresqlConnection
) -> None:
    with closing(engine.connect(read_only=True)) as reader:
        with reader.snapshot():
            before = reader.execute("select count(*) from t").first()
            connection.execute("insert into t (a) values (1)")
            assert reader.execute("select count(*) from t").first() == before
        assert reader.execute("select count(*) from t").first() == (1,)


def test_a_read_only_connection_refuses_writes(engine: PostgresqlEngine) -> None:
    with closing(engine.connect(read_only=True)) as reader, pytest.raises(StorageError, match="read-only"):
        reader.execute("insert into t (a) values (1)")


def test_a_list_parameter_is_a_json_array(connection: PostgresqlConnection) -> None:
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
def test_portable_statements_are_translated(portable: str, text: bytes) -> None:
    assert translated(portable) == text


def test_a_nul_character_is_replaced_because_postgresql_cannot_store_it(
    connection: PostgresqlConnection,
) -> None:
    connection.execute("insert into t (a, b) values (?, ?)", (1, "a\0b"))
    assert connection.execute("select b from t where b = ?", ("a\0b",)).all() == [("a\ufffdb",)]


def test_a_missing_table_is_damage(connection: PostgresqlConnection) -> None:
    connection.execute("drop table t")
    with pytest.raises(DamagedError, match="does not exist"):
        connection.execute("select * from t")


def test_a_lost_connection_is_unavailable_and_its_error_has_no_password(engine: PostgresqlEngine) -> None:
    with closing(engine.connect()) as lost, closing(engine.connect()) as other:
        (number,) = lost.execute("select pg_backend_pid()").first() or (0,)
        other.execute("select pg_terminate_backend(cast(? as integer))", (number,))
        for _ in range(2):
            with pytest.raises(StorageError):
                insert_and_execute(lost, "select 1")
    missing = PostgresqlEngine("host=/nowhere dbname=metrics user=u password=secret", "scheduler")
    with pytest.raises(StorageError) as caught:
        missing.connect()
    assert caught.value.metadata["place"] == "metrics on /nowhere"
    assert "secret" not in str(caught.value)


def test_a_full_disk_is_distinguished_from_other_errors(engine: PostgresqlEngine) -> None:
    found = engine.error(psycopg.errors.DiskFull("could not extend file"))
    assert isinstance(found, StorageError)
    assert found.status is Status.RESOURCE_EXHAUSTED


def test_copies_get_unused_names(engine: PostgresqlEngine, postgresql: PostgresServer) -> None:
    first, second = engine.back_up("before"), engine.back_up("before")
    assert second == first.replace(".before on ", ".before-2 on ")
    names = [each.rpartition(" on ")[0] for each in (first, second)]
    try:
        with closing(PostgresqlEngine(postgresql.address(names[1]), "scheduler").connect()) as copy:
            assert "t.a" in copy.columns()
    finally:
        for name in names:
            postgresql.execute(f'drop database "{name}"')
