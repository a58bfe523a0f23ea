"""Run cards that a county has changed, each with its history."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from gridsvc.store.card_tables import run_card
from gridsvc.store.repository import Repository

_C = run_card.c
_COLUMNS = (_C.kind, _C.version, _C.data, _C.by, _C.at, _C.reason)


@dataclass(frozen=True, slots=True)
class KeptCard:
    """One version of the card of a kind, who made it, when (aware) and why."""

    kind: str
    version: int
    data: dict[str, Any]
    by: str
    at: datetime
    reason: str


class RunCardReader(Repository):
    """Run cards of the county."""

    def in_force(self) -> tuple[KeptCard, ...]:
        """Return the last version of each kind that has any, by kind."""
        found = {one.kind: one for one in self._all()}
        return tuple(found.values())

    def history(self, kind: str) -> tuple[KeptCard, ...]:
        """Return every version of a kind's card, the first one first."""
        return tuple(one for one in self._all(kind))

    def version(self, kind: str) -> int:
        """Return the version in force, 0 for the shipped card."""
        return max((one.version for one in self._all(kind)), default=0)

    def _all(self, kind: str | None = None) -> list[KeptCard]:
        query = select(*_COLUMNS).where(_C.county == self.county).order_by(_C.kind, _C.version)
        if kind is not None:
            query = query.where(_C.kind == kind)
        return [KeptCard(*row) for row in self.connection.execute(query)]


class RunCardWriter(RunCardReader):
    """Run cards inside a unit of work."""

    def keep(self, one: KeptCard) -> None:
        """Add a version.

        Raises
        ------
        ConflictError
            Another transaction has made it.
        """
        self.connection.execute(
            insert(run_card).values(
                county=self.county,
                kind=one.kind,
                version=one.version,
                data=one.data,
                by=one.by,
                at=one.at,
                reason=one.reason,
            )
        )
