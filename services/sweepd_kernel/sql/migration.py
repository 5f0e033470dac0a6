"""Migrations by Alembic, with one environment for all databases."""

from importlib import resources

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError

from sweepd_kernel.sql.database import Dialect, Engine

_BEGIN: dict[Dialect, str] = {"sqlite": "begin immediate", "postgresql": "begin"}
_DRIVERS: dict[Dialect, str] = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}


def upgrade(engine: Engine, package: str) -> None:
    """Migrate a database to the newest revision of `package` in one transaction."""
    alchemy_engine = sqlalchemy.create_engine(
        _DRIVERS[engine.dialect], creator=engine.driver_connection, isolation_level="AUTOCOMMIT"
    )
    try:
        with alchemy_engine.connect() as connection:
            config = _config(package)
            config.attributes["connection"] = connection
            # Explicit statement, because the driver's own transactions do not include DDL.
            connection.exec_driver_sql(_BEGIN[engine.dialect])
            try:
                command.upgrade(config, "head")
            except BaseException:
                connection.exec_driver_sql("rollback")
                raise
            connection.exec_driver_sql("commit")
    finally:
        alchemy_engine.dispose()


def has_revision(package: str, revision: str) -> bool:
    """Return True if `revision` is among the migrations of `package`."""
    try:
        return ScriptDirectory.from_config(_config(package)).get_revision(revision) is not None
    except (CommandError, ResolutionError):
        return False


def _config(package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("sweepd_kernel.sql") / "migration_env"))
    config.set_main_option("version_locations", str(resources.files(package) / "migrations"))
    config.set_main_option("path_separator", "newline")
    return config
