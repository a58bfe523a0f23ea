"""Timers in the store: they survive restarts, and whoever deletes the row does what it says."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select, update

from gridsvc.domain.timers import Timer, TimerKind
from gridsvc.store.repository import Either, Repository
from gridsvc.store.tables import incident, timer

_T = timer.c
_COLUMNS = (_T.id, _T.incident, _T.kind, _T.due_at, _T.assignment, _T.payload)
_SET = Either(
    timer,
    lambda insert: insert.on_conflict_do_update(
        index_elements=[_T.county, _T.id],
        set_={
            "incident": insert.excluded.incident,
            "due_at": insert.excluded.due_at,
            "payload": insert.excluded.payload,
        },
    ),
)


class TimerReader(Repository):
    """Timers of the county."""

    def due(self, at: datetime, *, limit: int = 100, but: Collection[str] = ()) -> list[Timer]:
        """Return the timers whose time has come at ``at`` (aware), the longest due first.

        Parameters
        ----------
        limit
            The most to return.
        but
            Ids that are left out.
        """
        query = self._query().where(_T.due_at <= at, _T.id.not_in(sorted(but)))
        query = query.order_by(_T.due_at, _T.id).limit(limit)
        return [_timer(row) for row in self.connection.execute(query)]

    def next_due(self) -> datetime | None:
        """Return when the next timer is due, None while there is none."""
        query = select(func.min(_T.due_at)).where(_T.county == self.county)
        moment: datetime | None = self.connection.execute(query).scalar_one()
        return moment

    def count_due(self, at: datetime) -> int:
        """Return how many timers should have fired before ``at`` (aware)."""
        query = select(func.count()).where(_T.county == self.county, _T.due_at < at)
        return int(self.connection.execute(query).scalar_one())

    def of_incident(self, id: str) -> list[Timer]:  # noqa: A002
        """Return the timers of one incident, the next one first."""
        query = self._query().where(_T.incident == id).order_by(_T.due_at, _T.id)
        return [_timer(row) for row in self.connection.execute(query)]

    def _query(self) -> Select[Any]:
        return select(*_COLUMNS).where(_T.county == self.county)


class TimerWriter(TimerReader):
    """Timers inside a unit of work, whose incident is locked."""

    def set(self, one: Timer) -> None:
        """Set a timer; the one of the same id is replaced."""
        self.connection.execute(
            _SET.of(self.connection),
            {
                "county": self.county,
                "id": one.id,
                "incident": one.incident,
                "assignment": one.assignment,
                "kind": one.kind,
                "due_at": one.due_at,
                "payload": one.payload,
            },
        )

    def take(self, id: str, *, due_by: datetime | None = None) -> Timer | None:  # noqa: A002
        """Delete a timer and return it, None where it is gone, or not due at ``due_by``."""
        statement = delete(timer).where(_T.county == self.county, _T.id == id)
        if due_by is not None:
            statement = statement.where(_T.due_at <= due_by)
        row = self.connection.execute(statement.returning(*_COLUMNS)).first()
        return None if row is None else _timer(row)

    def cancel(self, incident: str) -> None:
        """Delete every timer of an incident."""
        self.connection.execute(
            delete(timer).where(_T.county == self.county, _T.incident == incident)
        )

    def hand_on(self, before: str, after: str) -> None:
        """Let the timers of single assignments of the incident ``before`` be of ``after``, and
        delete those of the whole of it: it was merged."""
        of_one = (_T.county == self.county) & (_T.incident == before)
        self.connection.execute(
            update(timer).where(of_one, _T.assignment.is_not(None)).values(incident=after)
        )
        self.cancel(before)

    def lock(self, id: str) -> bool:  # noqa: A002
        """Lock the row of an incident as every change of its case does; False where another
        transaction has it (PostgreSQL; a SQLite writer is alone)."""
        query = select(incident.c.id).where(incident.c.county == self.county, incident.c.id == id)
        row = self.connection.execute(query.with_for_update(skip_locked=True)).first()
        return row is not None


def _timer(row: Any) -> Timer:
    id_, incident_, kind, due_at, assignment, payload = row
    return Timer(id_, incident_, TimerKind(kind), due_at, assignment, payload)
