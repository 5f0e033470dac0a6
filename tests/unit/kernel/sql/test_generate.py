"""Code generated from models of tables: statements, and conversions between entities and rows."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from sweepd_kernel.sql import generate
from sweepd_kernel.sql.model import column


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    width: float
    height: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    colour: Colour
    sizes: tuple[Size | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    key: tuple[int, int]
    colour: Colour
    size: Size
    other: Size | None = None
    marks: tuple[Mark, ...] = ()
    words: tuple[str, ...] = ()
    shade: Colour | None = None
    whole: bool = False
    large: int = 0
    label: str = ""

    @property
    def area(self) -> float:
        return self.size.width * self.size.height


def as_text(number: int) -> str:
    return hex(number)


def of_text(text: str) -> int:
    return int(text, 0)


class Base(SQLModel, registry=registry()):
    """Base of the tables."""


class ThingRow(Base, table=True):
    """Thing."""

    __tablename__ = "thing"
    __entity__ = Thing
    parent: int = column(key=True, at="key[0]")
    id: int = column(key=True, at="key[1]")
    colour: str
    size_width: float = column(fixed=True)
    size_height: float = column(fixed=True)
    other_width: float | None
    other_height: float | None
    marks: str
    words: str
    shade: str | None
    whole: bool
    large: str = column(encode=as_text, decode=of_text)
    area: float
    changed: int = column(extra=True)


FULL = Thing(
    key=(3, 4),
    colour=Colour.RED,
    size=Size(width=2.0, height=1.5),
    other=Size(width=1.0),
    marks=(Mark(colour=Colour.BLUE, sizes=(None, Size(width=7.0))), Mark(colour=Colour.RED)),
    words=("é", "b"),
    shade=Colour.BLUE,
    whole=True,
    large=2**80,
    label="given",
)
EMPTY = Thing(key=(1, 2), colour=Colour.BLUE, size=Size(width=0.0))


def module_of(monkeypatch: pytest.MonkeyPatch, *models: type[SQLModel]) -> SimpleNamespace:
    """Return the generated module of some models, executed."""
    name = "package_of_tables.tables"
    described = ModuleType(name)
    vars(described).update({model.__name__: model for model in models})
    monkeypatch.setitem(sys.modules, name, described)
    monkeypatch.setattr(generate, "revision", lambda _package: "0001")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[ThingRow.__module__])
    names: dict[str, Any] = {}
    exec(generate.generated("package_of_tables"), names)
    return SimpleNamespace(**names)


@pytest.mark.parametrize("thing", [FULL, EMPTY])
def test_an_entity_is_restored_from_its_row(monkeypatch: pytest.MonkeyPatch, thing: Thing) -> None:
    module = module_of(monkeypatch, ThingRow)
    row = module.thing_values(thing, changed=9)
    assert module.thing_of(row, label=thing.label) == thing
    assert dict(zip(module.THING.columns, row, strict=True))["area"] == thing.area


def test_row_values_have_the_types_that_drivers_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_of(monkeypatch, ThingRow)
    row = dict(zip(module.THING.columns, module.thing_values(FULL, changed=9), strict=True))
    assert row["marks"] == (
        '[{"colour":"blue","sizes":[null,{"width":7.0,"height":0.0}]},{"colour":"red","sizes":[]}]'
    )
    assert row["words"] == '["é","b"]'
    assert all(value is None or isinstance(value, bool | int | float | str | bytes) for value in row.values())


def test_an_update_leaves_out_fixed_columns_and_ends_with_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_of(monkeypatch, ThingRow)
    assert module.THING.update == (
        "update thing set colour = ?, other_width = ?, other_height = ?, marks = ?, words = ?, shade = ?,"
        " whole = ?, large = ?, area = ?, changed = ? where parent = ? and id = ?"
    )
    values = module.thing_changes(FULL, changed=9)
    assert (len(values), values[-2:]) == (12, (3, 4))
    assert module.THING.upsert.endswith("area = excluded.area, changed = excluded.changed")
    assert module.THING.delete == "delete from thing where parent = ? and id = ?"


def test_columns_can_be_selected_under_an_alias_and_partially(monkeypatch: pytest.MonkeyPatch) -> None:
    table = module_of(monkeypatch, ThingRow).THING
    assert table.of("t").startswith("t.parent, t.id, ")
    assert table.without({"id", "marks"}).startswith("parent, null, colour")


def test_the_schema_is_generated_for_both_dialects(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = module_of(monkeypatch, ThingRow).SCHEMA
    sqlite, postgresql = ("\n".join(schema.statements[each]) for each in ("sqlite", "postgresql"))
    assert "parent INTEGER NOT NULL" in sqlite
    assert "parent BIGINT NOT NULL" in postgresql
    assert "shade TEXT,\n" in postgresql
    assert schema.columns >= {"thing.parent", "thing.changed"}


def bad_models() -> dict[str, Callable[[], type[SQLModel]]]:
    """Return models that do not fit their entity."""

    def unknown() -> type[SQLModel]:
        class Unknown(Base, table=True):
            __tablename__ = "unknown"
            __entity__ = Size
            id: int = column(key=True, extra=True)
            depth: float

        return Unknown

    def null() -> type[SQLModel]:
        class Null(Base, table=True):
            __tablename__ = "null"
            __entity__ = Size
            id: int = column(key=True, extra=True)
            width: float | None

        return Null

    return {"has no field for the column depth": unknown, "must both allow None, or neither": null}


@pytest.mark.parametrize("message", list(bad_models()))
def test_a_model_that_does_not_fit_its_entity_is_refused(
    monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        module_of(monkeypatch, bad_models()[message]())


@pytest.mark.parametrize("package", generate.packages())
def test_the_generated_code_is_up_to_date(package: str) -> None:
    path = generate.SERVICES.joinpath(*package.split(".")) / generate.GENERATED
    assert path.read_text() == generate.generated(package), "run `make protos`"


@pytest.mark.lengthy
def test_services_start_without_sqlalchemy(tmp_path: Path) -> None:
    names = [f"{package}.tables_sql" for package in generate.packages()]
    program = textwrap.dedent(f"""
        import importlib, pathlib, sys
        from sweepd_kernel.sql.schema import ensure_schema
        from sweepd_kernel.sql.sqlite import SqliteEngine
        import sweepd_kernel.process.up, sweepd_metric_store.app, sweepd_scheduler.app
        for number, name in enumerate({names!r}):
            engine = SqliteEngine(pathlib.Path({str(tmp_path)!r}, str(number)), "test")
            for again in range(2):
                ensure_schema(engine, importlib.import_module(name).SCHEMA)
        heavy = ("sqlalchemy", "sqlmodel", "alembic", "pydantic")
        print([name for name in sys.modules if name.startswith(heavy)])
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
