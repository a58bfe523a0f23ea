"""API keys. Only the hash of a secret is ever here."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from gridsvc.domain.keys import ApiKey
from gridsvc.domain.rights import KeyRole
from gridsvc.store.repository import Repository
from gridsvc.store.tables import api_key, division


class KeyReader(Repository):
    """Keys of the county."""

    def all(self) -> tuple[ApiKey, ...]:
        """Return every key, revoked ones too, the oldest first."""
        c = api_key.c
        columns = [column for column in c if column is not c.county]
        query = select(*columns).where(c.county == self.county)
        found = [_key(row) for row in self.connection.execute(query)]
        return tuple(sorted(found, key=lambda key: (key.created_at, key.id)))

    def divisions(self) -> frozenset[str]:
        """Return the codes of the current map's divisions, none while there is no map."""
        c = division.c
        query = select(c.code).where(c.county == self.county, c.to_version.is_(None))
        return frozenset(self.connection.execute(query).scalars())


class KeyWriter(KeyReader):
    """Keys inside a unit of work."""

    def add(self, key: ApiKey) -> None:
        """Store a new key."""
        self.connection.execute(
            insert(api_key).values(
                county=self.county,
                id=key.id,
                name=key.name,
                hash=key.hash,
                roles=list(key.roles),
                area=key.area,
                created_at=key.created_at,
                revoked_at=key.revoked_at,
                responder=key.responder,
            )
        )

    def revoke(self, id: str, *, at: datetime) -> bool | None:  # noqa: A002
        """Revoke a key for good at the aware moment ``at``.

        Returns
        -------
        bool or None
            False where it was revoked before, None where no key is known under ``id``.
        """
        c = api_key.c
        mine = (c.county == self.county, c.id == id)
        revoked = self.connection.execute(
            update(api_key).where(*mine, c.revoked_at.is_(None)).values(revoked_at=at)
        )
        if revoked.rowcount:
            return True
        known = self.connection.execute(select(c.id).where(*mine)).first()
        return None if known is None else False


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        hash=row.hash,
        roles=tuple(map(KeyRole, row.roles)),
        area=row.area,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        responder=row.responder,
    )
