"""Inserting many rows at once, the fastest way that each store has."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, insert

COPY_FROM = 200
"""Rows from which PostgreSQL's COPY is worth its statement."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert ``rows``, each with the same columns, in the transaction of ``connection``."""
    if not rows:
        return
    if len(rows) >= COPY_FROM and _can_copy(connection):
        _copy(connection, table, rows)
    else:
        # One row alone is a plain statement: drivers take longer over a list of one.
        connection.execute(_insert(table), rows[0] if len(rows) == 1 else rows)


def _can_copy(connection: Connection) -> bool:
    """Whether rows may be copied: by PostgreSQL, unless statements are sent together."""
    if connection.dialect.name != "postgresql":
        return False
    driver: Any = connection.connection.driver_connection
    return not driver.pgconn.pipeline_status


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


def _copy(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    dialect = connection.dialect
    names = list(rows[0])
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    processors = [
        (name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names
    ]
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {quote(table.name)} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(
                [
                    row[name] if process is None else process(row[name])
                    for name, process in processors
                ]
            )
