"""The people who can be sent. Names and telephone numbers are kept apart, to be erasable."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, or_, select, update

from gridsvc.domain.clock import CLOCK_SLACK
from gridsvc.domain.force import (
    Capability,
    LivePosition,
    Responder,
    Role,
    Vehicle,
    unknown_responder,
)
from gridsvc.domain.geo import LngLat
from gridsvc.store.bulk import insert_rows
from gridsvc.store.geometry import points_to_stored
from gridsvc.store.numbers import Counters
from gridsvc.store.repository import Repository
from gridsvc.store.tables import counter, person, responder

MOVES = "moves"
"""The counter row of changes of positions: devices report by the thousand a minute, and where they
were is nobody's audit trail, so positions are no events. Who moved carries the count of it, and
whoever wants to know asks for what is beyond the count they know."""

Rows = list[dict[str, Any]]

# A start reads tens of thousands of people: looking values up is quicker than making them.
_ROLES = {role.value: role for role in Role}
_VEHICLES = {vehicle.value: vehicle for vehicle in Vehicle}


class ForceReader(Repository):
    """Responders of the county."""

    def all(self) -> tuple[Responder, ...]:
        """Return every responder that was not erased, by id."""
        rows = self.connection.execute(self._query().where(person.c.erased_at.is_(None))).all()
        return tuple(sorted((_responder(row) for row in rows), key=lambda one: one.id))

    def get(self, id: str) -> Responder | None:  # noqa: A002
        """Return one responder, with a blank name once erased; None when unknown."""
        row = self.connection.execute(self._query().where(responder.c.id == id)).first()
        return None if row is None else _responder(row)

    def person(self, id: str) -> tuple[str, str]:  # noqa: A002
        """Return name and telephone of anybody, both blank once erased or when unknown."""
        query = select(person.c.name, person.c.phone).where(
            person.c.county == self.county, person.c.id == id
        )
        row = self.connection.execute(query).first()
        return ("", "") if row is None else (row.name, row.phone)

    def moves(self) -> int:
        """Return how many changes of positions there were: those that are visible."""
        query = select(counter.c.value).where(
            counter.c.county == self.county, counter.c.name == MOVES
        )
        return self.connection.execute(query).scalar_one_or_none() or 0

    def moved_since(self, count: int) -> dict[str, LivePosition | None]:
        """Return where the devices are that moved after the ``count``-th change, by id."""
        c = responder.c
        query = select(c.id, c.live_lng, c.live_lat, c.live_at).where(
            c.county == self.county, c.moved > count
        )
        return {row.id: _live(row) for row in self.connection.execute(query)}

    def has_role(self, role: Role) -> bool:
        """Whether anybody has ``role``."""
        query = select(responder.c.id).where(
            responder.c.county == self.county, responder.c.role == role.value
        )
        return self.connection.execute(query.limit(1)).first() is not None

    def _query(self) -> Select[Any]:
        c = responder.c
        return (
            select(
                *(c.id, person.c.name, person.c.phone, c.role, c.area, c.capabilities),
                *(c.app, c.night, c.on_duty, c.vehicle, c.home_lng, c.home_lat),
                *(c.live_lng, c.live_lat, c.live_at, person.c.erased_at),
            )
            .join(person, (person.c.county == c.county) & (person.c.id == c.id))
            .where(c.county == self.county)
        )


class ForceWriter(ForceReader):
    """Responders inside a unit of work."""

    def upsert(self, responders: Sequence[Responder]) -> tuple[int, int]:
        """Add the unknown and change those that differ; return how many of each.

        A list of people rarely says where their devices are: a responder given without a live
        position keeps the one that is stored. Of an id given twice the last counts.
        """
        stored = {row.id: row for row in self.connection.execute(self._query())}
        given = {one.id: one for one in responders}
        added: list[Responder] = []
        changed: list[Responder] = []
        for one in given.values():
            before = stored.get(one.id)
            if before is None:
                added.append(one)
                continue
            known = _responder(before)
            after = one if one.live is not None else replace(one, live=known.live)
            if after != known or before.erased_at is not None:
                changed.append(after)
        self._insert(added)
        self._update(changed)
        return len(added), len(changed)

    def move(self, id: str, live: LivePosition, *, now: datetime | None = None) -> bool:  # noqa: A002
        """Keep where a responder's device is; False where a later report is already known.

        Parameters
        ----------
        id, live
            Whose device, and what it reports.
        now
            The present, aware; None: the report is made just now.

        Raises
        ------
        NotFoundError
            Nobody is known under ``id``, or the person was erased.
        """
        known, newest = self.move_many({id: live}, now=now or live.seen_at)
        if id not in known:
            raise unknown_responder(id)
        return id in newest

    def move_many(
        self, lives: Mapping[str, LivePosition], *, now: datetime
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Keep where the devices of responders are; nothing changes for whom a later report is
        already known.

        Parameters
        ----------
        lives
            What the devices report, by responder id.
        now
            The present, aware. A stored moment ahead of it by more than ``CLOCK_SLACK`` comes from
            a wrong clock and gives way.

        Returns
        -------
        tuple
            Who is known (nobody was ever listed under the other ids, or they were erased), and
            who of them has moved.
        """
        known = self._known(lives)
        if not known:
            return known, known
        # Locked until the commit: whoever sees a count sees all that moved up to it.
        count = Counters(self.connection, self.county).take(MOVES)
        self._move([(key, lives[key]) for key in sorted(known)], count, now + CLOCK_SLACK)
        return known, frozenset(self.moved_since(count - 1))

    def _move(self, lives: Sequence[tuple[str, LivePosition]], count: int, ahead: datetime) -> None:
        c = responder.c
        points = points_to_stored([live.at for _, live in lives], self.dialect)
        self.connection.execute(
            update(responder)
            .where(c.county == self.county, c.id == bindparam("id_"))
            .where(or_(c.live_at.is_(None), c.live_at <= bindparam("at_"), c.live_at > ahead))
            .values(live_at=bindparam("at_"), moved=count),
            [
                {"id_": key, "at_": live.seen_at, "live": point, **_lng_lat("live", live.at)}
                for (key, live), point in zip(lives, points, strict=True)
            ],
        )

    def add_person(self, id: str, *, name: str, phone: str) -> None:  # noqa: A002
        """Add somebody who is no responder: a reporter."""
        row = {"county": self.county, "id": id, "name": name, "phone": phone, "erased_at": None}
        insert_rows(self.connection, person, [row])

    def _known(self, ids: Collection[str]) -> frozenset[str]:
        """Who of ``ids`` is listed and was not erased.

        The lock (PostgreSQL; a SQLite writer is alone) makes an erasure under way be waited for,
        in one order for everybody.
        """
        found = self.connection.execute(
            select(person.c.id)
            .join(
                responder, (responder.c.county == person.c.county) & (responder.c.id == person.c.id)
            )
            .where(person.c.county == self.county, person.c.id.in_(sorted(ids)))
            .where(person.c.erased_at.is_(None))
            .order_by(person.c.id)
            .with_for_update(read=True, of=person)
        )
        return frozenset(found.scalars())

    def erase(self, id: str, *, at: datetime) -> None:  # noqa: A002
        """Blank the person: name, telephone, home and device position. Events keep the bare id.

        The flow that decides it records ``ResponderErased``: other processes hold the person in
        memory until an event tells them.

        Parameters
        ----------
        id
            Whom.
        at
            The aware moment, kept with the blank row.

        Raises
        ------
        NotFoundError
            Nobody is known under ``id``.
        """
        erased = self.connection.execute(
            update(person)
            .where(person.c.county == self.county, person.c.id == id)
            .values(name="", phone="", erased_at=at)
        )
        if erased.rowcount == 0:
            raise unknown_responder(id)
        self.connection.execute(
            update(responder)
            .where(responder.c.county == self.county, responder.c.id == id)
            .values(
                home=None,
                live=None,
                live_at=None,
                on_duty=False,
                **_lng_lat("home", None),
                **_lng_lat("live", None),
            )
        )

    def _insert(self, responders: Sequence[Responder]) -> None:
        people, force = self._rows(responders)
        insert_rows(self.connection, person, [{"county": self.county} | row for row in people])
        insert_rows(self.connection, responder, [{"county": self.county} | row for row in force])

    def _update(self, responders: Sequence[Responder]) -> None:
        for table, rows in zip((person, responder), self._rows(responders), strict=True):
            if rows:
                self.connection.execute(
                    update(table).where(
                        table.c.county == self.county, table.c.id == bindparam("id_")
                    ),
                    [{"id_": row.pop("id"), **row} for row in rows],
                )

    def _rows(self, responders: Sequence[Responder]) -> tuple[Rows, Rows]:
        homes = points_to_stored([one.home for one in responders], self.dialect)
        lives = points_to_stored([_live_at(one) for one in responders], self.dialect)
        return [_person_row(one) for one in responders], [
            _responder_row(one) | {"home": home, "live": live}
            for one, home, live in zip(responders, homes, lives, strict=True)
        ]


