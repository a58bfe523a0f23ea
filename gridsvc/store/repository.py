"""What every repository has: a connection inside a transaction, and the county it works for."""

from dataclasses import dataclass

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


@dataclass(frozen=True)
class Repository:
    """Rows of one county, read and written through one transaction."""

    connection: Connection
    county: str

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.connection.dialect.name

    def insert_unless(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An insert into ``table`` that may say what a conflict does, as both stores can."""
        if self.dialect == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)
