"""The use of Alembic: one environment for the migrations of all services."""

from importlib import resources
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError


def upgrade(path: Path, package: str) -> None:
    """Bring the database at `path` to the newest revision of `package` in one transaction."""
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            config = _config(package)
            config.attributes["connection"] = connection
            # In words, as the driver's own transactions leave out changes of tables.
            connection.exec_driver_sql("begin immediate")
            try:
                command.upgrade(config, "head")
            except BaseException:
                connection.exec_driver_sql("rollback")
                raise
            connection.exec_driver_sql("commit")
    finally:
        engine.dispose()


def knows(package: str, revision: str) -> bool:
    """Whether `revision` is among the migrations of `package`."""
    try:
        return ScriptDirectory.from_config(_config(package)).get_revision(revision) is not None
    except (CommandError, ResolutionError):
        return False


def _config(package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("sweepd_kernel") / "migration_env"))
    config.set_main_option("version_locations", str(resources.files(package) / "migrations" / "versions"))
    config.set_main_option("path_separator", "newline")
    return config
