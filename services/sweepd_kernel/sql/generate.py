"""Generator that writes `tables_sql.py` beside each `tables.py` of the services; run by a build hook.

The generated module contains the schema in each dialect and, for each table, its columns, its statements and
straight-line functions between entities and rows. It is plain Python, so that a server does not load
SQLAlchemy.
"""

import importlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import SQLModel

import sweepd_kernel.sql.model  # noqa: F401 (registers column types)
from sweepd_kernel.sql.database import Dialect
from sweepd_kernel.sql.mapping import (
    Imports,
    MappingError,
    ModelColumn,
    Node,
    encoders,
    made_of,
    missing,
    tree,
    without_none,
)

SERVICES = Path(__file__).resolve().parent.parent.parent
MODEL, GENERATED = "tables.py", "tables_sql.py"
DIALECTS: dict[Dialect, sqlalchemy.Dialect] = {
    "sqlite": sqlite.dialect(),
    "postgresql": postgresql.dialect(),  # type: ignore[no-untyped-call]
}
_REVISION = re.compile(r'^revision = "(\w+)"', re.MULTILINE)


def packages() -> list[str]:
    """Return the packages with table models and migrations, such as `sweepd_scheduler.accounts`."""
    found = sorted(path.parent for path in SERVICES.rglob(MODEL) if (path.parent / "migrations").is_dir())
    return [".".join(folder.relative_to(SERVICES).parts) for folder in found]


def generate() -> None:
    """Write the generated modules that have changed; remove those whose `tables.py` is gone."""
    for stale in SERVICES.rglob(GENERATED):
        if not stale.with_name(MODEL).exists():
            stale.unlink()
    for package in packages():
        path = SERVICES.joinpath(*package.split(".")) / GENERATED
        text = generated(package)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def models(package: str) -> list[type[SQLModel]]:
    """Return the models of a package in their order of definition."""
    module = importlib.import_module(f"{package}.{Path(MODEL).stem}")
    return [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, SQLModel) and hasattr(each, "__table__")
    ]


def metadata(package: str) -> sqlalchemy.MetaData:
    """Return the SQLAlchemy tables of a package."""
    return models(package)[0].metadata


def revision(package: str) -> str:
    """Return the newest revision among the migrations of a package."""
    versions = SERVICES.joinpath(*package.split("."), "migrations")
    found = [match[1] for path in versions.glob("*.py") if (match := _REVISION.search(path.read_text()))]
    return max(found)


def generated(package: str) -> str:
    """Return the source of the generated module of a package."""
    imports = Imports()
    body: list[str] = []
    tables = models(package)
    for model in tables:
        body += ["", "", *_table(model, imports)]
    body += ["", "", *_schema(package, tables)]
    head = [
        f'"""Made by sweepd_kernel.sql.generate from `{MODEL}`: do not edit."""',
        "",
        "from json import loads as _loads",
        "",
        *imports.lines(),
        "from sweepd_kernel.sql.database import Row, Value",
        "from sweepd_kernel.sql.schema import Schema, Table",
        "from sweepd_kernel.sql.schema import json_text as _json",
    ]
    return "\n".join([*head, *body, ""])


def ddl(package: str, dialect: Dialect) -> tuple[str, ...]:
    """Return the statements that create the newest tables and store their revision."""
    made: list[str] = []
    for table in metadata(package).sorted_tables:
        made.append(_compiled(CreateTable(table), dialect))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        made += [_compiled(CreateIndex(index), dialect) for index in indexes]
    return (
        *made,
        "create table alembic_version (version_num varchar(32) not null primary key)",
        f"insert into alembic_version (version_num) values ('{revision(package)}')",  # noqa: S608 (our own)
    )


def _compiled(statement: sqlalchemy.schema.ExecutableDDLElement, dialect: Dialect) -> str:
    text = str(statement.compile(dialect=DIALECTS[dialect]))
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _columns(model: type[SQLModel]) -> list[ModelColumn]:
    table = _sqlalchemy_table(model)
    return [
        ModelColumn(
            name=column.name,
            type=_type(model.model_fields[column.name].annotation),
            nullable=bool(column.nullable),
            key=column.primary_key,
            index=index,
            **column.info,
        )
        for index, column in enumerate(table.columns)
    ]


def _sqlalchemy_table(model: type[SQLModel]) -> sqlalchemy.Table:
    table = getattr(model, "__table__")  # noqa: B009 (the metaclass sets it)
    assert isinstance(table, sqlalchemy.Table)
    return table


def _type(annotation: object) -> type:
    inner, _ = without_none(annotation)
    assert isinstance(inner, type)
    return inner


