"""All rows of a county as plain values, out of one store and into another, whichever they are.

What is a table, a column and its type is read from the schema, so that a later table needs no word
here. A dump says its own columns: it can be filled into the schema of its own revision and
migrated from there.
"""

import base64
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, cast

import numpy as np
import shapely
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
    inspect,
    literal,
    select,
)
from sqlalchemy.types import TypeEngine

from gridsvc.store import migrate
from gridsvc.store.bulk import insert_rows
from gridsvc.store.geometry import GeometryColumn, Moment, Shape, raw, to_stored
from gridsvc.store.repository import Repository
from gridsvc.store.tables import Json, metadata

Value = Any
"""A JSON value."""

_BATCH = 500
"""Rows in memory at a time."""

_TYPES: dict[str, Callable[[], TypeEngine[Any]]] = {
    "text": Text,
    "integer": Integer,
    "bigint": BigInteger,
    "double": Double,
    "boolean": Boolean,
    "moment": Moment,
    "json": lambda: cast(TypeEngine[Any], Json),
}
"""By their names in a dump; geometries are named as ``_SHAPES`` has them."""


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table of a dump: its name, and (column, type) in the order of a row's values."""

    name: str
    columns: tuple[tuple[str, str], ...]


def shapes() -> tuple[TableShape, ...]:
    """Return the tables of this program's schema, each behind those that it refers to."""
    return tuple(
        TableShape(table.name, tuple((column.name, _type_name(column)) for column in table.columns))
        for table in metadata.sorted_tables
    )


def is_type(name: str) -> bool:
    """Whether a dump can have columns of the type called ``name``."""
    return name in _TYPES or name in _SHAPES


class TableReader(Repository):
    """Whole tables, as of one consistent snapshot."""

    def dump(self, name: str) -> Iterator[list[Value]]:
        """Yield the rows of one table as JSON values, in the order of its primary key.

        Geometries are base64 of well-known binary, moments ISO 8601 with their zone, and numbers
        that JSON cannot say are their names. A few hundred rows are in memory at a time.
        """
        table = metadata.tables[name]
        encoders = [_ENCODERS.get(_type_name(column)) for column in table.columns]
        columns = [
            raw(column, self.dialect) if isinstance(column.type, GeometryColumn) else column
            for column in table.columns
        ]
        query = select(*columns).where(table.c.county == self.county).order_by(*table.primary_key)
        streamed = self.connection.execute(query, execution_options={"yield_per": _BATCH})
        for row in streamed:
            yield [
                value if encode is None or value is None else encode(value)
                for encode, value in zip(encoders, row, strict=True)
            ]


class TableWriter:
    """Fills the empty tables of one revision, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def shape_faults(self, given: Sequence[TableShape]) -> list[str]:
        """Return the names of tables that are not what the schema has, or that it has alone."""
        found = {shape.name: {name for name, _ in shape.columns} for shape in given}
        here = _tables(self._connection)
        return sorted(name for name in found.keys() | here if found.get(name) != here.get(name))

    def fill(self, shape: TableShape, rows: Iterator[list[Value]]) -> None:
        """Insert ``rows``, each with a value for every column of ``shape``.

        Raises
        ------
        ValueError
            A row that is not one of this table.
        """
        table = Table(
            shape.name,
            MetaData(),
            *(Column(name, _type(kind)) for name, kind in shape.columns),
        )
        while batch := _some(rows):
            insert_rows(self._connection, table, self._decoded(shape, batch))

    def _decoded(self, shape: TableShape, batch: list[list[Value]]) -> list[dict[str, Any]]:
        width = len(shape.columns)
        if any(not isinstance(row, list) or len(row) != width for row in batch):
            raise ValueError(f"a row of {shape.name} has not {width} values")
        columns = [
            _decoded(kind, [row[n] for row in batch], self._connection.dialect.name)
            for n, (_, kind) in enumerate(shape.columns)
        ]
        names = [name for name, _ in shape.columns]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _type(name: str) -> TypeEngine[Any]:
    return GeometryColumn(_SHAPES[name]) if name in _SHAPES else _TYPES[name]()


def is_empty(connection: Connection) -> bool:
    """Whether no table of the schema, so far as it is there, has a row of any county."""
    here = _tables(connection)
    return not any(
        connection.execute(select(literal(1)).select_from(table).limit(1)).first()
        for table in metadata.sorted_tables
        if table.name in here
    )


def _tables(connection: Connection) -> Mapping[str, set[str]]:
    """Names of the tables in the database that are ours, and of their columns."""
    found = inspect(connection)
    others = {"alembic_version", "spatial_ref_sys"}
    return {
        name: {column["name"] for column in found.get_columns(name)}
        for name in found.get_table_names()
        if name not in others
    }


@cache
def _type_name(column: Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, GeometryColumn):
        return kind.shape.lower()
    # Of a class and its subclass, the subclass comes first.
    for name, known in (
        ("moment", Moment),
        ("json", JSON),
        ("boolean", Boolean),
        ("bigint", BigInteger),
        ("integer", Integer),
        ("double", Double),
        ("text", Text),
    ):
        if isinstance(kind, known):
            return name
    raise TypeError(f"{column} has a type that no dump can hold: {kind!r}")


def _double(value: float) -> Value:
    return value if math.isfinite(value) else repr(value)


_SHAPES: dict[str, Shape] = {
    "point": "POINT",
    "linestring": "LINESTRING",
    "multipolygon": "MULTIPOLYGON",
    "geometry": "GEOMETRY",
}

_ENCODERS: dict[str, Callable[[Any], Value]] = {
    "moment": datetime.isoformat,
    "double": _double,
    **dict.fromkeys(_SHAPES, lambda wkb: base64.b64encode(wkb).decode("ascii")),
}


def _decoded(kind: str, values: list[Value], dialect: str) -> list[Any]:
    match kind:
        case "moment":
            return [None if value is None else datetime.fromisoformat(value) for value in values]
        case "double":
            return [None if value is None else float(value) for value in values]
        case _ if kind in _SHAPES:
            wkb = [None if value is None else base64.b64decode(value) for value in values]
            try:
                geometries = shapely.from_wkb(np.array(wkb, dtype=object))
            except shapely.errors.ShapelyError as error:
                raise ValueError(str(error)) from error
            return to_stored(geometries, _SHAPES[kind], dialect)
    return values


def _some(rows: Iterator[list[Value]]) -> list[list[Value]]:
    return list(islice(rows, _BATCH))


def begin_at(connection: Connection, revision: str) -> str | None:
    """Bring an empty database to ``revision``; the revision it is at, where that is beyond."""
    current = migrate.current_revision(connection)
    if current is not None and migrate.is_before(revision, current):
        return current
    migrate.upgrade_within(connection, revision)
    return None
