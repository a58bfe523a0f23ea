"""Duty rosters, exclusions and recusals: who may be offered a case."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from gridsvc.domain.duty import Roster, RosterException, Shift
from gridsvc.domain.force import Role
from gridsvc.domain.lifecycle import AssignmentState
from gridsvc.domain.standing import Exclusion
from gridsvc.store.bulk import insert_rows
from gridsvc.store.card_tables import exclusion, recusal, roster, roster_exception
from gridsvc.store.case_filter import OPEN
from gridsvc.store.repository import Either, Repository
from gridsvc.store.tables import assignment, claim, incident, responder

_RECUSE = Either(recusal, lambda insert: insert.on_conflict_do_nothing())


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


class StandingReader(Repository):
    """Rosters, exclusions and recusals of the county."""

    def roster(self, *, since: datetime | None = None) -> Roster:
        """Return the whole roster, with the exceptions that end after ``since`` (aware)."""
        shifts = select(*(roster.c[name] for name in _names(Shift))).where(
            roster.c.county == self.county
        )
        c = roster_exception.c
        exceptions = select(*(c[name] for name in _names(RosterException))).where(
            c.county == self.county
        )
        if since is not None:
            exceptions = exceptions.where(c.ends_at > since)
        return Roster(
            tuple(Shift(*row) for row in self.connection.execute(shifts)),
            tuple(RosterException(*row) for row in self.connection.execute(exceptions)),
        )

    def exclusions(self, *, at: datetime) -> tuple[Exclusion, ...]:
        """Return those that count at an aware moment, the first made first."""
        c = exclusion.c
        query = (
            select(*(c[name] for name in _names(Exclusion)))
            .where(c.county == self.county, c.lifted_at.is_(None))
            .where(or_(c.until.is_(None), c.until > at))
            .order_by(c.at, c.id)
        )
        return tuple(Exclusion(*row) for row in self.connection.execute(query))

    def exclusion(self, id: str) -> Exclusion | None:  # noqa: A002
        """Return one exclusion, None when unknown."""
        c = exclusion.c
        query = select(*(c[name] for name in _names(Exclusion))).where(
            c.county == self.county, c.id == id
        )
        row = self.connection.execute(query).first()
        return None if row is None else Exclusion(*row)

    def recused(self) -> dict[str, frozenset[str]]:
        """Return the responder ids that are recused from open cases, by incident id."""
        c, i = recusal.c, incident.c
        query = (
            select(c.incident, c.responder)
            .join(incident, (i.county == c.county) & (i.id == c.incident))
            .where(c.county == self.county, i.stage.in_(OPEN))
        )
        found: dict[str, set[str]] = defaultdict(set)
        for key, who in self.connection.execute(query):
            found[key].add(who)
        return {key: frozenset(who) for key, who in found.items()}

    def recused_from(self, id: str) -> frozenset[str]:  # noqa: A002
        """Return the responder ids recused from the incident ``id``."""
        c = recusal.c
        query = select(c.responder).where(c.county == self.county, c.incident == id)
        return frozenset(self.connection.execute(query).scalars())

    def held(self) -> dict[str, tuple[str, datetime]]:
        """Return who is taken, by responder id: the kind of the case, and since when (aware)."""
        c, a, i = claim.c, assignment.c, incident.c
        query = (
            select(c.responder, i.kind, a.assigned_at)
            .join(assignment, (a.county == c.county) & (a.id == c.assignment))
            .join(incident, (i.county == a.county) & (i.id == a.incident))
            .where(c.county == self.county)
        )
        return {who: (kind, at) for who, kind, at in self.connection.execute(query)}

    def freed(self, *, since: datetime) -> dict[str, tuple[Role, datetime]]:
        """Return who has finished an assignment since an aware moment: role and last such end."""
        c, r = assignment.c, responder.c
        query = (
            select(c.responder, r.role, c.changed_at)
            .join(responder, (r.county == c.county) & (r.id == c.responder))
            .where(c.county == self.county, c.changed_at > since)
            .where(c.state == AssignmentState.DONE)
            .order_by(c.changed_at)
        )
        return {who: (Role(role), at) for who, role, at in self.connection.execute(query)}


class StandingWriter(StandingReader):
    """Rosters, exclusions and recusals inside a unit of work."""

    def replace_shifts(self, responders: Collection[str], shifts: Sequence[Shift]) -> None:
        """Let ``shifts`` be the whole weekly pattern of ``responders``."""
        c = roster.c
        for one in sorted(responders):
            self.connection.execute(
                delete(roster).where(c.county == self.county, c.responder == one)
            )
        insert_rows(
            self.connection,
            roster,
            [
                {"county": self.county, **{name: getattr(one, name) for name in _names(Shift)}}
                for one in shifts
            ],
        )

    def add_exception(self, one: RosterException) -> None:
        """Add an exception from the roster."""
        self._add(roster_exception, one)

    def drop_exception(self, who: str, id: str) -> bool:  # noqa: A002
        """Take an exception of ``who`` back; False where none is known under ``id``."""
        c = roster_exception.c
        dropped = self.connection.execute(
            delete(roster_exception)
            .where(c.county == self.county, c.responder == who, c.id == id)
            .returning(c.id)
        )
        return dropped.first() is not None

    def exclude(self, one: Exclusion) -> None:
        """Keep an exclusion."""
        self._add(exclusion, one)

    def lift(self, id: str, *, at: datetime) -> None:  # noqa: A002
        """End an exclusion."""
        c = exclusion.c
        self.connection.execute(
            update(exclusion).where(c.county == self.county, c.id == id).values(lifted_at=at)
        )

    def recuse(self, id: str, responders: Collection[str], *, by: str, at: datetime) -> None:  # noqa: A002
        """Keep ``responders`` from the incident ``id``; who is recused already stays so."""
        rows = [
            {"county": self.county, "incident": id, "responder": one, "by": by, "at": at}
            for one in sorted(set(responders))
        ]
        if rows:
            self.connection.execute(_RECUSE.of(self.connection), rows)

    def _add(self, table: Any, one: Exclusion | RosterException) -> None:
        row = {name: getattr(one, name) for name in _names(type(one))}
        self.connection.execute(insert(table).values(county=self.county, **row))