def _lng_lat(name: str, at: LngLat | None) -> dict[str, float | None]:
    return {
        f"{name}_lng": None if at is None else at.lng,
        f"{name}_lat": None if at is None else at.lat,
    }


def _live_at(one: Responder) -> LngLat | None:
    return None if one.live is None else one.live.at


def _person_row(one: Responder) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "phone": one.phone, "erased_at": None}


def _responder_row(one: Responder) -> dict[str, Any]:
    return {
        "id": one.id,
        "role": one.role,
        "area": one.area,
        "capabilities": sorted(one.capabilities),
        "app": one.app,
        "night": one.night,
        "on_duty": one.on_duty,
        "vehicle": one.vehicle,
        **_lng_lat("home", one.home),
        **_lng_lat("live", _live_at(one)),
        "live_at": one.live and one.live.seen_at,
    }


@cache
def _capabilities(words: tuple[str, ...]) -> frozenset[Capability]:
    return frozenset(map(Capability, words))


def _responder(row: Any) -> Responder:
    return Responder(
        id=row.id,
        name=row.name,
        role=_ROLES[row.role],
        area=row.area,
        home=None if row.home_lng is None else LngLat(row.home_lng, row.home_lat),
        phone=row.phone,
        capabilities=_capabilities(tuple(row.capabilities)),
        app=row.app,
        night=row.night,
        on_duty=row.on_duty,
        vehicle=_VEHICLES[row.vehicle],
        live=_live(row),
    )


def _live(row: Any) -> LivePosition | None:
    if row.live_at is None:
        return None
    return LivePosition(LngLat(row.live_lng, row.live_lat), row.live_at)
