"""Store of accounts in an SQL database: one connection, one transaction per change."""

from collections.abc import Sequence

from sweepd_kernel.sql.database import Engine
from sweepd_scheduler.accounts import tables_sql as sql
from sweepd_scheduler.domain.account import Loaded, Token, TokenCreation
from sweepd_scheduler.domain.names import Parent

_TOKENS = f"select {sql.TOKEN} from token order by number"  # noqa: S608
_MADE = f"select {sql.TOKEN_REQUEST} from token_request order by time"  # noqa: S608
_FORGET_MADE = "delete from token_request where time < ?"
_OR_NOTHING = "on conflict do nothing"


class SqlAccounts:
    """Implementation of `AccountStore`. Deleted data is overwritten, so deleted salts cannot be recovered."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect(overwrite_deleted=True)

    def load(self) -> Loaded:
        """Return the contents of the store."""
        execute = self._connection.execute
        with self._connection.snapshot():
            return Loaded(
                tokens=[sql.token_of(row) for row in execute(_TOKENS)],
                made=[sql.token_request_of(row) for row in execute(_MADE)],
                entities=[(name, time) for name, time in execute("select name, create_time from entity")],
                projects=[
                    (Parent(entity, project), time)
                    for entity, project, time in execute("select entity, project, create_time from project")
                ],
            )

    def put_token(self, token: Token, made: TokenCreation | None, forget_before: int) -> None:
        """Store a new or changed token durably; delete `TokenCreation` records older than `forget_before`."""
        with self._connection.transaction():
            self._connection.execute(sql.TOKEN.upsert, sql.token_values(token))
            if made is not None:
                self._connection.execute(sql.TOKEN_REQUEST.upsert, sql.token_request_values(made))
            self._connection.execute(_FORGET_MADE, (forget_before,))

    def forget(self, tokens: Sequence[str], made_before: int) -> None:
        """Delete tokens, and `TokenCreation` records older than `made_before`."""
        with self._connection.transaction():
            self._connection.execute_many("delete from token where id = ?", [(each,) for each in tokens])
            self._connection.execute(_FORGET_MADE, (made_before,))
        self._connection.checkpoint()

    def put_entity(self, name: str, now: int) -> None:
        """Store an entity."""
        values = sql.entity_values(name=name, create_time=now)
        self._connection.execute(f"{sql.ENTITY.insert} {_OR_NOTHING}", values)

    def put_project(self, name: Parent, now: int) -> None:
        """Store a project."""
        values = sql.project_values(entity=name.entity, project=name.project, create_time=now)
        self._connection.execute(f"{sql.PROJECT.insert} {_OR_NOTHING}", values)

    def close(self) -> None:
        """Close the database."""
        self._connection.close()
