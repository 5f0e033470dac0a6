"""The three descriptions of the tables agree, and a database of either making is used alike."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import sqlalchemy

from sweepd_kernel import migration
from sweepd_kernel.schema import ensure_schema
from sweepd_scheduler.tables import SchedulerTable

PACKAGE = "sweepd_scheduler"


def described(path: Path) -> dict[str, set[str]]:
    """Each table's or index's definition as a set of its parts, as their order in a table says nothing."""
    with sqlite3.connect(path) as connection:
        found = connection.execute("select name, sql from sqlite_master where sql is not null").fetchall()
    connection.close()
    return {name: parts(sql) for name, sql in found if name != "alembic_version"}


def parts(sql: str) -> set[str]:
    flat = re.sub(r"\s+", " ", sql.replace('"', "").lower())
    return {
        part.strip()
        for part in re.split(r",(?![^(]*\)(?:,|\s*\)))|^create table \w+ \(|\)$", flat)
        if part.strip()
    }


def test_schema_migrations_and_tables_agree(tmp_path: Path) -> None:
    fresh, migrated, declared = (tmp_path / name for name in ("fresh", "migrated", "declared"))
    ensure_schema(fresh, PACKAGE)
    migration.upgrade(migrated, PACKAGE)
    engine = sqlalchemy.create_engine(f"sqlite:///{declared}")
    SchedulerTable.metadata.create_all(engine)
    engine.dispose()
    assert described(fresh) == described(declared)
    assert described(fresh) == described(migrated)


def test_a_fresh_database_is_at_the_newest_revision(tmp_path: Path) -> None:
    fresh, migrated = tmp_path / "fresh", tmp_path / "migrated"
    ensure_schema(fresh, PACKAGE)
    migration.upgrade(migrated, PACKAGE)
    versions = []
    for path in (fresh, migrated):
        connection = sqlite3.connect(path)
        versions.append(connection.execute("select version_num from alembic_version").fetchall())
        connection.close()
    assert versions[0] == versions[1]
