"""The three descriptions of each service's tables agree, and a database of either making is used alike."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy

from sweepd_kernel import migration
from sweepd_kernel.schema import ensure_schema
from sweepd_metric_store.store.tables import MetricTable

METADATA = {
    "sweepd_metric_store": MetricTable.metadata,
}


def described(path: Path) -> dict[str, set[str]]:
    """Each table's or index's definition as a set of its parts, as their order in a table says nothing."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("select name, sql from sqlite_master where sql is not null").fetchall()
    return {name: parts(sql) for name, sql in found if name != "alembic_version"}


def parts(sql: str) -> set[str]:
    """The columns and constraints of one definition."""
    flat = re.sub(r"\s+", " ", sql.replace('"', "").lower())
    found = re.split(r",(?![^(]*\)(?:,|\s*\)))|^create table \w+ \(|\)$", flat)
    return {part.strip() for part in found if part.strip()}


def revision(path: Path) -> object:
    """The version that a database says it has."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("select version_num from alembic_version").fetchall()


@pytest.mark.parametrize("package", METADATA)
def test_schema_migrations_and_tables_agree(tmp_path: Path, package: str) -> None:
    fresh, migrated, declared = (tmp_path / name for name in ("fresh", "migrated", "declared"))
    ensure_schema(fresh, package)
    migration.upgrade(migrated, package)
    engine = sqlalchemy.create_engine(f"sqlite:///{declared}")
    METADATA[package].create_all(engine)
    engine.dispose()
    assert described(fresh) == described(declared)
    assert described(fresh) == described(migrated)
    assert revision(fresh) == revision(migrated)
