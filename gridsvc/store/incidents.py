"""Incidents: what was reported, and where it was placed on which version of the map."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from gridsvc.domain.geo import Datum, LngLat
from gridsvc.domain.incident import Incident, Neighbour, Placement, Position, unknown_incident
from gridsvc.domain.kinds import Category
from gridsvc.store.bulk import insert_rows
from gridsvc.store.geometry import county_day, points_to_stored
from gridsvc.store.repository import Repository
from gridsvc.store.tables import incident

Incidents = list[Incident]
GridCounts = dict[str, dict[tuple[date, str, int], int]]
"""Incidents by grid code, then by (day in the county, kind, urgency)."""

_C = incident.c
_COLUMNS = (
    *(_C.id, _C.number, _C.received_at, _C.category, _C.kind, _C.urgency, _C.text, _C.address),
    *(_C.drill, _C.source, _C.lng, _C.lat, _C.given_datum, _C.position_source, _C.radius_m),
    *(_C.map_version, _C.unit, _C.grid, _C.village, _C.township, _C.outside_m, _C.bearing_deg),
    _C.neighbours,
)
"""The order in which `_incident` takes a row apart."""

_AT_ONCE = 10_000


class IncidentReader(Repository):
    """Incidents of the county."""

    def get(self, id_or_number: str) -> Incident | None:
        """Return one incident by its id or its case number, None when unknown."""
        c = incident.c
        query = self._query().where(or_(c.id == id_or_number, c.number == id_or_number))
        row = self.connection.execute(query).first()
        return None if row is None else _incident(row)

    def list(self, *, limit: int = 100, before: str | None = None) -> Incidents:
        """Return incidents, the last received first.

        Parameters
        ----------
        limit
            The most to return.
        before
            Id or case number of an incident: only what comes after it in this order.

        Raises
        ------
        NotFoundError
            No incident is known under ``before``.
        """
        c = incident.c
        query = self._query().order_by(c.received_at.desc(), c.id.desc()).limit(limit)
        if before is not None:
            last = self.get(before)
            if last is None:
                raise unknown_incident(before, where="before")
            earlier = c.received_at < last.received_at
            query = query.where(
                or_(earlier, and_(c.received_at == last.received_at, c.id < last.id))
            )
        return [_incident(row) for row in self.connection.execute(query)]

    def all(self, *, since: datetime | None = None) -> Iterator[Incident]:
        """Go through every incident received at or after ``since``, the oldest first."""
        c = incident.c
        query = self._query().order_by(c.received_at, c.id)
        if since is not None:
            query = query.where(c.received_at >= since)
        for row in self.connection.execute(query.execution_options(yield_per=2000)):
            yield _incident(row)

    def taken(self, numbers: Collection[str]) -> set[str]:
        """Return those of ``numbers`` that incidents have already."""
        wanted = sorted(numbers)
        found: set[str] = set()
        for start in range(0, len(wanted), _AT_ONCE):
            query = (
                select(incident.c.number)
                .where(incident.c.county == self.county)
                .where(incident.c.number.in_(wanted[start : start + _AT_ONCE]))
            )
            found.update(self.connection.execute(query).scalars())
        return found

    def count(self) -> int:
        """Return how many incidents there are."""
        query = select(func.count()).where(incident.c.county == self.county)
        return int(self.connection.execute(query).scalar_one())

    def counts_by_grid(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> GridCounts:
        """Count the incidents inside the county by grid, drills left out.

        Parameters
        ----------
        since, until
            Aware times: received at or after, and before.
        """
        c = incident.c
        day = county_day(c.received_at, self.dialect).label("day")
        query = (
            select(c.grid, day, c.kind, c.urgency, func.count())
            .where(c.county == self.county, c.grid.is_not(None), c.bearing_deg.is_(None))
            .where(c.drill.is_(False))
            .group_by(c.grid, day, c.kind, c.urgency)
        )
        if since is not None:
            query = query.where(c.received_at >= since)
        if until is not None:
            query = query.where(c.received_at < until)
        counts: GridCounts = defaultdict(dict)
        for grid, on, kind, urgency, number in self.connection.execute(query):
            counts[grid][date.fromisoformat(on), kind, urgency] = number
        return dict(counts)

    def _query(self) -> Select[Any]:
        return select(*_COLUMNS).where(incident.c.county == self.county)


class IncidentWriter(IncidentReader):
    """Incidents inside a unit of work."""

    def add(self, one: Incident) -> None:
        """Add one incident."""
        self.add_many([one])

    def add_many(self, many: Sequence[Incident]) -> None:
        """Add incidents, as many as a year has."""
        if not many:
            return
        stored = points_to_stored(
            [None if one.position is None else one.position.at for one in many], self.dialect
        )
        insert_rows(
            self.connection,
            incident,
            [
                _row(one) | {"county": self.county, "position": point}
                for one, point in zip(many, stored, strict=True)
            ],
        )


def _row(one: Incident) -> dict[str, Any]:
    position, placement = one.position, one.placement
    return {
        "id": one.id,
        "number": one.number,
        "received_at": one.received_at,
        "category": one.category,
        "kind": one.kind,
        "urgency": one.urgency,
        "text": one.text,
        "address": one.address,
        "drill": one.drill,
        "source": one.source,
        "lng": position and position.at.lng,
        "lat": position and position.at.lat,
        "given_datum": position and position.given_datum,
        "position_source": position and position.source,
        "radius_m": position and position.radius_m,
        "map_version": one.map_version,
        "unit": placement and placement.unit,
        "grid": placement and placement.grid,
        "village": placement and placement.village,
        "township": placement and placement.township,
        "outside_m": placement and placement.outside_m,
        "bearing_deg": placement and placement.bearing_deg,
        "neighbours": placement
        and [[near.level, near.code, near.distance_m] for near in placement.neighbours],
    }


def _incident(row: Any) -> Incident:
    # By order and not by name: reading a year of incidents is twice as fast.
    (id_, number, received_at, category, kind, urgency, text, address, *rest) = row
    (drill, source, lng, lat, datum, position_source, radius_m, *rest) = rest
    (map_version, unit, grid, village, township, outside_m, bearing_deg, neighbours) = rest
    position = placement = None
    if lng is not None:
        position = Position(LngLat(lng, lat), Datum(datum), position_source, radius_m)
    if grid is not None:
        near = tuple(Neighbour(*item) for item in neighbours)
        placement = Placement(unit, grid, village, township, outside_m, bearing_deg, near)
    return Incident(
        id=id_,
        number=number,
        received_at=received_at,
        category=Category(category),
        kind=kind,
        urgency=urgency,
        text=text,
        position=position,
        address=address,
        placement=placement,
        map_version=map_version,
        drill=drill,
        source=source,
    )
