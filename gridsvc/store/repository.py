"""What every repository has: a connection inside a transaction, and the county it works for."""

from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True)
class Repository:
    """Rows of one county, read and written through one transaction."""

    connection: Connection
    county: str

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.connection.dialect.name