def _table(model: type[SQLModel], imports: Imports) -> list[str]:
    name = _sqlalchemy_table(model).name
    columns = _columns(model)
    entity: Any = getattr(model, "__entity__", None)
    lines = [f"{name.upper()} = Table(", f"    name={name!r},"]
    lines.append(f"    columns=({''.join(f'{each.name!r}, ' for each in columns).rstrip()}),")
    lines += [f"    {key}={text!r}," for key, text in _statements(name, columns).items()]
    lines.append(")")
    if entity is None:
        columns = [replace(each, extra=True) for each in columns]
        return [*lines, "", "", *_values(name, None, columns, columns, "values", imports)]
    try:
        node = tree(entity, columns)
        lines += ["", "", *_values(name, node, columns, columns, "values", imports)]
        changes = [*_live(columns), *(each for each in columns if each.key)]
        if _live(columns):
            lines += ["", "", *_values(name, node, columns, changes, "changes", imports)]
        return [*lines, "", "", *_reader(name, node, imports)]
    except MappingError as error:
        raise SystemExit(f"{model.__module__}: {model.__name__}: {error}") from error


def _live(columns: list[ModelColumn]) -> list[ModelColumn]:
    return [each for each in columns if not (each.key or each.fixed)]


def _statements(table: str, columns: list[ModelColumn]) -> dict[str, str]:
    names = [each.name for each in columns]
    keys = [each.name for each in columns if each.key]
    live = [each.name for each in _live(columns)]
    marks = ", ".join("?" * len(names))
    insert = f"insert into {table} ({', '.join(names)}) values ({marks})"  # noqa: S608 (our own names)
    found = " and ".join(f"{name} = ?" for name in keys)
    excluded = ", ".join(f"{name} = excluded.{name}" for name in live)
    update = ", ".join(f"{name} = ?" for name in live)
    conflict = f"on conflict ({', '.join(keys)}) do"
    return {
        "insert": insert,
        "upsert": f"{insert} {conflict} {f'update set {excluded}' if live else 'nothing'}",
        "update": f"update {table} set {update} where {found}" if live else "",  # noqa: S608 (our own names)
        "delete": f"delete from {table} where {found}",  # noqa: S608 (our own names)
    }


def _values(
    table: str,
    node: Node | None,
    columns: list[ModelColumn],
    wanted: list[ModelColumn],
    what: str,
    imports: Imports,
) -> list[str]:
    """Return the lines of the function that returns the bind values of a statement."""
    names = {each.name for each in wanted}
    lines: list[str] = []
    values: dict[str, str] = {}
    parameters: list[str] = []
    if node is not None:
        subject = f"{table}_" if table in {each.name for each in wanted if each.extra} else table
        lines, values = encoders(node, subject, names, imports)
        parameters.append(f"{subject}: {imports.annotation(node.type)}")
    extras = [each for each in wanted if each.extra]
    if extras:
        parameters.append("*")
    for each in sorted(extras, key=lambda column: column.index):
        parameters.append(f"{each.name}: {each.type.__name__}{' | None' if each.nullable else ''}")
        values[each.name] = each.name
    return [
        f"def {table}_{what}({', '.join(parameters)}) -> tuple[Value, ...]:",
        f'    """Return the values for `{"update" if what == "changes" else "insert"}`."""',
        *(f"    {line}" for line in lines),
        "    return (",
        *(f"        {values[each.name]}," for each in wanted),
        "    )",
    ]


def _reader(table: str, node: Node, imports: Imports) -> list[str]:
    """Return the lines of the function that decodes an entity from a row."""
    given = missing(node)
    parameters = ["row: Row", *(["*"] if given else [])]
    parameters += [f"{name}: {imports.annotation(hint)}" for name, hint in given]
    made = made_of(node, imports, [name for name, _ in given])
    return [
        f"def {table}_of({', '.join(parameters)}) -> {imports.annotation(node.type)}:",
        '    """Return the entity of a row that begins with all columns."""',
        f"    return {made}",
    ]


def _schema(package: str, tables: list[type[SQLModel]]) -> Iterator[str]:
    yield "SCHEMA = Schema("
    yield f"    package={package!r},"
    yield f"    revision={revision(package)!r},"
    yield f"    tables=({''.join(f'{_sqlalchemy_table(each).name.upper()}, ' for each in tables).rstrip()}),"
    yield "    statements={"
    for dialect in DIALECTS:
        yield f"        {dialect!r}: ("
        for statement in ddl(package, dialect):
            quoted = statement.replace("\\", "\\\\")
            yield f'            """{quoted}""",'
        yield "        ),"
    yield "    },"
    yield ")"


if __name__ == "__main__":
    generate()
