"""What every repository has: a connection inside a transaction, and the county it works for.

Statements of hot paths are built once, when their module is read, and given their values when they
are run: SQLAlchemy takes four times as long to build a statement as to run it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Upsert = postgresql.Insert | sqlite.Insert


class Either:
    """An insert that may say what a conflict does, built once for each store."""

    def __init__(self, table: Table, finish: Callable[[Upsert], Any]) -> None:
        """``finish`` adds what a conflict does, in the words that both stores have."""
        self._built = {
            "postgresql": finish(postgresql.insert(table)),
            "sqlite": finish(sqlite.insert(table)),
        }

    def of(self, connection: Connection) -> Any:
        """The statement for the store of ``connection``."""
        return self._built[connection.dialect.name]


def together(connection: Connection) -> AbstractContextManager[object]:
    """Send what is written inside to the server at once, without waiting for each in turn.

    Nothing that is read may be used inside. A refusal of the store is raised at its end.
    """
    if connection.dialect.name == "sqlite":
        return nullcontext()
    driver: Any = connection.connection.driver_connection
    pipeline: AbstractContextManager[object] = driver.pipeline()
    return pipeline


@dataclass(frozen=True)
class Repository:
    """Rows of one county, read and written through one transaction."""

    connection: Connection
    county: str

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.connection.dialect.name
